//! The graphics generations that GVT-g knows.

use core::fmt;

/// A generation with GVT-g support in i915 (`gvt/vgpu.c` tests `GRAPHICS_VER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// Broadwell. Its vGPU types are called `GVTg_V4_n`.
    Gen8,
    /// Skylake to Comet Lake. Their vGPU types are called `GVTg_V5_n`.
    Gen9,
}

impl Generation {
    /// Both, oldest first.
    pub const ALL: [Self; 2] = [Self::Gen8, Self::Gen9];

    /// The number that stands after `V` in the names of vGPU types.
    #[must_use]
    pub const fn type_version(self) -> u32 {
        match self {
            Self::Gen8 => 4,
            Self::Gen9 => 5,
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gen8 => "Gen8",
            Self::Gen9 => "Gen9",
        })
    }
}
