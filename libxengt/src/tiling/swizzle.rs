//! Bit-6 swizzling: the memory controller's shuffle of neighbouring cache lines.

use super::TilingError;

/// Which bits of a tiled address are XORed into its bit 6.
///
/// The kernel reports the mode (`I915_BIT_6_SWIZZLE_*`, `i915_drm.h`); on Gen8 and later it is
/// [`Swizzle::None`] unless firmware set the memory up otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Swizzle {
    /// No swizzling.
    #[default]
    None,
    /// Bit 9.
    Bit9,
    /// Bits 9 and 10.
    Bit9_10,
    /// Bits 9 and 11.
    Bit9_11,
    /// Bits 9, 10 and 11.
    Bit9_10_11,
}

impl Swizzle {
    /// The lowest address bit that any mode takes.
    pub(super) const LOWEST_BIT: u32 = 9;

    /// Every mode.
    pub const ALL: [Self; 5] = [Self::None, Self::Bit9, Self::Bit9_10, Self::Bit9_11, Self::Bit9_10_11];

    /// The mode that the kernel calls `mode` (`I915_BIT_6_SWIZZLE_*`).
    ///
    /// # Errors
    /// [`TilingError::Swizzle`] for the modes with bit 17, which is a bit of the *physical* address and differs
    /// from page to page, for "unknown", and for numbers that name no mode.
    pub const fn from_i915(mode: u32) -> Result<Self, TilingError> {
        let reason = match mode {
            0 => return Ok(Self::None),
            1 => return Ok(Self::Bit9),
            2 => return Ok(Self::Bit9_10),
            3 => return Ok(Self::Bit9_11),
            4 => return Ok(Self::Bit9_10_11),
            5 => "I915_BIT_6_SWIZZLE_UNKNOWN: the kernel could not tell how memory is swizzled",
            6 => "I915_BIT_6_SWIZZLE_9_17: bit 17 of each page's physical address is not known here",
            7 => "I915_BIT_6_SWIZZLE_9_10_17: bit 17 of each page's physical address is not known here",
            _ => "no mode has that number",
        };
        Err(TilingError::Swizzle { mode, reason })
    }

    /// The address bits that go into bit 6, as a mask.
    #[must_use]
    pub const fn mask(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Bit9 => 1 << 9,
            Self::Bit9_10 => 1 << 9 | 1 << 10,
            Self::Bit9_11 => 1 << 9 | 1 << 11,
            Self::Bit9_10_11 => 1 << 9 | 1 << 10 | 1 << 11,
        }
    }

    /// `offset` with its bit 6 swizzled; its own inverse, because bit 6 is not in the mask.
    pub(super) const fn apply(self, offset: u64) -> u64 {
        let odd = (offset & self.mask()).count_ones() & 1;
        if odd == 1 { offset ^ 1 << 6 } else { offset }
    }
}

#[cfg(test)]
mod tests {
    use super::Swizzle;

    #[test]
    fn kernel_modes_map_by_number_and_the_physical_ones_are_refused_by_name() {
        for (mode, swizzle) in (0..).zip(Swizzle::ALL) {
            assert_eq!(Swizzle::from_i915(mode), Ok(swizzle));
        }
        for (mode, name) in
            [(5, "UNKNOWN"), (6, "9_17"), (7, "9_10_17"), (8, "no mode"), (u32::MAX, "no mode")]
        {
            let text = Swizzle::from_i915(mode).unwrap_err().to_string();
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn swizzling_twice_gives_the_offset_back() {
        for swizzle in Swizzle::ALL {
            for offset in 0..8192 {
                assert_eq!(swizzle.apply(swizzle.apply(offset)), offset);
            }
        }
        assert_eq!(Swizzle::Bit9_10.apply(0x200), 0x240);
        assert_eq!(Swizzle::Bit9_10.apply(0x600), 0x600);
        assert_eq!(Swizzle::Bit9_11.apply(0x800), 0x840);
    }
}
