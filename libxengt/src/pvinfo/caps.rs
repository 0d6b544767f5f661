//! What the host side of a vGPU can do.

use core::fmt;

/// A set of capability bits (`VGT_CAPS_*` of i915 `i915_pvinfo.h`); bits without a name are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Caps(pub u32);

impl Caps {
    /// PPGTTs of 48 bits (four levels); older headers call it the full 48-bit PPGTT.
    pub const FULL_PPGTT: Self = Self(1 << 2);
    /// The hardware status page is emulated.
    pub const HWSP_EMULATION: Self = Self(1 << 3);
    /// Page table entries of more than 4 KiB.
    pub const HUGE_GTT: Self = Self(1 << 4);
    /// What GVT-g states for every vGPU (`gvt/vgpu.c`).
    pub const GVT: Self = Self(Self::FULL_PPGTT.0 | Self::HWSP_EMULATION.0 | Self::HUGE_GTT.0);

    const NAMES: [(Self, &'static str); 3] = [
        (Self::FULL_PPGTT, "full-ppgtt"),
        (Self::HWSP_EMULATION, "hwsp-emulation"),
        (Self::HUGE_GTT, "huge-gtt"),
    ];

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for Caps {
    /// The names, and what has none in hex: `full-ppgtt,0x20`; `none` for no bit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut separator = "";
        for (cap, name) in Self::NAMES {
            if self.contains(cap) {
                write!(f, "{separator}{name}")?;
                separator = ",";
                rest &= !cap.0;
            }
        }
        match (rest, separator) {
            (0, "") => f.write_str("none"),
            (0, _) => Ok(()),
            _ => write!(f, "{separator}{rest:#x}"),
        }
    }
}

impl fmt::Debug for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caps({self})")
    }
}
