//! The vGPU types: how much graphics memory, how many fences and what share of the GPU a vGPU gets.
//!
//! Source: the table in i915 `drivers/gpu/drm/i915/gvt/vgpu.c`. The names come from there too:
//! `GVTg_V4_n` on Gen8, `GVTg_V5_n` on Gen9, where about `n` of them share a full GPU; mdev puts
//! `i915-` in front. Sizes are in bytes.
//!
//! XenServer's kernels change the second type to 384 MB of high memory and other weights. That variant is
//! not in this table, which describes upstream and ours; [`crate::capacity`] can be asked about it as about
//! any other [`crate::capacity::Demand`].
//!
//! ```
//! use libxengt::{platform::Generation, vgpu_type::VgpuType};
//! let t = VgpuType::by_name("i915-GVTg_V5_4", Generation::Gen9)?;
//! assert_eq!(t.low_gm, 128 << 20);
//! # Ok::<(), libxengt::vgpu_type::TypeError>(())
//! ```
#![forbid(unsafe_code)]

use std::borrow::Cow;

use crate::addr::MB;
use crate::error::{Diagnose, ErrorKind};
use crate::platform::Generation;

/// One vGPU type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct VgpuType {
    /// The number at the end of the type's name: 8, 4, 2 or 1.
    pub n: u32,
    /// Low graphics memory (aperture, mappable by the CPU), in bytes.
    pub low_gm: u64,
    /// High graphics memory (hidden from the CPU), in bytes.
    pub high_gm: u64,
    /// Fence registers.
    pub fences: u32,
    /// Share of a contended GPU, relative to the other vGPUs: 1 to 16.
    pub weight: u32,
    /// Width of the largest mode of the virtual display, in pixels.
    pub max_width: u32,
    /// Height of the largest mode of the virtual display, in pixels.
    pub max_height: u32,
}

/// A word or number that names no vGPU type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The name is none of the names.
    #[error("{given:?} is no vGPU type: the types of a {generation} GPU are {}", known_names(*generation))]
    UnknownName {
        /// What was given.
        given: String,
        /// The GPU's generation.
        generation: Generation,
    },
    /// The name belongs to the other generation.
    #[error(
        "vGPU type {given:?} belongs to {named} GPUs and this is a {generation} one: \
         here the same type is called {}", ty.name(*generation)
    )]
    OtherGeneration {
        /// What was given.
        given: String,
        /// The generation that the name belongs to.
        named: Generation,
        /// The GPU's generation.
        generation: Generation,
        /// The type that was meant.
        ty: &'static VgpuType,
    },
    /// No type has this much low graphics memory.
    #[error("no vGPU type has {low_mb} MB of low graphics memory: the types have {}", known_sizes())]
    UnknownSize {
        /// What was given, in MB.
        low_mb: u64,
    },
}

impl Diagnose for TypeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownName { .. } | Self::OtherGeneration { .. } => ErrorKind::NotFound,
            // What the kernel answers to a size that no type has.
            Self::UnknownSize { .. } => ErrorKind::InvalidInput,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::UnknownName { generation, .. } => {
                format!("give one of {}", known_names(*generation)).into()
            }
            Self::OtherGeneration { ty, generation, .. } => format!("give {}", ty.name(*generation)).into(),
            Self::UnknownSize { .. } => format!("give exactly one of {}", known_sizes()).into(),
        })
    }
}

/// The constant columns are written once: they follow from `n`.
const fn row(n: u32, low_mb: u64, high_mb: u64, max_width: u32, max_height: u32) -> VgpuType {
    let weight = VgpuType::MAX_WEIGHT / n;
    VgpuType { n, low_gm: low_mb * MB, high_gm: high_mb * MB, fences: 4, weight, max_width, max_height }
}

impl VgpuType {
    /// The types in the kernel's order, smallest first.
    pub const ALL: [Self; 4] = [
        row(8, 64, 384, 1024, 768),
        row(4, 128, 512, 1920, 1200),
        row(2, 256, 1024, 1920, 1200),
        row(1, 512, 2048, 1920, 1200),
    ];

    /// The largest weight (`VGPU_MAX_WEIGHT`).
    pub const MAX_WEIGHT: u32 = 16;

    /// The table with a lifetime that outlasts every caller.
    const TABLE: &'static [Self; 4] = &Self::ALL;

    /// The type's name as the kernel prints it, such as `GVTg_V5_4`.
    #[must_use]
    pub fn name(&self, generation: Generation) -> String {
        format!("GVTg_V{}_{}", generation.type_version(), self.n)
    }

    /// The type's name as mdev prints it, such as `i915-GVTg_V5_4`.
    #[must_use]
    pub fn mdev_name(&self, generation: Generation) -> String {
        format!("i915-{}", self.name(generation))
    }

    /// Low graphics memory in MB, the unit of the control protocol and the key of [`Self::by_low_mb`].
    #[must_use]
    pub const fn low_mb(&self) -> u64 {
        self.low_gm / MB
    }

    /// High graphics memory in MB, the unit of the control protocol.
    #[must_use]
    pub const fn high_mb(&self) -> u64 {
        self.high_gm / MB
    }

    /// The type of this name: the kernel's (`GVTg_V5_4`), mdev's (`i915-GVTg_V5_4`) or short (`_4`, `4`).
    ///
    /// # Errors
    /// [`TypeError`] if no type has that name on `generation`, or only on the other one.
    pub fn by_name(name: &str, generation: Generation) -> Result<&'static Self, TypeError> {
        let unknown = || TypeError::UnknownName { given: name.to_owned(), generation };
        let bare = name.strip_prefix("i915-").unwrap_or(name);
        for ty in Self::TABLE {
            for named in Generation::ALL {
                if bare != ty.name(named) {
                    continue;
                }
                if named == generation {
                    return Ok(ty);
                }
                return Err(TypeError::OtherGeneration { given: name.to_owned(), named, generation, ty });
            }
        }
        // The short forms are of ours alone: "i915-4" is nobody's name.
        let short = name.strip_prefix('_').unwrap_or(name);
        Self::TABLE.iter().find(|ty| ty.n.to_string() == short).ok_or_else(unknown)
    }

    /// The type that the control protocol's `low` field picks: the first whose low memory is exactly that.
    ///
    /// The protocol's `high` and `fence` fields are advisory and pick nothing.
    ///
    /// # Errors
    /// [`TypeError::UnknownSize`] if no type has `low_mb` MB of low graphics memory.
    pub fn by_low_mb(low_mb: u64) -> Result<&'static Self, TypeError> {
        Self::TABLE.iter().find(|ty| ty.low_mb() == low_mb).ok_or(TypeError::UnknownSize { low_mb })
    }
}

fn known_names(generation: Generation) -> String {
    let names: Vec<_> = VgpuType::TABLE.iter().map(|ty| ty.name(generation)).collect();
    names.join(", ")
}

fn known_sizes() -> String {
    let sizes: Vec<_> = VgpuType::TABLE.iter().map(|ty| ty.low_mb().to_string()).collect();
    format!("{} MB", sizes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{TypeError, VgpuType};
    use crate::error::{Diagnose, ErrorKind};
    use crate::platform::Generation::{Gen8, Gen9};

    #[test]
    fn table_matches_the_kernels_rows() {
        let rows: Vec<_> = VgpuType::ALL
            .iter()
            .map(|t| (t.n, t.low_mb(), t.high_mb(), t.fences, t.weight, t.max_width, t.max_height))
            .collect();
        assert_eq!(
            rows,
            [
                (8, 64, 384, 4, 2, 1024, 768),
                (4, 128, 512, 4, 4, 1920, 1200),
                (2, 256, 1024, 4, 8, 1920, 1200),
                (1, 512, 2048, 4, 16, 1920, 1200),
            ]
        );
    }

    #[test]
    fn names_of_every_form_find_their_type() {
        for ty in &VgpuType::ALL {
            for generation in [Gen8, Gen9] {
                let forms =
                    [ty.name(generation), ty.mdev_name(generation), format!("_{}", ty.n), ty.n.to_string()];
                for form in forms {
                    assert_eq!(VgpuType::by_name(&form, generation).unwrap(), ty, "{form}");
                }
            }
        }
        assert_eq!(VgpuType::ALL[0].name(Gen8), "GVTg_V4_8");
        assert_eq!(VgpuType::ALL[3].mdev_name(Gen9), "i915-GVTg_V5_1");
    }

    #[test]
    fn name_of_the_other_generation_is_refused_with_the_right_one() {
        let error = VgpuType::by_name("i915-GVTg_V4_8", Gen9).unwrap_err();
        assert!(matches!(error, TypeError::OtherGeneration { named: Gen8, generation: Gen9, .. }));
        assert_eq!(
            error.to_string(),
            "vGPU type \"i915-GVTg_V4_8\" belongs to Gen8 GPUs and this is a Gen9 one: \
             here the same type is called GVTg_V5_8"
        );
    }

    #[test]
    fn unknown_names_are_refused_and_the_known_ones_listed() {
        for bad in [
            "",
            "_",
            "3",
            "08",
            "__8",
            "+8",
            " 8",
            "8 ",
            "16",
            "i915-8",
            "i915-_8",
            "GVTg_V5_",
            "GVTg_V5_3",
            "gvtg_v5_8",
            "GVTg_V6_8",
            "i915-i915-GVTg_V5_8",
        ] {
            let error = VgpuType::by_name(bad, Gen9).unwrap_err();
            assert!(error.to_string().contains("GVTg_V5_8, GVTg_V5_4, GVTg_V5_2, GVTg_V5_1"), "{error}");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{bad}");
        }
    }

    #[test]
    fn low_memory_picks_the_type_only_if_exact() {
        for (mb, n) in [(64, 8), (128, 4), (256, 2), (512, 1)] {
            assert_eq!(VgpuType::by_low_mb(mb).unwrap().n, n);
        }
        for bad in [0, 1, 63, 65, 127, 384, 448, 1024, u64::MAX] {
            let error = VgpuType::by_low_mb(bad).unwrap_err();
            assert_eq!(error.kind().errno(), libc::EINVAL);
            assert!(error.to_string().contains("64, 128, 256, 512 MB"), "{error}");
        }
    }
}
