//! What can go wrong with a map of a BAR.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::error::{Diagnose, ErrorKind};

/// A BAR that cannot be mapped, or an access outside it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BarError {
    /// The file cannot be opened or mapped.
    #[error("cannot map {}: {source}", path.display())]
    Map {
        /// The `resourceN` file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is shorter than the BAR: a map of it would end in a bus error.
    #[error("{} has {found} bytes, expected {expected}", path.display())]
    Truncated {
        /// The `resourceN` file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The BAR's length in bytes.
        expected: u64,
    },
    /// The access is outside the BAR, or not aligned to its size.
    #[error("{len} bytes at offset {offset:#x} are not inside the BAR's {size:#x} bytes, or not aligned")]
    Outside {
        /// Offset in the BAR, in bytes.
        offset: u64,
        /// Length of the access in bytes.
        len: usize,
        /// The BAR's length in bytes.
        size: usize,
    },
}

impl Diagnose for BarError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Map { source, .. } => ErrorKind::of_io(source),
            Self::Truncated { .. } => ErrorKind::Failed,
            Self::Outside { .. } => ErrorKind::InvalidInput,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Map { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("run it as root in dom0, on a kernel without lockdown".into())
            }
            Self::Map { .. } => Some("`vgtctl doctor` checks the GPU and its driver".into()),
            Self::Truncated { .. } => Some(
                "the file changed or is damaged; a simulated host is remade with `vgtctl sim init --force`"
                    .into(),
            ),
            Self::Outside { .. } => None,
        }
    }
}
