//! How often a handle went into the kernel: what a hypervisor's speed is measured by where its time is not ours.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libxengt_sys as sys;

use super::driver::{Driver, Hypercall};
use super::error::SysResult;
use super::map::{Access, Mapping};
use crate::addr::DomId;

/// Calls into the kernel through one `/dev/xen/privcmd`, since it was opened. Those that failed, and those that were
/// made again after an interrupt, count as well: they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Crossings {
    /// Hypercalls; an ioctl each.
    pub hypercalls: u64,
    /// Device models' calls, and giving up rights; an ioctl each.
    pub device_model_calls: u64,
    /// Calls that put frames into our address space, any number of frames; an ioctl each.
    pub foreign_maps: u64,
    /// Ranges of our address space that were reserved for frames; one `mmap` each, and one `munmap` when they go.
    pub reservations: u64,
}

impl Crossings {
    /// How many ioctls.
    #[must_use]
    pub const fn ioctls(&self) -> u64 {
        self.hypercalls + self.device_model_calls + self.foreign_maps
    }

    /// What came after `earlier`, which was taken from the same handle.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            hypercalls: self.hypercalls.saturating_sub(earlier.hypercalls),
            device_model_calls: self.device_model_calls.saturating_sub(earlier.device_model_calls),
            foreign_maps: self.foreign_maps.saturating_sub(earlier.foreign_maps),
            reservations: self.reservations.saturating_sub(earlier.reservations),
        }
    }
}

/// The counts of a handle and its clones. Nothing is ordered by them, and none is exact while others still call.
#[derive(Debug, Default)]
pub(super) struct Counts {
    hypercalls: AtomicU64,
    device_model_calls: AtomicU64,
    foreign_maps: AtomicU64,
    reservations: AtomicU64,
}

impl Counts {
    pub(super) fn now(&self) -> Crossings {
        Crossings {
            hypercalls: self.hypercalls.load(Ordering::Relaxed),
            device_model_calls: self.device_model_calls.load(Ordering::Relaxed),
            foreign_maps: self.foreign_maps.load(Ordering::Relaxed),
            reservations: self.reservations.load(Ordering::Relaxed),
        }
    }
}

fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// A driver whose calls are counted.
#[derive(Debug)]
pub(super) struct Counted<D> {
    pub(super) driver: D,
    pub(super) counts: Arc<Counts>,
}

impl<D: Driver> Driver for Counted<D> {
    fn hypercall(&self, call: &mut Hypercall<'_>) -> SysResult<u64> {
        one_more(&self.counts.hypercalls);
        self.driver.hypercall(call)
    }

    fn dm_op(&self, domid: DomId, op: &mut sys::xen_dm_op) -> SysResult<()> {
        one_more(&self.counts.device_model_calls);
        self.driver.dm_op(domid, op)
    }

    fn restrict(&self, domid: DomId) -> SysResult<()> {
        one_more(&self.counts.device_model_calls);
        self.driver.restrict(domid)
    }

    fn reserve(&self, pages: usize, access: Access) -> SysResult<Mapping> {
        one_more(&self.counts.reservations);
        self.driver.reserve(pages, access)
    }

    fn populate(&self, map: &mut Mapping, first: usize, domid: DomId, gfns: &[u64]) -> SysResult<()> {
        one_more(&self.counts.foreign_maps);
        self.driver.populate(map, first, domid, gfns)
    }

    fn populate_resource(
        &self,
        map: &mut Mapping,
        domid: DomId,
        kind: u32,
        id: u32,
        frame: u32,
    ) -> SysResult<()> {
        one_more(&self.counts.foreign_maps);
        self.driver.populate_resource(map, domid, kind, id, frame)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::{DOMID, MockDriver};
    use super::super::mock_instant::InstantDriver;
    use super::super::{Access, DeviceModel, ForeignPages, LiveMemory};
    use super::Crossings;
    use crate::addr::{Gfn, Gpa};
    use crate::memory::GuestMemory;

    const MILLION: u64 = 1_000_000;

    fn gfns(count: u64) -> Vec<Gfn> {
        (0..count).map(Gfn::new).collect()
    }

    #[test]
    fn a_million_gfns_cross_once_per_batch_each_way() {
        let xen = InstantDriver::xen(MILLION, false);
        xen.machine_frames(DOMID, &gfns(MILLION)).unwrap();
        let batches = MILLION.div_ceil(2048);
        // The first is preceded by the question how Xen answers for holes.
        let expected = Crossings {
            hypercalls: batches + 1,
            foreign_maps: batches,
            reservations: batches,
            ..<_>::default()
        };
        assert_eq!(xen.crossings(), expected);
        assert_eq!((batches, expected.ioctls()), (489, 979));
    }

    #[test]
    fn a_million_gfns_are_mapped_by_one_ioctl_or_one_per_chunk() {
        let xen = InstantDriver::xen(MILLION, false);
        let pages = ForeignPages::map(&xen, DOMID, Access::Read, &gfns(MILLION)).unwrap();
        assert_eq!((xen.crossings().ioctls(), xen.crossings().reservations), (1, 1));
        drop(pages);
        let before = xen.crossings();
        let memory = LiveMemory::new(&xen, DOMID).unwrap();
        for gfn in 0..MILLION {
            memory.read_u64(Gpa::new(gfn << 12)).unwrap();
        }
        let during = xen.crossings().since(&before);
        assert_eq!(
            (during.hypercalls, during.foreign_maps),
            (1, MILLION / 16),
            "in order: 16 frames at a time"
        );
    }

    #[test]
    fn one_by_one_crosses_twice_for_each() {
        let xen = InstantDriver::xen(1000, false);
        for gfn in gfns(1000) {
            xen.machine_frames(DOMID, &[gfn]).unwrap();
        }
        assert_eq!(xen.crossings().ioctls(), 2001, "one asks how Xen answers for holes");
    }

    #[test]
    fn calls_that_fail_or_are_made_again_count_too() {
        let (xen, mock) = MockDriver::xen(4);
        mock.set(|state| state.fail_next = vec![libc::EPERM, libc::EINTR, libc::EINTR]);
        assert!(xen.clone().maximum_gpfn(DOMID).is_err());
        assert_eq!(xen.crossings().hypercalls, 3, "clones share the handle, and its counts");
        let before = xen.crossings();
        let model = DeviceModel::new(xen, DOMID).unwrap();
        model.vcpus().unwrap();
        let made = model.xen().crossings().since(&before);
        assert_eq!((made.device_model_calls, made.ioctls()), (2, 2), "restricting is a call as well");
    }
}
