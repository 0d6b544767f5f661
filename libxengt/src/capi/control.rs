//! Making, unmaking, pausing and resuming vGPUs.
#![expect(unsafe_code, reason = "the C edge: exported names, pointers of the caller")]
#![expect(clippy::missing_safety_doc, reason = "the head of the header says it once for every pointer")]

use core::ffi::{c_char, c_int};

use super::error::{Failure, answer};
use super::host::{HostHandle, borrow};
use super::out::Out;
use super::pointer;
use super::vgpu::VgpuInfo;
use crate::control::CreateRequest;
use crate::host::Host;
use crate::vgpu_type::VgpuType;

/// Makes a vGPU of the type called `type_name` for domain `domid`, and reads back what it became. A NULL
/// `type_name` is the smallest type, which is what libxl asks for by default. `size` is
/// sizeof(struct xengt_vgpu).
///
/// The name may be the kernel's ("GVTg_V5_4"), mdev's ("i915-GVTg_V5_4") or short ("4").
///
/// Returns 0; -EINVAL if `host` or `out` is NULL, `size` wrong, `domid` not a guest's or the name not UTF-8;
/// -ENOENT if there is no such type or no such domain; -EEXIST if the domain has a vGPU; -ENOSPC if no more of
/// the type fits; -EOPNOTSUPP if the type is larger than the host, the domain cannot have one (it is not HVM
/// with HAP), the GPU cannot be shared or the kernel module is not loaded; -EBUSY if another device emulator
/// holds the domain; -EACCES without permission; -EIO if the kernel failed or its answer could not be
/// verified. After a failure nothing is left behind; if something had to be, the text says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_create(
    host: *const HostHandle,
    domid: u32,
    type_name: *const c_char,
    out: *mut VgpuInfo,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let out = unsafe { Out::new("out", out, size) }?;
        // SAFETY: NULL or a C string, as the header asks.
        let type_name = unsafe { pointer::utf8("type_name", type_name) }?;
        let domid = pointer::domid(domid)?;
        let [smallest, ..] = &VgpuType::ALL;
        let ty = match type_name {
            Some(name) => VgpuType::by_name(name, host.gpu()?.generation()?)?,
            None => smallest,
        };
        create(host, &CreateRequest::of_type(domid, ty), out)
    })
}

/// Makes a vGPU with `low_mb` MB of low graphics memory for domain `domid`, as libxl asks for one, and reads
/// back what it became. `size` is sizeof(struct xengt_vgpu).
///
/// `low_mb` alone picks the type: 64, 128, 256 or 512. `high_mb` and `fences` are advice that the kernel is
/// given and need not take; `fences` must be at least 1.
///
/// Returns what xengt_vgpu_create does, except that a size which no type has gives -EINVAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_create_sized(
    host: *const HostHandle,
    domid: u32,
    low_mb: u32,
    high_mb: u32,
    fences: u32,
    out: *mut VgpuInfo,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let out = unsafe { Out::new("out", out, size) }?;
        let domid = pointer::domid(domid)?;
        create(host, &CreateRequest { domid, low_mb, high_mb, fences, primary: None, cap: 0 }, out)
    })
}

fn create(host: &Host, request: &CreateRequest, out: Out<VgpuInfo>) -> Result<(), Failure> {
    out.write(&VgpuInfo::from(&host.control().create(request)?));
    Ok(())
}

/// Unmakes the vGPU of domain `domid`.
///
/// Returns 0; -EINVAL if `host` is NULL or `domid` not a guest's; -ENOENT if the domain has no vGPU;
/// -EOPNOTSUPP if the kernel module is not loaded; -EACCES without permission; -EIO if the kernel failed or
/// the vGPU is still there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_destroy(host: *const HostHandle, domid: u32) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        Ok(host.control().destroy(pointer::domid(domid)?)?)
    })
}

/// Takes the vGPU of domain `domid` off the GPU's scheduler. Paused twice is paused.
///
/// Where the kernel shows no state (XENGT_VGPU_STATE), 0 says that it took the command, and no more.
///
/// Returns what xengt_vgpu_destroy does; -EIO if the kernel still shows the other state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_pause(host: *const HostHandle, domid: u32) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        host.control().pause(pointer::domid(domid)?)?;
        Ok(())
    })
}

/// Puts the vGPU of domain `domid` back on the GPU's scheduler. Resumed twice is running.
///
/// Returns what xengt_vgpu_pause does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_vgpu_resume(host: *const HostHandle, domid: u32) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        host.control().resume(pointer::domid(domid)?)?;
        Ok(())
    })
}
