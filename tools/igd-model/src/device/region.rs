//! The regions that VFIO numbers.
#![forbid(unsafe_code)]

use super::config::CONFIG_BYTES;
use super::opregion::OPREGION_BYTES;
use crate::global_gtt::BAR0_BYTES;

/// Size of the aperture in bytes.
pub const APERTURE_BYTES: u64 = 256 << 20;

/// A region that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Registers, and the global GTT at 8 MB.
    Bar0,
    /// The aperture: the first part of the global graphics space.
    Bar2,
    /// An index and a data port for registers.
    Bar4,
    /// PCI configuration space.
    Config,
    /// The firmware's page for the driver.
    OpRegion,
}

impl Region {
    /// By VFIO's number; `None` for those that are empty and those that do not exist.
    #[must_use]
    pub const fn from_index(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Bar0,
            2 => Self::Bar2,
            4 => Self::Bar4,
            7 => Self::Config,
            9 => Self::OpRegion,
            _ => return None,
        })
    }

    /// Its size in bytes.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::Bar0 => BAR0_BYTES,
            Self::Bar2 => APERTURE_BYTES,
            Self::Bar4 => 64,
            Self::Config => CONFIG_BYTES,
            Self::OpRegion => OPREGION_BYTES,
        }
    }
}
