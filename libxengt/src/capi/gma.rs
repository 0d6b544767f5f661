//! A guest's graphics addresses and the host's.
#![expect(unsafe_code, reason = "the C edge: exported names, pointers of the caller")]
#![expect(clippy::missing_safety_doc, reason = "the head of the header says it once for every pointer")]

use core::ffi::c_int;

use super::error::{Failure, answer, invalid_address};
use super::host::{HostHandle, borrow};
use super::out::Slot;
use super::pointer;
use crate::addr::{GuestGma, HostGma};
use crate::error::ErrorKind;
use crate::host::Host;
use crate::window::Window;

/// Gives the host's number, in `*host_gma`, of the graphics address that the guest in domain `domid` calls
/// `guest_gma`.
///
/// The window is read anew by every call. Who translates much reads it once with xengt_vgpu_get.
///
/// Returns 0; -EINVAL if a pointer is NULL, `domid` not a guest's or the address wider than 32 bits; -ENOENT
/// if the domain has no vGPU, or the address is outside its window; -EOPNOTSUPP if the kernel does not show
/// windows, or its module is not loaded; -EACCES without permission; -EIO if the kernel shows what makes no
/// sense.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_gma_g2h(
    host: *const HostHandle,
    domid: u32,
    guest_gma: u64,
    host_gma: *mut u64,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or a place for a number, as the header asks.
        let out = unsafe { Slot::new("host_gma", host_gma) }?;
        let guest = GuestGma::try_new(guest_gma).map_err(invalid_address)?;
        out.write(window(host, domid)?.g2h(guest)?.get());
        Ok(())
    })
}

/// Gives the number, in `*guest_gma`, by which the guest in domain `domid` knows the host's graphics address
/// `host_gma`. The inverse of xengt_gma_g2h.
///
/// Returns what xengt_gma_g2h does: -ENOENT for addresses of the host's own and of other guests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_gma_h2g(
    host: *const HostHandle,
    domid: u32,
    host_gma: u64,
    guest_gma: *mut u64,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or a place for a number, as the header asks.
        let out = unsafe { Slot::new("guest_gma", guest_gma) }?;
        let address = HostGma::try_new(host_gma).map_err(invalid_address)?;
        out.write(window(host, domid)?.h2g(address)?.get());
        Ok(())
    })
}

fn window(host: &Host, domid: u32) -> Result<Window, Failure> {
    let domid = pointer::domid(domid)?;
    host.control().get(domid)?.window.ok_or_else(|| {
        let text = format!("the kernel does not show the window of domain {domid}'s vGPU; ours does");
        Failure::new(ErrorKind::Unsupported, text)
    })
}
