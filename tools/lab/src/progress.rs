//! What the user sees while the lab works: a bar on a terminal, plain lines where there is none.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One piece of work that is under way.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Work of so many steps.
    pub(crate) fn new(what: &'static str, steps: u64) -> Self {
        Self::start(what, steps, "{prefix:>9} {bar:24} {pos}/{len} {elapsed} {wide_msg}")
    }

    /// Work on so many bytes.
    pub(crate) fn bytes(what: &'static str, bytes: u64) -> Self {
        Self::start(what, bytes, "{prefix:>9} {bar:24} {bytes}/{total_bytes} {elapsed} {wide_msg}")
    }

    fn start(what: &'static str, length: u64, template: &str) -> Self {
        if !stderr().is_terminal() {
            say(&format!("{what} ..."));
            return Self { bar: None };
        }
        let bar = ProgressBar::new(length).with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar: Some(bar) }
    }

    /// What it is at.
    pub(crate) fn note(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// That much more is done.
    pub(crate) fn add(&self, amount: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(amount);
        }
    }

    /// A line that stays, above the bar.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells the user something; standard output is left to results.
pub(crate) fn say(text: &str) {
    eprintln!("lab: {text}");
}

/// Tells the user something that must not be missed.
pub(crate) fn warn(text: &str) {
    eprintln!("lab: WARNING: {text}");
}
