//! Opening and closing a host.
#![expect(unsafe_code, reason = "the C edge: exported names, pointers of the caller")]
#![expect(clippy::missing_safety_doc, reason = "the head of the header says it once for every pointer")]

use core::ffi::{c_char, c_int};

use super::error::{Failure, answer};
use super::out::Slot;
use super::pointer;
use crate::host::Host;
use crate::root::Root;

/// An open host.
///
/// Every thread may use a handle at the same time as others. It holds no file descriptors and survives
/// fork(); parent and child then close their own.
#[derive(Debug)]
pub struct HostHandle(Host);

// What the header promises of threads is what the types say.
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<HostHandle>();
};

impl HostHandle {
    fn give(host: Host, to: Slot<*mut Self>) {
        to.write(Box::into_raw(Box::new(Self(host))));
    }
}

/// The host behind a handle.
///
/// # Safety
/// `handle` is `NULL` or a handle that stays open for `'a`.
pub(super) unsafe fn borrow<'a>(handle: *const HostHandle) -> Result<&'a Host, Failure> {
    // SAFETY: `NULL` is told apart, and handles come from `give` alone.
    let handle = unsafe { handle.as_ref() };
    handle.map(|handle| &handle.0).ok_or_else(|| Failure::null("host"))
}

/// Opens the host whose files hang under the directory `root`; NULL is "/", the running system.
///
/// A directory that holds a simulated host is recognised as one. On any other, nothing is looked at yet:
/// what is missing there, later calls say.
///
/// Returns 0; -EINVAL if `out` is NULL or `root` empty; -EIO if the simulated host there is damaged, or
/// -EACCES or -ENOSPC if it cannot be brought up to date.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_host_open(root: *const c_char, out: *mut *mut HostHandle) -> c_int {
    answer(|| {
        // SAFETY: NULL or a place for a handle, as the header asks.
        let out = unsafe { Slot::new("out", out) }?;
        // SAFETY: NULL or a C string, as the header asks.
        let root = unsafe { pointer::path("root", root) }?;
        let host = Host::open(root.map_or_else(Root::system, Root::at))?;
        HostHandle::give(host, out);
        Ok(())
    })
}

/// Opens the simulated host in the directory `dir`, and makes it if there is none: a laptop with a Kaby Lake
/// GT2, eight HVM domains (1 to 8) and a PV one (9).
///
/// Returns 0; -EINVAL if an argument is NULL or `dir` empty; -EEXIST if the directory holds something else;
/// -EACCES if it belongs to another user or cannot be written; -ENOSPC if the file system is full; -ENOENT
/// or -EIO if it cannot be made, or the simulated host there is damaged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_host_open_sim(dir: *const c_char, out: *mut *mut HostHandle) -> c_int {
    answer(|| {
        // SAFETY: NULL or a place for a handle, as the header asks.
        let out = unsafe { Slot::new("out", out) }?;
        // SAFETY: NULL or a C string, as the header asks.
        let dir = unsafe { pointer::path("dir", dir) }?;
        let host = Host::simulated(dir.ok_or_else(|| Failure::null("dir"))?)?;
        HostHandle::give(host, out);
        Ok(())
    })
}

/// Closes a host. NULL is let pass. No other thread may be using the handle, and nobody may afterwards.
///
/// vGPUs are not touched: they belong to their domains.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_host_close(host: *mut HostHandle) {
    if !host.is_null() {
        // SAFETY: handles come from `give` alone, and the caller closes each once.
        drop(unsafe { Box::from_raw(host) });
    }
}
