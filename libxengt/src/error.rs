//! What every failure of this library says of itself: its kind, its errno and its fix.
//!
//! Each module has its own error enum with the operands in its variants. The exit codes of `vgtctl` and the
//! errnos of the C ABI both come from [`Diagnose::kind`], so the two never disagree.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::io;

/// The classes of failure a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself is wrong: a value out of range, a word that is no number.
    InvalidInput,
    /// What was named does not exist: a domain, a vGPU, a type, an address that maps nothing.
    NotFound,
    /// What was to be made exists already.
    Exists,
    /// The system refuses this user.
    Permission,
    /// This host, kernel or GPU cannot do it.
    Unsupported,
    /// A resource has run out: graphics memory, fences, instances.
    NoSpace,
    /// Somebody else holds it now; trying again later may work.
    Busy,
    /// The system failed or answered what it should not.
    Failed,
}

impl ErrorKind {
    /// The errno the C ABI returns (negated) for this kind.
    #[must_use]
    pub const fn errno(self) -> i32 {
        match self {
            Self::InvalidInput => libc::EINVAL,
            Self::NotFound => libc::ENOENT,
            Self::Exists => libc::EEXIST,
            Self::Permission => libc::EACCES,
            Self::Unsupported => libc::EOPNOTSUPP,
            Self::NoSpace => libc::ENOSPC,
            Self::Busy => libc::EBUSY,
            Self::Failed => libc::EIO,
        }
    }

    /// The kind of an operating system error.
    #[must_use]
    pub fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Permission,
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => Self::Busy,
            io::ErrorKind::Unsupported => Self::Unsupported,
            io::ErrorKind::InvalidInput => Self::InvalidInput,
            _ => Self::Failed,
        }
    }
}

/// An error that knows its kind and what to do about it.
pub trait Diagnose: std::error::Error {
    /// The class of the failure.
    fn kind(&self) -> ErrorKind;
    /// What the reader can do, as a phrase in the imperative, where there is something to do.
    fn hint(&self) -> Option<Cow<'static, str>> {
        None
    }
}
