//! BAR 0 as the GPU lays it out: registers below 2 MB, the global GTT in its upper half.
//!
//! Source: Broadwell PRM, volume 5, "GTTMMADR"; the kernel's `gen6_gttmmadr_size` and `ggtt_probe_common`.

use std::path::Path;

use super::{BarError, Mapping};
use crate::gtt::GgttSource;
use crate::memory::{MemoryError, MemoryErrorReason};

/// Offset of the GGTT's first entry in BAR 0, in bytes.
pub const GGTT_OFFSET: u64 = 8 << 20;

/// BAR 0 mapped for reading, in two parts: where i915 runs it has mapped the registers uncached and the GGTT
/// write-combined, and x86 Linux refuses a map that crosses from one to the other.
#[derive(Debug)]
pub struct Mmio {
    registers: Mapping,
    ggtt: Mapping,
    entries: u32,
}

impl Mmio {
    /// Maps BAR 0 of `len` bytes from `path`, whose GGTT covers `ggtt_bytes` of graphics address space.
    ///
    /// # Errors
    /// [`BarError`] if the file cannot be mapped, or the BAR has no room for such a GGTT.
    pub fn open(path: &Path, len: u64, ggtt_bytes: u64) -> Result<Self, BarError> {
        let entries = u32::try_from(ggtt_bytes / 4096).unwrap_or(u32::MAX);
        let expected = GGTT_OFFSET.saturating_add(u64::from(entries).saturating_mul(8));
        if len < expected {
            return Err(BarError::Truncated { path: path.to_owned(), found: len, expected });
        }
        // The GGTT first: if the file is too short, that is what its error tells.
        let ggtt = Mapping::open_at(path, GGTT_OFFSET, len - GGTT_OFFSET)?;
        Ok(Self { registers: Mapping::open(path, GGTT_OFFSET)?, ggtt, entries })
    }

    /// How many entries the GGTT has, one per 4 KiB page.
    #[must_use]
    pub fn ggtt_entries(&self) -> u32 {
        self.entries
    }

    /// The 32-bit register at `offset`.
    ///
    /// # Errors
    /// [`BarError::Outside`].
    pub fn read_u32(&self, offset: u64) -> Result<u32, BarError> {
        self.registers.read_u32(offset)
    }

    /// The 64-bit register at `offset`.
    ///
    /// # Errors
    /// [`BarError::Outside`].
    pub fn read_u64(&self, offset: u64) -> Result<u64, BarError> {
        self.registers.read_u64(offset)
    }

    /// The raw GGTT entry number `index`.
    ///
    /// # Errors
    /// [`BarError::Outside`] if the GGTT is shorter.
    pub fn read_ggtt(&self, index: u32) -> Result<u64, BarError> {
        let offset = u64::from(index) * 8;
        if index >= self.entries {
            return Err(BarError::Outside { offset, len: 8, size: self.ggtt.len() });
        }
        self.ggtt.read_u64(offset)
    }
}

impl GgttSource for Mmio {
    fn entries(&self) -> u32 {
        self.entries
    }

    fn read_pte(&self, index: u32) -> Result<u64, MemoryError> {
        self.read_ggtt(index).map_err(|_| MemoryError {
            at: u64::from(index) * 8,
            len: 8,
            reason: MemoryErrorReason::Beyond,
        })
    }
}
