//! Which of the fence registers.

use core::fmt;

use super::{COUNT, FenceError, MMIO_BASE, MMIO_STRIDE};

/// The number of a fence register, 0 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FenceIndex(u8);

impl FenceIndex {
    /// The last fence register.
    pub const MAX: Self = Self(COUNT - 1);

    /// A fence register's number from outside.
    ///
    /// # Errors
    /// [`FenceError::Index`] if there is no such register.
    pub fn try_new(raw: u64) -> Result<Self, FenceError> {
        match u8::try_from(raw) {
            Ok(index) if index < COUNT => Ok(Self(index)),
            _ => Err(FenceError::Index { index: raw }),
        }
    }

    /// Every fence register, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..COUNT).map(Self)
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Where the register lies in the registers' BAR, in bytes.
    #[must_use]
    pub fn mmio_offset(self) -> u64 {
        MMIO_BASE + MMIO_STRIDE * u64::from(self.0)
    }

    /// The register whose low or high word lies at `offset` bytes in the registers' BAR, if one does.
    #[must_use]
    pub fn from_mmio_offset(offset: u64) -> Option<Self> {
        Self::try_new(offset.checked_sub(MMIO_BASE)? / MMIO_STRIDE).ok()
    }
}

impl fmt::Display for FenceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::FenceIndex;

    #[test]
    fn indices_below_32_are_accepted_and_others_refused() {
        assert_eq!(FenceIndex::try_new(0).unwrap().mmio_offset(), 0x10_0000);
        assert_eq!(FenceIndex::try_new(31).unwrap().mmio_offset(), 0x10_00f8);
        for bad in [32, 255, 256, u64::MAX] {
            assert!(FenceIndex::try_new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mmio_offset_round_trips_for_every_register() {
        assert_eq!(FenceIndex::all().len(), 32);
        for index in FenceIndex::all() {
            assert_eq!(FenceIndex::from_mmio_offset(index.mmio_offset()), Some(index));
            assert_eq!(FenceIndex::from_mmio_offset(index.mmio_offset() + 4), Some(index));
        }
        assert_eq!(FenceIndex::from_mmio_offset(0xf_ffff), None);
        assert_eq!(FenceIndex::from_mmio_offset(0x10_0100), None);
    }
}
