//! How many vGPUs fit on a host, and which resource runs out first.
//!
//! Source: i915 `gvt/gvt.h` (what the host keeps), `gvt/vgpu.c` (which types a host offers, the limit on
//! ids) and `gvt/aperture_gm.c` (the check at creation). Memory is in bytes.
//!
//! The kernel subtracts in unsigned arithmetic, so a host smaller than its own reserve would look huge to
//! it; here what is not there counts as nothing. The sums say that a vGPU fits, not that its memory is in
//! one piece: on a fragmented GGTT the kernel may still answer `ENOSPC`.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

use crate::addr::MB;
use crate::error::{Diagnose, ErrorKind};
use crate::vgpu_type::VgpuType;

/// Low graphics memory the host keeps (`HOST_LOW_GM_SIZE`, `gvt.h`), in bytes.
pub const HOST_LOW_GM: u64 = 128 * MB;
/// High graphics memory the host keeps (`HOST_HIGH_GM_SIZE`, `gvt.h`), in bytes.
pub const HOST_HIGH_GM: u64 = 384 * MB;
/// Fence registers the host keeps (`HOST_FENCE`, `gvt.h`).
pub const HOST_FENCES: u32 = 4;
/// Fence registers of a Gen8 or Gen9 GPU (i915 `intel_ggtt_fencing.c`).
pub const GPU_FENCES: u32 = 32;
/// vGPUs at a time: ids run below `GVT_MAX_VGPU` (8, `gvt.h`) and id 0 is the idle vGPU (`vgpu.c`).
pub const MAX_INSTANCES: u32 = 7;

/// What a host has in all, its own share included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostResources {
    /// Size of the aperture (BAR 2), in bytes.
    pub aperture: u64,
    /// Graphics memory that the GGTT maps, aperture included, in bytes: 2 GiB or 4 GiB.
    pub ggtt: u64,
    /// Fence registers, usually [`GPU_FENCES`].
    pub fences: u32,
}

/// What one vGPU takes. A resource of which it takes nothing never limits it (but the kernel refuses to
/// create such a vGPU).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Demand {
    /// Low graphics memory, in bytes.
    pub low_gm: u64,
    /// High graphics memory, in bytes.
    pub high_gm: u64,
    /// Fence registers.
    pub fences: u32,
}

impl From<&VgpuType> for Demand {
    fn from(ty: &VgpuType) -> Self {
        Self { low_gm: ty.low_gm, high_gm: ty.high_gm, fences: ty.fences }
    }
}

/// What the vGPUs of a host take together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    /// Low graphics memory, in bytes.
    pub low_gm: u64,
    /// High graphics memory, in bytes.
    pub high_gm: u64,
    /// Fence registers.
    pub fences: u32,
    /// vGPUs.
    pub instances: u32,
}

impl Usage {
    /// The usage with one vGPU more; sums stop at the end of their type.
    #[must_use]
    pub fn plus(self, vgpu: impl Into<Demand>) -> Self {
        let vgpu = vgpu.into();
        Self {
            low_gm: self.low_gm.saturating_add(vgpu.low_gm),
            high_gm: self.high_gm.saturating_add(vgpu.high_gm),
            fences: self.fences.saturating_add(vgpu.fences),
            instances: self.instances.saturating_add(1),
        }
    }
}

impl<D: Into<Demand>> FromIterator<D> for Usage {
    fn from_iter<I: IntoIterator<Item = D>>(vgpus: I) -> Self {
        vgpus.into_iter().fold(Self::default(), Self::plus)
    }
}

/// What can run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// The kernel's limit on vGPUs, [`MAX_INSTANCES`].
    Instances,
    /// Low graphics memory: the aperture.
    LowGm,
    /// High graphics memory: the rest of the GGTT.
    HighGm,
    /// Fence registers.
    Fences,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instances => "instances",
            Self::LowGm => "low graphics memory (aperture)",
            Self::HighGm => "high graphics memory",
            Self::Fences => "fences",
        })
    }
}

/// How many fit, and what stops one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fit {
    /// How many fit.
    pub count: u32,
    /// What runs out first. Of several that run out together, the one the kernel would name: it asks in
    /// the order of [`Resource`], id first, then low memory, high memory, fences.
    pub limit: Resource,
}

/// What a host can do about a type now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeAvailability {
    /// The host does not offer the type at all: asking for it gives `EINVAL`.
    Absent {
        /// Low graphics memory the type takes, in bytes.
        needs: u64,
        /// Low graphics memory the host could give if it had no vGPU, in bytes.
        has: u64,
    },
    /// The host offers it, but none fits now: asking for it gives `ENOSPC`.
    Full {
        /// What has run out.
        limit: Resource,
    },
    /// At least one more fits.
    Fits {
        /// How many more, at least 1.
        count: u32,
        /// What runs out after that.
        limit: Resource,
    },
}

/// Why a vGPU cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityError {
    /// The host does not offer the type.
    #[error(
        "this host does not offer the vGPU type with {} MB of low graphics memory: it can give {} MB, \
         its aperture less the {} MB it keeps", needs / MB, has / MB, HOST_LOW_GM / MB
    )]
    Absent {
        /// Low graphics memory the type takes, in bytes.
        needs: u64,
        /// Low graphics memory the host can give in all, in bytes.
        has: u64,
    },
    /// Something has run out.
    #[error(
        "no more vGPU of this type fits: {resource}: {} left, {} needed",
        amount(*resource, *left), amount(*resource, *needs)
    )]
    Full {
        /// What has run out.
        resource: Resource,
        /// How much of it is left, in bytes or pieces.
        left: u64,
        /// How much of it the vGPU takes, in bytes or pieces.
        needs: u64,
    },
}

impl CapacityError {
    /// The errno with which the kernel refuses: it knows a type that it does not offer as little as one that
    /// does not exist.
    #[must_use]
    pub const fn kernel_errno(&self) -> i32 {
        match self {
            Self::Absent { .. } => libc::EINVAL,
            Self::Full { .. } => libc::ENOSPC,
        }
    }
}

impl Diagnose for CapacityError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Absent { .. } => ErrorKind::Unsupported,
            Self::Full { .. } => ErrorKind::NoSpace,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Absent { .. } => "take a smaller type, or enlarge the aperture in the firmware's setup",
            Self::Full { resource: Resource::LowGm, .. } => {
                "destroy another vGPU, take a smaller type, or enlarge the aperture in the firmware's setup"
            }
            Self::Full { resource: Resource::HighGm, .. } => {
                "take a smaller type, destroy another vGPU, or give the GGTT 4 GB rather than 2 GB; \
                 a smaller aperture leaves more high memory"
            }
            Self::Full { .. } => "destroy another vGPU first",
        }))
    }
}

fn amount(resource: Resource, n: u64) -> String {
    match resource {
        Resource::LowGm | Resource::HighGm => format!("{} MB", n / MB),
        Resource::Instances | Resource::Fences => n.to_string(),
    }
}

/// What is left to give, in the order in which the kernel asks.
struct Left {
    instances: u32,
    low_gm: u64,
    high_gm: u64,
    fences: u32,
}

impl HostResources {
    /// Low graphics memory for vGPUs in all, in bytes: the aperture less the host's share.
    #[must_use]
    pub const fn low_gm(&self) -> u64 {
        self.aperture.saturating_sub(HOST_LOW_GM)
    }

    /// High graphics memory for vGPUs in all, in bytes: the GGTT past the aperture less the host's share.
    #[must_use]
    pub const fn high_gm(&self) -> u64 {
        self.ggtt.saturating_sub(self.aperture).saturating_sub(HOST_HIGH_GM)
    }

    /// How many such vGPUs fit on the empty host.
    #[must_use]
    pub fn fit(&self, vgpu: impl Into<Demand>) -> Fit {
        self.remaining(&Usage::default(), vgpu)
    }

    /// How many more such vGPUs fit beside those of `used`.
    #[must_use]
    pub fn remaining(&self, used: &Usage, vgpu: impl Into<Demand>) -> Fit {
        let (left, need) = (self.left(used), vgpu.into());
        // A demand of zero divides nothing: that resource never runs out.
        let times = |has: u64, takes: u64| {
            has.checked_div(takes).map_or(u32::MAX, |n| u32::try_from(n).unwrap_or(u32::MAX))
        };
        let mut fit = Fit { count: left.instances, limit: Resource::Instances };
        for (count, limit) in [
            (times(left.low_gm, need.low_gm), Resource::LowGm),
            (times(left.high_gm, need.high_gm), Resource::HighGm),
            (times(left.fences.into(), need.fences.into()), Resource::Fences),
        ] {
            if count < fit.count {
                fit = Fit { count, limit };
            }
        }
        fit
    }

    /// What the host can do about `vgpu` beside the vGPUs of `used`.
    #[must_use]
    pub fn availability(&self, used: &Usage, vgpu: impl Into<Demand>) -> TypeAvailability {
        let vgpu = vgpu.into();
        if vgpu.low_gm > self.low_gm() {
            return TypeAvailability::Absent { needs: vgpu.low_gm, has: self.low_gm() };
        }
        match self.remaining(used, vgpu) {
            Fit { count: 0, limit } => TypeAvailability::Full { limit },
            Fit { count, limit } => TypeAvailability::Fits { count, limit },
        }
    }

    /// Whether one more such vGPU can be made beside those of `used`, as the kernel decides it.
    ///
    /// # Errors
    /// [`CapacityError`] if not.
    pub fn admit(&self, used: &Usage, vgpu: impl Into<Demand>) -> Result<(), CapacityError> {
        let vgpu = vgpu.into();
        let resource = match self.availability(used, vgpu) {
            TypeAvailability::Fits { .. } => return Ok(()),
            TypeAvailability::Absent { needs, has } => return Err(CapacityError::Absent { needs, has }),
            TypeAvailability::Full { limit } => limit,
        };
        let left = self.left(used);
        let (left, needs) = match resource {
            Resource::Instances => (left.instances.into(), 1),
            Resource::LowGm => (left.low_gm, vgpu.low_gm),
            Resource::HighGm => (left.high_gm, vgpu.high_gm),
            Resource::Fences => (left.fences.into(), vgpu.fences.into()),
        };
        Err(CapacityError::Full { resource, left, needs })
    }

    fn left(&self, used: &Usage) -> Left {
        Left {
            instances: MAX_INSTANCES.saturating_sub(used.instances),
            low_gm: self.low_gm().saturating_sub(used.low_gm),
            high_gm: self.high_gm().saturating_sub(used.high_gm),
            fences: self.fences.saturating_sub(HOST_FENCES).saturating_sub(used.fences),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CapacityError, Demand, Fit, GPU_FENCES, HostResources, Resource, TypeAvailability, Usage};
    use crate::addr::MB;
    use crate::vgpu_type::VgpuType;

    fn host(aperture_mb: u64, ggtt_mb: u64) -> HostResources {
        HostResources { aperture: aperture_mb * MB, ggtt: ggtt_mb * MB, fences: GPU_FENCES }
    }

    /// The columns of the published table: the four types, and XenServer's 128 MB variant in the middle.
    fn columns() -> [Demand; 5] {
        let [t8, t4, t2, t1] = VgpuType::ALL.map(|t| Demand::from(&t));
        [t8, t4, Demand { low_gm: 128 * MB, high_gm: 384 * MB, fences: 4 }, t2, t1]
    }

    #[test]
    fn fit_reproduces_the_table_for_every_aperture_and_ggtt() {
        for (aperture, ggtt, counts) in [
            (128, 4096, [0, 0, 0, 0, 0]),
            (256, 4096, [2, 1, 1, 0, 0]),
            (512, 4096, [6, 3, 3, 1, 0]),
            (1024, 4096, [7, 5, 7, 2, 1]),
            (2048, 4096, [4, 3, 4, 1, 0]),
            (128, 2048, [0, 0, 0, 0, 0]),
            (256, 2048, [2, 1, 1, 0, 0]),
            (512, 2048, [3, 2, 3, 1, 0]),
            (1024, 2048, [1, 1, 1, 0, 0]),
            (2048, 2048, [0, 0, 0, 0, 0]),
        ] {
            let fits = columns().map(|d| host(aperture, ggtt).fit(d).count);
            assert_eq!(fits, counts, "aperture {aperture} MB, GGTT {ggtt} MB");
        }
    }

    #[test]
    fn fit_names_the_resource_that_runs_out_and_the_kernels_first_on_a_tie() {
        let limit = |aperture, column: usize| host(aperture, 4096).fit(columns()[column]).limit;
        assert_eq!(limit(256, 0), Resource::LowGm);
        assert_eq!(limit(1024, 1), Resource::HighGm);
        // 1024 MB: 7 by ids, by high memory and by fences alike.
        assert_eq!(host(1024, 4096).fit(columns()[0]), Fit { count: 7, limit: Resource::Instances });
        let few_fences = HostResources { fences: 11, ..host(1024, 4096) };
        assert_eq!(few_fences.fit(columns()[0]), Fit { count: 1, limit: Resource::Fences });
        let tie = HostResources { fences: 12, ..host(256, 4096) };
        assert_eq!(tie.fit(columns()[0]), Fit { count: 2, limit: Resource::LowGm });
    }

    #[test]
    fn host_smaller_than_its_reserve_has_nothing_to_give() {
        for h in
            [host(0, 0), host(127, 512), host(4096, 2048), HostResources { fences: 3, ..host(512, 4096) }]
        {
            assert_eq!(h.fit(columns()[0]).count, 0, "{h:?}");
        }
    }

    #[test]
    fn demand_of_nothing_is_limited_by_instances_alone() {
        let nothing = Demand { low_gm: 0, high_gm: 0, fences: 0 };
        assert_eq!(host(0, 0).fit(nothing), Fit { count: 7, limit: Resource::Instances });
    }

    #[test]
    fn type_larger_than_the_aperture_is_absent_and_the_errno_differs_from_full() {
        let small = host(256, 4096);
        let [t8, t4, t2, _] = VgpuType::ALL;
        let absent = small.admit(&Usage::default(), &t2).unwrap_err();
        assert_eq!(absent, CapacityError::Absent { needs: 256 * MB, has: 128 * MB });
        assert_eq!(absent.kernel_errno(), libc::EINVAL);
        let used = Usage::from_iter([&t8]);
        let full = small.admit(&used, &t4).unwrap_err();
        assert_eq!(full, CapacityError::Full { resource: Resource::LowGm, left: 64 * MB, needs: 128 * MB });
        assert_eq!(full.kernel_errno(), libc::ENOSPC);
        assert!(full.to_string().contains("64 MB left, 128 MB needed"), "{full}");
        assert_eq!(small.availability(&used, &t4), TypeAvailability::Full { limit: Resource::LowGm });
        assert_eq!(
            small.availability(&used, &t8),
            TypeAvailability::Fits { count: 1, limit: Resource::LowGm }
        );
    }

    #[test]
    fn seventh_vgpu_is_the_last_however_much_is_left() {
        let mut used = Usage::default();
        let tiny = Demand { low_gm: MB, high_gm: MB, fences: 1 };
        let h = host(1024, 4096);
        for _ in 0..7 {
            h.admit(&used, tiny).unwrap();
            used = used.plus(tiny);
        }
        let error = h.admit(&used, tiny).unwrap_err();
        assert!(matches!(error, CapacityError::Full { resource: Resource::Instances, left: 0, needs: 1 }));
    }
}
