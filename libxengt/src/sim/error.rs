//! What can go wrong with a simulated host.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Diagnose, ErrorKind};
use crate::p2m::P2mError;

/// A simulated host that cannot be made, read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried: a verb.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The directory holds something else.
    #[error("{} holds files that are no simulated host", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// There is a simulated host already.
    #[error("{} holds a simulated host already", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// Somebody else owns the directory.
    #[error("{} belongs to another user (uid {owner})", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
    },
    /// An option has no such value.
    #[error("{option} {given} is not possible: expected {expected}")]
    Option {
        /// The option.
        option: &'static str,
        /// What was given.
        given: String,
        /// What is possible.
        expected: &'static str,
    },
    /// The state file is damaged.
    #[error("{} is damaged: {problem}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A guest's physical-to-machine map is damaged.
    #[error("{} is damaged: {source}", path.display())]
    P2m {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: P2mError,
    },
    /// The domain has no vGPU, and so the simulator no guest for it.
    #[error("domain {domid} has no vGPU, and only guests with one are simulated")]
    NoGuest {
        /// The domain.
        domid: u16,
    },
    /// The simulated host was never finished: its maker died.
    #[error("{} holds a simulated host that was never finished", path.display())]
    Unfinished {
        /// The directory.
        path: PathBuf,
    },
    /// The guest that the simulator draws does not fit where it should; a fault of the simulator.
    #[error("cannot draw the guest of domain {domid}: {problem}")]
    Guest {
        /// The domain.
        domid: u16,
        /// What does not fit.
        problem: String,
    },
}

impl SimError {
    /// An I/O error on `path`.
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }
}

impl Diagnose for SimError {
    fn kind(&self) -> ErrorKind {
        match self {
            // A place where nothing can be made is no thing that was looked for and not found.
            Self::Io { what: "make", source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorKind::Failed
            }
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Occupied { .. } | Self::Exists { .. } => ErrorKind::Exists,
            Self::NotOurs { .. } => ErrorKind::Permission,
            Self::Option { .. } => ErrorKind::InvalidInput,
            Self::NoGuest { .. } => ErrorKind::NotFound,
            Self::State { .. } | Self::P2m { .. } | Self::Unfinished { .. } | Self::Guest { .. } => {
                ErrorKind::Failed
            }
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "a guest takes a few MB of disk: make room, or give another directory with --sim=DIR".into()
            }
            Self::Io { what: "make", .. } => "give a directory you can write with --sim=DIR".into(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "`vgtctl sim init --force` makes the simulated host anew".into()
            }
            Self::Io { .. } => "give a directory you can write with --sim=DIR".into(),
            Self::NoGuest { domid } => format!("`vgtctl create --domid {domid}` gives it one").into(),
            Self::Unfinished { .. } => "any command with --sim=DIR finishes it".into(),
            Self::Occupied { .. } | Self::NotOurs { .. } => "give an empty directory with --sim=DIR".into(),
            Self::Exists { .. } => "`vgtctl sim init --force` replaces it".into(),
            Self::Option { .. } => return None,
            Self::State { .. } | Self::P2m { .. } => "`vgtctl sim init --force` makes it anew".into(),
            Self::Guest { .. } => "please report this".into(),
        })
    }
}
