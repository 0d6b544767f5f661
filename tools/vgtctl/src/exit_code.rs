//! The exit codes, one for each thing a script can act on.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failure: the system failed, something exists already or is busy, an audit found a violation |
//! | 2 | usage: the command line itself is wrong |
//! | 3 | not found: no such domain, vGPU, type or mapping |
//! | 4 | no permission |
//! | 5 | this host, kernel or GPU cannot do it |
//! | 6 | no space: graphics memory, fences or instances have run out |
//! | 7 | done, but with warnings; an audit found what it can prove to be neither right nor a violation |

use libxengt::error::ErrorKind;

pub(crate) const DONE: u8 = 0;
pub(crate) const FAILURE: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const NOT_FOUND: u8 = 3;
pub(crate) const NO_PERMISSION: u8 = 4;
pub(crate) const UNSUPPORTED: u8 = 5;
pub(crate) const NO_SPACE: u8 = 6;
pub(crate) const WARNINGS: u8 = 7;

/// The exit code of a library error.
pub(crate) fn of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidInput => USAGE,
        ErrorKind::NotFound => NOT_FOUND,
        ErrorKind::Permission => NO_PERMISSION,
        ErrorKind::Unsupported => UNSUPPORTED,
        ErrorKind::NoSpace => NO_SPACE,
        _ => FAILURE,
    }
}

/// The code's name in JSON.
pub(crate) fn name(code: u8) -> &'static str {
    match code {
        DONE => "done",
        USAGE => "usage",
        NOT_FOUND => "not_found",
        NO_PERMISSION => "no_permission",
        UNSUPPORTED => "unsupported",
        NO_SPACE => "no_space",
        WARNINGS => "warnings",
        _ => "failure",
    }
}
