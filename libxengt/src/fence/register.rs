//! The fence register's bits, in the order of the manual.

use bitfield_struct::bitfield;

/// A fence register as the hardware holds it: both 32-bit words, the low one at the lower address.
///
/// Source: Intel PRM for Skylake, volume 2c, "FENCE"; kernel: `i915/i915_reg.h`, `GEN6_FENCE_PITCH_SHIFT`.
#[bitfield(u64)]
#[derive(PartialEq, Eq, Hash)]
pub struct FenceReg {
    /// Bit 0: the fence is in use.
    pub valid: bool,
    /// Bit 1: tile walk; set for Y tiles, clear for X tiles.
    pub y_walk: bool,
    /// Bits 11:2, reserved.
    #[bits(10)]
    pub(super) reserved_low: u16,
    /// Bits 31:12: the range's first 4 KiB page.
    #[bits(20)]
    pub first_page: u32,
    /// Bits 42:32: the surface's pitch in units of 128 bytes, minus one.
    #[bits(11)]
    pub pitch_units_minus_one: u16,
    /// Bit 43, reserved: the kernel stops at 2048 units (`GEN7_FENCE_MAX_PITCH_VAL`), which need 11 bits.
    pub(super) reserved_high: bool,
    /// Bits 63:44: the range's last 4 KiB page, inclusive.
    #[bits(20)]
    pub last_page: u32,
}

const _: () = assert!(size_of::<FenceReg>() == 8);

#[cfg(test)]
mod tests {
    use super::FenceReg;

    #[test]
    fn each_field_lies_at_its_bits() {
        for (register, bits) in [
            (FenceReg::new().with_valid(true), 1),
            (FenceReg::new().with_y_walk(true), 1 << 1),
            (FenceReg::new().with_reserved_low(0x3ff), 0x3ff << 2),
            (FenceReg::new().with_first_page(0xf_ffff), 0xf_ffff << 12),
            (FenceReg::new().with_pitch_units_minus_one(0x7ff), 0x7ff << 32),
            (FenceReg::new().with_reserved_high(true), 1 << 43),
            (FenceReg::new().with_last_page(0xf_ffff), 0xf_ffff << 44),
        ] {
            assert_eq!(u64::from(register), bits);
        }
    }
}
