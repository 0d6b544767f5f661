//! Why something is no fence.

use std::borrow::Cow;

use super::{COUNT, FenceReg, MAX_PITCH};
use crate::error::{Diagnose, ErrorKind};
use crate::tiling::Tiling;

/// A fence that the hardware cannot hold, or a register that describes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FenceError {
    /// There is no fence register of that number.
    #[error("there is no fence register {index}: they are numbered 0 to {}", COUNT - 1)]
    Index {
        /// The number asked for.
        index: u64,
    },
    /// Reserved bits are set.
    #[error("fence register {:#018x} sets reserved bits {set:#x}: they must be zero", u64::from(*.register))]
    Reserved {
        /// The whole register.
        register: FenceReg,
        /// Which of its reserved bits are set.
        set: u64,
    },
    /// The range ends before it starts.
    #[error("the fence's last page {last:#x} lies below its first page {first:#x}")]
    Reversed {
        /// Address of the first page, in bytes.
        first: u64,
        /// Address of the last page, in bytes.
        last: u64,
    },
    /// The range does not start or end at a page.
    #[error("a fence covers whole 4 KiB pages, not {len:#x} bytes at {start:#x}")]
    Unaligned {
        /// Where the range starts, in bytes.
        start: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// The range is empty or leaves the global GTT.
    #[error("{len:#x} bytes at {start:#x} are no range of the 4 GiB global GTT")]
    Range {
        /// Where the range starts, in bytes.
        start: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// The pitch does not fit tiles or register.
    #[error(
        "pitch {pitch} does not fit {tiling} tiles: it must be a multiple of {} from {} to {MAX_PITCH}",
        .tiling.width(), .tiling.width()
    )]
    Pitch {
        /// The pitch in bytes.
        pitch: u64,
        /// How the range is tiled.
        tiling: Tiling,
    },
}

impl Diagnose for FenceError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Index { .. } => "give a fence number from 0 to 31",
            Self::Reserved { .. } | Self::Reversed { .. } => {
                "read the register again: the guest may have been writing its two halves"
            }
            Self::Unaligned { .. } => "round the range to 4096 bytes",
            Self::Range { .. } => "give a range that is not empty and ends at or below 4 GiB",
            Self::Pitch { .. } => "round the pitch up to whole tiles: 512 bytes for X, 128 for Y",
        }))
    }
}
