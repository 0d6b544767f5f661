//! A verb that could not do its work.

use std::fmt::Display;
use std::io;

use libxengt::error::Diagnose;

use crate::exit_code;

/// What to print, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) code: u8,
    /// The reader of our output has gone: nothing is left to say, and to nobody.
    pub(crate) silent: bool,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None, code, silent: false }
    }

    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl<E: Diagnose> From<E> for Failure {
    fn from(error: E) -> Self {
        let hint = error.hint().map(std::borrow::Cow::into_owned);
        Self { code: exit_code::of(error.kind()), hint, ..Self::new(0, error) }
    }
}

/// A failure to write our own output.
pub(crate) fn output(error: io::Error) -> Failure {
    let silent = error.kind() == io::ErrorKind::BrokenPipe;
    Failure { silent, ..Failure::new(exit_code::FAILURE, format!("cannot write the output: {error}")) }
}
