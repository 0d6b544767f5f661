//! What there is to know of a vGPU.
#![expect(unsafe_code, reason = "the C edge: exported names, pointers of the caller")]
#![expect(clippy::missing_safety_doc, reason = "the head of the header says it once for every pointer")]

use core::ffi::{c_char, c_int};

use zerocopy::{FromZeros, Immutable, IntoBytes};

use super::error::{Failure, answer};
use super::host::{HostHandle, borrow};
use super::out::{Out, OutList, Structure};
use super::pointer::domid;
use crate::control::{Listed, State, Vgpu};
use crate::window::Slice;

/// Bytes of a name, with the NUL that ends it.
pub const XENGT_NAME_SIZE: usize = 40;
/// The most fence registers a GPU has.
pub const XENGT_FENCES_MAX: usize = 32;

/// In `known` of a vGPU: the name of its type is.
pub const XENGT_VGPU_TYPE: u32 = 1;
/// In `known` of a vGPU: its window is, in `aperture` and `hidden`.
pub const XENGT_VGPU_WINDOW: u32 = 2;
/// In `known` of a vGPU: its fences are.
pub const XENGT_VGPU_FENCES: u32 = 4;
/// In `known` of a vGPU: its state is.
pub const XENGT_VGPU_STATE: u32 = 8;

/// In `state` of a vGPU: the kernel does not show it.
pub const XENGT_STATE_UNKNOWN: u32 = 0;
/// In `state` of a vGPU: the GPU's scheduler runs its work.
pub const XENGT_STATE_ACTIVE: u32 = 1;
/// In `state` of a vGPU: the GPU's scheduler does not run its work until it is resumed.
pub const XENGT_STATE_PAUSED: u32 = 2;

/// A slice of graphics memory, in bytes.
#[derive(Debug, Clone, Copy, IntoBytes, FromZeros, Immutable)]
#[repr(C)]
pub struct SliceInfo {
    /// Where it starts in the guest's numbers.
    pub guest: u64,
    /// Where it starts in the host's numbers.
    pub host: u64,
    /// How long it is.
    pub size: u64,
}

/// A vGPU. Kernels before ours show its id alone: `known` says what else there is, and what is not known is
/// zero.
#[derive(Debug, Clone, Copy, IntoBytes, FromZeros, Immutable)]
#[repr(C)]
pub struct VgpuInfo {
    /// The domain it belongs to.
    pub domid: u32,
    /// The kernel's id of it, 1 to 7.
    pub id: u32,
    /// What of the following is known: XENGT_VGPU_... bits.
    pub known: u32,
    /// Whether it runs: XENGT_STATE_...
    pub state: u32,
    /// 0; or, in a list, the negative errno why this vGPU cannot be read. Then `domid` is all that is known.
    pub error: i32,
    /// How many fence registers it has.
    pub fence_count: u32,
    /// The name of its type, such as "GVTg_V5_4".
    pub type_name: [c_char; XENGT_NAME_SIZE],
    /// The slice that the CPU can reach through BAR 2 ("low GM").
    pub aperture: SliceInfo,
    /// The slice that the CPU cannot reach ("high GM").
    pub hidden: SliceInfo,
    /// The host's fence registers that it has: fences[i] is the guest's fence i.
    pub fences: [u8; XENGT_FENCES_MAX],
}

impl Structure for VgpuInfo {
    const NAME: &'static str = "xengt_vgpu";
    const FIRST_SIZE: usize = 144;
}

const _: () = assert!(size_of::<VgpuInfo>() == VgpuInfo::FIRST_SIZE);

/// `text` as a C string in a field of fixed size, cut if it must be.
pub(super) fn name(text: &str) -> [c_char; XENGT_NAME_SIZE] {
    let mut out = [0; XENGT_NAME_SIZE];
    for (slot, byte) in out.iter_mut().take(XENGT_NAME_SIZE - 1).zip(text.bytes()) {
        *slot = c_char::from_ne_bytes([byte]);
    }
    out
}

fn slice(slice: &Slice) -> SliceInfo {
    SliceInfo { guest: slice.guest_base().get(), host: slice.host_base().get(), size: slice.size() }
}

impl From<&Vgpu> for VgpuInfo {
    fn from(vgpu: &Vgpu) -> Self {
        let mut info = Self { domid: vgpu.domid.get().into(), id: vgpu.id, ..Self::new_zeroed() };
        if let Some(text) = &vgpu.type_name {
            info.known |= XENGT_VGPU_TYPE;
            info.type_name = name(text);
        }
        if let Some(window) = &vgpu.window {
            info.known |= XENGT_VGPU_WINDOW;
            info.aperture = slice(window.aperture());
            info.hidden = slice(window.hidden());
        }
        if let Some(fences) = &vgpu.fences {
            info.known |= XENGT_VGPU_FENCES;
            for (slot, fence) in info.fences.iter_mut().zip(fences) {
                *slot = fence.get();
                info.fence_count += 1;
            }
        }
        if let Some(state) = vgpu.state {
            info.known |= XENGT_VGPU_STATE;
            info.state = match state {
                State::Active => XENGT_STATE_ACTIVE,
                State::Paused => XENGT_STATE_PAUSED,
            };
        }
        info
    }
}

impl From<Listed> for VgpuInfo {
    fn from(listed: Listed) -> Self {
        match listed.vgpu {
            Ok(vgpu) => Self::from(&vgpu),
            Err(error) => Self {
                domid: listed.domid.get().into(),
                error: -Failure::from(error).errno(),
                ..Self::new_zeroed()
            },
        }
    }
}

/// Reads the vGPU of domain `domid`. `size` is sizeof(struct xengt_vgpu).
///
/// Returns 0; -EINVAL if a pointer is NULL, `size` wrong or `domid` not a guest's; -ENOENT if the domain has
/// no vGPU; -EOPNOTSUPP if the kernel module is not loaded; -EACCES without permission; -EIO if the kernel
/// shows what makes no sense.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_get(
    host: *const HostHandle,
    domid: u32,
    out: *mut VgpuInfo,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let out = unsafe { Out::new("out", out, size) }?;
        out.write(&VgpuInfo::from(&host.control().get(self::domid(domid)?)?));
        Ok(())
    })
}

/// Lists the host's vGPUs in order of their domains. One that cannot be read is listed with its `error`, so
/// that it does not hide the others.
///
/// `array` has room for `capacity` structures of `size` bytes each; `size` is sizeof(struct xengt_vgpu).
/// `*count` becomes the number of vGPUs, of which as many are written as there is room for; with a NULL
/// `array` none are.
///
/// Returns 0; -EINVAL if `host` or `count` is NULL or `size` wrong; -EOPNOTSUPP if the kernel module is not
/// loaded; -EACCES without permission; -ENOENT or -EIO if the module's directory cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_list(
    host: *const HostHandle,
    array: *mut VgpuInfo,
    size: usize,
    capacity: usize,
    count: *mut usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let list = unsafe { OutList::new(array, size, capacity, count) }?;
        let vgpus: Vec<VgpuInfo> = host.control().list()?.into_iter().map(VgpuInfo::from).collect();
        list.write(&vgpus);
        Ok(())
    })
}
