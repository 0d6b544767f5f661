//! Which GPUs can host vGPUs, by PCI id, and of the others why not.
//!
//! i915 says only "Unsupported device. GVT-g is disabled"; here every GPU has an answer. Ids are exactly what
//! sysfs shows in `vendor` and `device`. That a GPU is supported is necessary, not sufficient: i915 must also
//! run without GuC submission and not be a guest itself.
//!
//! ```
//! use libxengt::platform::{PciId, Support, lookup};
//! let kaby_lake = PciId::from_sysfs("0x8086\n", "0x5916\n")?;
//! assert!(matches!(lookup(kaby_lake), Support::Supported { family: "Kaby Lake", .. }));
//! # Ok::<(), libxengt::addr::ParseNumberError>(())
//! ```
#![forbid(unsafe_code)]

mod generation;
mod supported;
mod unsupported;

pub use generation::Generation;

use std::borrow::Cow;
use std::fmt;

use crate::addr::{ParseNumberError, parse_u64};
use crate::error::{Diagnose, ErrorKind};

/// Intel's PCI vendor id.
pub const INTEL: u16 = 0x8086;

/// What identifies a PCI device's model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciId {
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
}

impl PciId {
    /// The id from the text of the sysfs files `vendor` and `device`, such as `0x8086` with a line's end.
    ///
    /// # Errors
    /// [`ParseNumberError`] if either is no number of 16 bits.
    pub fn from_sysfs(vendor: &str, device: &str) -> Result<Self, ParseNumberError> {
        let read = |text: &str| {
            let text = text.trim_end();
            let max = u16::MAX.into();
            let number = parse_u64(text, max)?;
            u16::try_from(number).map_err(|_| ParseNumberError { given: text.to_owned(), max })
        };
        Ok(Self { vendor: read(vendor)?, device: read(device)? })
    }
}

impl fmt::Display for PciId {
    /// As `lspci -n` writes it: `8086:5916`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.device)
    }
}

/// What is known of a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Support {
    /// It can host vGPUs.
    Supported {
        /// Its family, such as `Kaby Lake`.
        family: &'static str,
        /// Its generation.
        generation: Generation,
        /// What its users should know.
        note: Option<&'static str>,
    },
    /// It cannot.
    Unsupported {
        /// Its family, such as `Tiger Lake`.
        family: &'static str,
        /// Why not.
        reason: &'static str,
        /// What can be done instead, in the imperative.
        alternative: &'static str,
    },
    /// An Intel device that is in no table.
    Unknown {
        /// What can be done, in the imperative.
        advice: &'static str,
    },
    /// A device of another vendor.
    OtherVendor {
        /// Why it cannot host vGPUs.
        reason: &'static str,
    },
}

/// A GPU that cannot host vGPUs, as far as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Its family is not supported.
    #[error("{id} ({family}) cannot host vGPUs: {reason}")]
    Unsupported {
        /// The GPU.
        id: PciId,
        /// Its family.
        family: &'static str,
        /// Why not.
        reason: &'static str,
        /// What can be done instead.
        alternative: &'static str,
    },
    /// It is in no table.
    #[error("{id} is no Intel graphics device that is known here")]
    Unknown {
        /// The device.
        id: PciId,
        /// What can be done.
        advice: &'static str,
    },
    /// It is not Intel's.
    #[error("{id} cannot host vGPUs: {reason}")]
    OtherVendor {
        /// The device.
        id: PciId,
        /// Why not.
        reason: &'static str,
    },
}

impl Diagnose for PlatformError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unsupported
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Unsupported { alternative, .. } => alternative,
            Self::Unknown { advice, .. } => advice,
            Self::OtherVendor { .. } => "name the integrated Intel GPU, usually 0000:00:02.0",
        }))
    }
}

/// What is known of the GPU `id`.
#[must_use]
pub fn lookup(id: PciId) -> Support {
    if id.vendor != INTEL {
        return Support::OtherVendor { reason: "GVT-g is a feature of Intel's integrated graphics" };
    }
    if let Some(f) = supported::FAMILIES.iter().find(|f| f.ids.contains(&id.device)) {
        return Support::Supported { family: f.name, generation: f.generation, note: f.note };
    }
    if let Some(f) = unsupported::FAMILIES.iter().find(|f| f.ids.contains(&id.device)) {
        return Support::Unsupported { family: f.name, reason: f.reason, alternative: f.alternative };
    }
    Support::Unknown {
        advice: "check with `lspci -nn` that this is the GPU; graphics newer than Comet Lake cannot host vGPUs, \
                 and for what should be in the table please report the id",
    }
}

/// The generation of the GPU `id`, if it can host vGPUs.
///
/// # Errors
/// [`PlatformError`] with the reason if it cannot.
pub fn require(id: PciId) -> Result<Generation, PlatformError> {
    match lookup(id) {
        Support::Supported { generation, .. } => Ok(generation),
        Support::Unsupported { family, reason, alternative } => {
            Err(PlatformError::Unsupported { id, family, reason, alternative })
        }
        Support::Unknown { advice } => Err(PlatformError::Unknown { id, advice }),
        Support::OtherVendor { reason } => Err(PlatformError::OtherVendor { id, reason }),
    }
}

/// Every id that can host vGPUs, family by family.
pub fn supported_ids() -> impl Iterator<Item = PciId> {
    supported::FAMILIES.iter().flat_map(|f| f.ids).map(|device| PciId { vendor: INTEL, device: *device })
}

#[cfg(test)]
mod tests;
