//! The vGPU types that a host has.
#![expect(unsafe_code, reason = "the C edge: exported names, pointers of the caller")]
#![expect(clippy::missing_safety_doc, reason = "the head of the header says it once for every pointer")]

use core::ffi::{c_char, c_int};

use zerocopy::{Immutable, IntoBytes};

use super::error::answer;
use super::host::{HostHandle, borrow};
use super::out::{OutList, Structure};
use super::vgpu::{XENGT_NAME_SIZE, name};
use crate::capacity::Resource;
use crate::vgpu_type::VgpuType;

/// In `known` of a type: how many fit the empty host is known, in `fits` and `limit`.
pub const XENGT_TYPE_FITS: u32 = 1;
/// In `known` of a type: how many more fit now is known, in `left`.
pub const XENGT_TYPE_LEFT: u32 = 2;

/// In `limit` of a type: the kernel's limit on vGPUs runs out first.
pub const XENGT_LIMIT_INSTANCES: u32 = 1;
/// In `limit` of a type: low graphics memory (the aperture) runs out first.
pub const XENGT_LIMIT_LOW_GM: u32 = 2;
/// In `limit` of a type: high graphics memory runs out first.
pub const XENGT_LIMIT_HIGH_GM: u32 = 3;
/// In `limit` of a type: fence registers run out first.
pub const XENGT_LIMIT_FENCES: u32 = 4;

/// A vGPU type. Sizes are in bytes.
#[derive(Debug, Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub struct TypeInfo {
    /// Its name, such as "GVTg_V5_4".
    pub name: [c_char; XENGT_NAME_SIZE],
    /// Low graphics memory (aperture, which the CPU can reach).
    pub low_gm: u64,
    /// High graphics memory (hidden from the CPU).
    pub high_gm: u64,
    /// Fence registers.
    pub fences: u32,
    /// Share of a contended GPU, relative to the other vGPUs: 1 to 16.
    pub weight: u32,
    /// Width of the largest mode of the virtual display, in pixels.
    pub max_width: u32,
    /// Height of the largest mode of the virtual display, in pixels.
    pub max_height: u32,
    /// What of the following is known: XENGT_TYPE_... bits. Unknown fields are 0.
    pub known: u32,
    /// How many fit the host when it has no other vGPU.
    pub fits: u32,
    /// What runs out first on the empty host: XENGT_LIMIT_...
    pub limit: u32,
    /// How many more fit now.
    pub left: u32,
}

impl Structure for TypeInfo {
    const NAME: &'static str = "xengt_type";
    const FIRST_SIZE: usize = 88;
}

const _: () = assert!(size_of::<TypeInfo>() == TypeInfo::FIRST_SIZE);

/// Lists the vGPU types of the host's GPU, smallest first.
///
/// `array` has room for `capacity` structures of `size` bytes each; `size` is sizeof(struct xengt_type).
/// `*count` becomes the number of types, of which as many are written as there is room for; with a NULL
/// `array` none are.
///
/// How many fit is not known to those who may not read the GPU's configuration (not root), nor how many
/// more where the kernel does not show what others have: see `known`.
///
/// Returns 0; -EINVAL if `host` or `count` is NULL or `size` wrong; -EOPNOTSUPP if there is no GPU that GVT-g
/// can share; -EACCES, -ENOENT or -EIO if the GPU's files cannot be read or make no sense.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_host_types(
    host: *const HostHandle,
    array: *mut TypeInfo,
    size: usize,
    capacity: usize,
    count: *mut usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let list = unsafe { OutList::new(array, size, capacity, count) }?;
        let gpu = host.gpu()?;
        let generation = gpu.generation()?;
        let resources = gpu.resources();
        // A host without the module has no vGPU to count: that is for the verbs to say.
        let usage = host.control().usage().ok().flatten();
        let types = VgpuType::ALL.map(|ty| {
            let fit = resources.map(|has| has.fit(&ty));
            let left = resources.zip(usage).map(|(has, used)| has.remaining(&used, &ty));
            TypeInfo {
                name: name(&ty.name(generation)),
                low_gm: ty.low_gm,
                high_gm: ty.high_gm,
                fences: ty.fences,
                weight: ty.weight,
                max_width: ty.max_width,
                max_height: ty.max_height,
                known: fit.map_or(0, |_| XENGT_TYPE_FITS) | left.map_or(0, |_| XENGT_TYPE_LEFT),
                fits: fit.map_or(0, |fit| fit.count),
                limit: fit.map_or(0, |fit| limit(fit.limit)),
                left: left.map_or(0, |left| left.count),
            }
        });
        list.write(&types);
        Ok(())
    })
}

const fn limit(resource: Resource) -> u32 {
    match resource {
        Resource::Instances => XENGT_LIMIT_INSTANCES,
        Resource::LowGm => XENGT_LIMIT_LOW_GM,
        Resource::HighGm => XENGT_LIMIT_HIGH_GM,
        Resource::Fences => XENGT_LIMIT_FENCES,
    }
}
