//! What can go wrong with xenstore.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use super::wire::WireError;
use crate::error::{Diagnose, ErrorKind};
use crate::xen::XenError;

/// A failed request to xenstore.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The device cannot be opened or used.
    #[error(transparent)]
    Device(#[from] XenError),
    /// The daemon refused.
    #[error("xenstore: {request} {path}: {}", std::io::Error::from_raw_os_error(*errno))]
    Refused {
        /// What was asked.
        request: &'static str,
        /// Of which node.
        path: String,
        /// The error number.
        errno: i32,
    },
    /// What was to be sent, or what came, is no message.
    #[error("xenstore: {0}")]
    Wire(#[from] WireError),
    /// No answer came.
    #[error("xenstore: {request} {path}: no answer within {seconds} s")]
    Timeout {
        /// What was asked.
        request: &'static str,
        /// Of which node.
        path: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The answer says neither of what it can.
    #[error("xenstore: {request} {path}: answered {answer:?}, expected {expected}")]
    Answer {
        /// What was asked.
        request: &'static str,
        /// Of which node.
        path: String,
        /// The answer.
        answer: String,
        /// What can be answered.
        expected: &'static str,
    },
    /// The connection is at its end.
    #[error("xenstore: the connection has ended")]
    Closed,
    /// No domain has this name.
    #[error("no domain is called {name:?}")]
    NoSuchName {
        /// The name.
        name: String,
    },
    /// Several domains have this name.
    #[error("domains {first} and {second} are both called {name:?}")]
    AmbiguousName {
        /// The name.
        name: String,
        /// One of them.
        first: crate::addr::DomId,
        /// Another.
        second: crate::addr::DomId,
    },
}

impl Diagnose for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Device(error) => error.kind(),
            Self::Refused { errno, .. } => ErrorKind::of_io(&std::io::Error::from_raw_os_error(*errno)),
            Self::NoSuchName { .. } => ErrorKind::NotFound,
            Self::AmbiguousName { .. } | Self::Wire(WireError::Unsendable { .. }) => ErrorKind::InvalidInput,
            Self::Timeout { .. } => ErrorKind::Busy,
            Self::Wire(_) | Self::Answer { .. } | Self::Closed => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Device(error) => return error.hint(),
            Self::NoSuchName { .. } => "`xl list` shows the domains and their names".into(),
            Self::AmbiguousName { .. } => "name it by its id, with --domid".into(),
            Self::Timeout { .. } | Self::Answer { .. } | Self::Closed => {
                "is xenstored running? (`systemctl status xenstored`)".into()
            }
            Self::Refused { errno: libc::EACCES | libc::EPERM, .. } => {
                "run it in dom0: xenstore shows other domains only what they share".into()
            }
            Self::Refused { .. } => "`xenstore-ls -fp` in dom0 shows the node and who may use it".into(),
            Self::Wire(WireError::Unsendable { .. }) => "give a shorter path, without a byte 0".into(),
            Self::Wire(_) => "connect again: what follows in this connection cannot be told apart".into(),
        })
    }
}
