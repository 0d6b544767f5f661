//! The one place where an ioctl is made.

use std::os::fd::AsRawFd;

use super::super::error::{Errno, SysResult};

/// Makes an ioctl; answers with what it returned.
///
/// # Safety
/// `arg` must be what `request` takes on this device, and every pointer in it good for what the request does with
/// it.
pub(super) unsafe fn ioctl<T>(fd: &impl AsRawFd, request: u64, arg: &mut T) -> SysResult<u64> {
    // By number, because the C function cuts the answer down to an int, and a hypercall's is a long.
    // SAFETY: the caller's promise.
    let answer = unsafe { libc::syscall(libc::SYS_ioctl, fd.as_raw_fd(), request, core::ptr::from_mut(arg)) };
    u64::try_from(answer).map_err(|_| Errno::last())
}

/// Waits until `fd` can be read, or `timeout` is over; answers whether it can.
pub(super) fn poll(fd: &impl AsRawFd, timeout: std::time::Duration) -> SysResult<bool> {
    let mut set = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // Rounded up, so that a short wait is not a busy one.
    let millis = i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    // SAFETY: the set is one element that lives for the call.
    match unsafe { libc::poll(&raw mut set, 1, millis) } {
        -1 => Err(Errno::last()),
        0 => Ok(false),
        _ => Ok(true),
    }
}
