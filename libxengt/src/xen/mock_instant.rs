//! A kernel for benches and counts: it says yes at once, so that what is measured is ours.
//!
//! Every frame of its one domain is there. Pages are those of an empty file, in any order: nobody asks what is in them.
#![expect(unsafe_code, reason = "says of pages that they are mapped, as the kernel does")]

use std::fs::File;

use libxengt_sys as sys;

use super::Xen;
use super::driver::{Driver, Hypercall};
use super::error::{Errno, SysResult};
use super::map::{Access, Mapping};
use super::mock::memfd;
use crate::addr::DomId;

#[derive(Debug)]
pub(crate) struct InstantDriver {
    frames: u64,
    memory: File,
    /// As Xen with our patches says that it does.
    marks_holes: bool,
}

impl InstantDriver {
    pub(crate) fn xen(frames: u64, marks_holes: bool) -> Xen {
        Xen::on(Self { frames, memory: memfd("xengt-instant", frames.max(1) * 4096), marks_holes })
    }
}

impl Driver for InstantDriver {
    fn hypercall(&self, call: &mut Hypercall<'_>) -> SysResult<u64> {
        match call {
            Hypercall::MaximumGpfn { .. } => Ok(self.frames - 1),
            Hypercall::MfnsOfGfns { domid: sys::SYS_DOMID_INVALID, .. } if self.marks_holes => {
                Err(Errno(libc::E2BIG))
            }
            Hypercall::MfnsOfGfns { domid: sys::SYS_DOMID_INVALID, .. } => Err(Errno(libc::ESRCH)),
            Hypercall::MfnsOfGfns { frames, .. } => {
                frames.iter_mut().for_each(|frame| *frame += 0x10_0000);
                Ok(0)
            }
            _ => Err(Errno(libc::ENOSYS)),
        }
    }

    fn dm_op(&self, _domid: DomId, _op: &mut sys::xen_dm_op) -> SysResult<()> {
        Err(Errno(libc::ENOSYS))
    }

    fn restrict(&self, _domid: DomId) -> SysResult<()> {
        Err(Errno(libc::ENOTTY))
    }

    fn reserve(&self, pages: usize, access: Access) -> SysResult<Mapping> {
        // A page that is past the file's end kills who reads it.
        let fits = u64::try_from(pages).is_ok_and(|pages| pages <= self.frames.max(1));
        if fits { Mapping::reserve(&self.memory, pages, access) } else { Err(Errno(libc::ENOMEM)) }
    }

    fn populate(&self, map: &mut Mapping, first: usize, _domid: DomId, gfns: &[u64]) -> SysResult<()> {
        for (page, _) in (first..).zip(gfns) {
            // SAFETY: `reserve` mapped all pages of the range, inside the file, and they stay until drop.
            unsafe { map.set_page(page, Ok(())) };
        }
        Ok(())
    }

    fn populate_resource(
        &self,
        _map: &mut Mapping,
        _domid: DomId,
        _kind: u32,
        _id: u32,
        _frame: u32,
    ) -> SysResult<()> {
        Err(Errno(libc::ENOSYS))
    }
}
