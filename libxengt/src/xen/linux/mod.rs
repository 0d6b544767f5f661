//! The devices of Linux's Xen support. Source: include/uapi/xen/{privcmd,evtchn}.h.

mod arguments;
mod buffer;
mod evtchn;
mod ioctl;
mod xenbus;

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use libxengt_sys as sys;

use super::driver::{Driver, Hypercall};
use super::error::{Errno, SysResult, XenError};
use super::map::{Access, Mapping};
use crate::addr::DomId;
use crate::root::Root;
use buffer::HypercallBuffer;
use ioctl::ioctl;

pub(super) use evtchn::Evtchn;
pub(super) use xenbus::Xenbus;

/// Opens a device for reading and writing; children do not inherit it.
fn open(path: &Path) -> Result<OwnedFd, XenError> {
    let file: Result<File, _> =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_CLOEXEC).open(path);
    file.map(OwnedFd::from).map_err(|source| XenError::Open { path: path.to_owned(), source })
}

/// `/dev/xen/privcmd`, and a buffer of `/dev/xen/hypercall`.
#[derive(Debug)]
pub(super) struct Privcmd {
    fd: OwnedFd,
    buffer: Mutex<HypercallBuffer>,
}

impl Privcmd {
    pub(super) fn open(root: &Root) -> Result<Self, XenError> {
        let fd = open(&root.join("dev/xen/privcmd"))?;
        let device = open(&root.join("dev/xen/hypercall")).ok();
        if device.is_none() {
            log::debug!("no /dev/xen/hypercall: hypercalls go through locked memory");
        }
        let buffer =
            HypercallBuffer::new(device.as_ref()).map_err(XenError::of_call("mmap /dev/xen/hypercall"))?;
        Ok(Self { fd, buffer: Mutex::new(buffer) })
    }
}

impl Driver for Privcmd {
    fn hypercall(&self, call: &mut Hypercall<'_>) -> SysResult<u64> {
        // A poisoned buffer holds nothing that the next call does not overwrite.
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut arg = arguments::store(call, &mut buffer)?;
        // SAFETY: the struct is the request's; `store` pointed its arguments into the buffer, which is ours while
        // the lock is held, and has room for all that these calls write.
        let answer = unsafe { ioctl(&self.fd, sys::SYS_IOCTL_PRIVCMD_HYPERCALL, &mut arg) }?;
        arguments::load(call, &buffer)?;
        Ok(answer)
    }

    fn dm_op(&self, domid: DomId, op: &mut sys::xen_dm_op) -> SysResult<()> {
        let buf = sys::privcmd_dm_op_buf {
            uptr: core::ptr::from_mut(op).cast(),
            size: size_of::<sys::xen_dm_op>(),
        };
        let mut arg = sys::privcmd_dm_op { dom: domid.get(), num: 1, ubufs: &raw const buf };
        // SAFETY: the struct is the request's; it names one buffer, `op`, which Xen writes at most whole. The kernel
        // pins its page. Any bytes are a valid `xen_dm_op`.
        unsafe { ioctl(&self.fd, sys::SYS_IOCTL_PRIVCMD_DM_OP, &mut arg) }.map(drop)
    }

    fn restrict(&self, domid: DomId) -> SysResult<()> {
        let mut arg = domid.get();
        // SAFETY: the request takes a domid and writes nothing.
        unsafe { ioctl(&self.fd, sys::SYS_IOCTL_PRIVCMD_RESTRICT, &mut arg) }.map(drop)
    }

    fn reserve(&self, pages: usize, access: Access) -> SysResult<Mapping> {
        Mapping::reserve(&self.fd, pages, access)
    }

    fn populate(&self, map: &mut Mapping, first: usize, domid: DomId, gfns: &[u64]) -> SysResult<()> {
        let last =
            gfns.len().checked_sub(1).and_then(|more| first.checked_add(more)).ok_or(Errno(libc::EINVAL))?;
        let range = Errno(libc::ERANGE);
        map.page_address(last).ok_or(range)?;
        let at = map.page_address(first).ok_or(range)?;
        let mut errors = vec![-libc::EIO; gfns.len()];
        let mut arg = sys::privcmd_mmapbatch_v2 {
            num: u32::try_from(gfns.len()).map_err(|_| range)?,
            dom: domid.get(),
            addr: u64::try_from(at.addr().get()).map_err(|_| range)?,
            arr: gfns.as_ptr().cast(),
            err: errors.as_mut_ptr(),
        };
        // SAFETY: the struct is the request's. The pages at `addr` are inside `map`, which is reserved for this and
        // which nobody else can reach; both lists have `num` elements.
        match unsafe { ioctl(&self.fd, sys::SYS_IOCTL_PRIVCMD_MMAPBATCH_V2, &mut arg) } {
            // ENOENT says that some page is paged out; the list says which.
            Ok(_) | Err(Errno(libc::ENOENT)) => {}
            Err(error) => return Err(error),
        }
        for (page, error) in (first..).zip(errors) {
            let state = if error == 0 { Ok(()) } else { Err(Errno(error.saturating_neg())) };
            // SAFETY: the kernel put the pages whose error is 0 there, with the mapping's access; a mapping of
            // privcmd keeps them until it is unmapped.
            unsafe { map.set_page(page, state) };
        }
        Ok(())
    }

    fn populate_resource(
        &self,
        map: &mut Mapping,
        domid: DomId,
        kind: u32,
        id: u32,
        frame: u32,
    ) -> SysResult<()> {
        let range = Errno(libc::ERANGE);
        let at = map.page_address(0).ok_or(range)?;
        let mut arg = sys::privcmd_mmap_resource {
            dom: domid.get(),
            type_: kind,
            id,
            idx: frame,
            num: u64::try_from(map.len()).map_err(|_| range)?,
            addr: u64::try_from(at.addr().get()).map_err(|_| range)?,
        };
        // SAFETY: the struct is the request's; `num` pages at `addr` are all of `map`, which is reserved for this.
        unsafe { ioctl(&self.fd, sys::SYS_IOCTL_PRIVCMD_MMAP_RESOURCE, &mut arg) }?;
        for page in 0..map.len() {
            // SAFETY: the request maps all pages or fails.
            unsafe { map.set_page(page, Ok(())) };
        }
        Ok(())
    }
}
