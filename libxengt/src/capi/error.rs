//! From the library's errors to an errno and a text.
#![expect(unsafe_code, reason = "the C edge: exported names")]

use core::cell::RefCell;
use core::ffi::{c_char, c_int};
use std::ffi::CString;

use crate::addr::{AddrError, DomIdError};
use crate::error::{Diagnose, ErrorKind};

/// A call that failed: what it returns, negated, and what it says.
#[derive(Debug)]
pub(super) struct Failure {
    errno: c_int,
    text: String,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { errno: kind.errno(), text: text.into() }
    }

    /// A pointer that may not be `NULL` is.
    pub(super) fn null(argument: &str) -> Self {
        Self::new(ErrorKind::InvalidInput, format!("the argument `{argument}` is NULL"))
    }

    pub(super) const fn errno(&self) -> c_int {
        self.errno
    }
}

/// Every error of the library says its kind and its fix; the text holds both.
impl<E: Diagnose> From<E> for Failure {
    fn from(error: E) -> Self {
        let text = match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        };
        Self::new(error.kind(), text)
    }
}

/// What a caller passes as a number: always the caller's own mistake.
pub(super) fn invalid_address(error: AddrError) -> Failure {
    Failure::new(ErrorKind::InvalidInput, error.to_string())
}

/// As [`invalid_address`].
pub(super) fn invalid_domid(error: DomIdError) -> Failure {
    Failure::new(ErrorKind::InvalidInput, error.to_string())
}

thread_local! {
    static LAST: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Runs the body of a function, and turns its failure into the thread's text and the negated errno.
pub(super) fn answer(body: impl FnOnce() -> Result<(), Failure>) -> c_int {
    match body() {
        Ok(()) => 0,
        Err(failure) => {
            remember(&failure.text);
            -failure.errno
        }
    }
}

fn remember(text: &str) {
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 0 { b'?' } else { byte }).collect();
    let text = CString::new(bytes).unwrap_or_default();
    // A thread that is being torn down has no text any more, and nobody left to read it.
    let _gone = LAST.try_with(|last| last.replace(Some(text)));
}

/// What went wrong in the calling thread's last call that failed, and what to do about it: one line of
/// UTF-8. Empty if none failed yet. Never NULL.
///
/// A call that succeeds leaves the text alone, as it does errno. The pointer is valid until the thread's next
/// call of a function of this library, or its end.
#[unsafe(no_mangle)]
pub extern "C" fn xengt_last_error() -> *const c_char {
    let last = LAST.try_with(|last| last.borrow().as_ref().map(|text| text.as_ptr()));
    last.ok().flatten().unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use core::ffi::CStr;

    use super::{Failure, answer, xengt_last_error};
    use crate::addr::DomId;
    use crate::control::ControlError;
    use crate::error::ErrorKind;

    fn last() -> String {
        // SAFETY: the pointer is to a C string that stays until this thread's next call.
        unsafe { CStr::from_ptr(xengt_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn failure_keeps_its_hint_and_success_keeps_the_text() {
        assert_eq!(last(), "");
        let result = answer(|| Err(ControlError::NoVgpu { domid: DomId::new(9) }.into()));
        assert_eq!(result, -libc::ENOENT);
        assert_eq!(last(), "domain 9 has no vGPU; `vgtctl list` shows which domains have one");
        assert_eq!(answer(|| Ok(())), 0);
        assert!(last().starts_with("domain 9"));
        assert_eq!(answer(|| Err(Failure::new(ErrorKind::Failed, "a\0b"))), -libc::EIO);
        assert_eq!(last(), "a?b", "a NUL inside does not cut the text");
    }

    #[test]
    fn text_belongs_to_its_thread() {
        answer(|| Err(Failure::null("host")));
        std::thread::spawn(|| assert_eq!(last(), "")).join().unwrap();
        assert_eq!(last(), "the argument `host` is NULL");
    }
}
