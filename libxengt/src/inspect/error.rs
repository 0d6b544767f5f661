//! Why a vGPU cannot be looked into.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::addr::DomId;
use crate::error::{Diagnose, ErrorKind};
use crate::node::NodeError;
use crate::pvinfo::PvinfoError;

/// A file of a vGPU's insides that is missing or makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The kernel does not show it.
    #[error("the kernel does not show the {what} of domain {domid}'s vGPU: {} does not exist", path.display())]
    NotShown {
        /// The domain.
        domid: DomId,
        /// What was wanted.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The file is too short.
    #[error("{} has {found} bytes, expected {expected}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// What it should have at least, in bytes.
        expected: u64,
    },
    /// The access is outside the registers, or not aligned.
    #[error("register offset {offset:#x} is not a multiple of {len} inside the {size:#x} bytes of registers")]
    Outside {
        /// Offset in bytes.
        offset: u64,
        /// Bytes of the register.
        len: u64,
        /// Bytes of the image.
        size: u64,
    },
    /// The PVINFO page in the registers makes no sense.
    #[error("the PVINFO page of domain {domid}'s vGPU: {source}")]
    Pvinfo {
        /// The domain.
        domid: DomId,
        /// What is wrong with it.
        source: PvinfoError,
    },
}

impl Diagnose for InspectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotShown { .. } => ErrorKind::Unsupported,
            Self::Node(error) => error.kind(),
            Self::Truncated { .. } => ErrorKind::Failed,
            Self::Outside { .. } => ErrorKind::InvalidInput,
            Self::Pvinfo { source, .. } => source.kind(),
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotShown { .. } => Some(
                "mount debugfs (`mount -t debugfs none /sys/kernel/debug`) on a kernel with our series"
                    .into(),
            ),
            Self::Node(error) => error.hint(),
            Self::Truncated { .. } => {
                Some("the kernel's version of this file is not the one expected".into())
            }
            Self::Outside { .. } => None,
            Self::Pvinfo { source, .. } => source.hint(),
        }
    }
}
