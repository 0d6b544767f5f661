//! A device model's calls for one domain (`dm_op`). Source: xen/include/public/hvm/dm_op.h.
#![expect(unsafe_code, reason = "the hypervisor edge: answers come in a union of the ABI")]

use core::fmt;

use libxengt_sys as sys;

use super::Xen;
use super::error::{Errno, XenError};
use super::retry::retry;
use crate::addr::{DomId, Gfn, Gpa};
use crate::root::Root;

/// The id of an ioreq server, which Xen gives: 0 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerId(u16);

impl ServerId {
    /// How many servers a domain can have (`MAX_NR_IOREQ_SERVERS` of Xen).
    pub const COUNT: u16 = 8;

    /// The id that another process was given, such as one that tells of its servers; `None` for no id of Xen's. It does
    /// not say whose server that is now: to clean up after a process that was killed, there is
    /// [`ioreq::destroy_orphans`](super::ioreq::destroy_orphans).
    #[must_use]
    pub const fn from_raw(raw: u16) -> Option<Self> {
        if raw < Self::COUNT { Some(Self(raw)) } else { None }
    }

    /// All ids that there can be.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A PCI function: segment, bus, device and function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sbdf {
    /// Segment.
    pub segment: u16,
    /// Bus.
    pub bus: u8,
    /// Device in bits 3 to 7, function in bits 0 to 2.
    pub devfn: u8,
}

impl Sbdf {
    /// The number that requests and ranges have for it.
    #[must_use]
    pub const fn get(self) -> u32 {
        u32::from_be_bytes([
            self.segment.to_be_bytes()[0],
            self.segment.to_be_bytes()[1],
            self.bus,
            self.devfn,
        ])
    }

    /// The function that `number` means.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        let [high, low, bus, devfn] = number.to_be_bytes();
        Self { segment: u16::from_be_bytes([high, low]), bus, devfn }
    }
}

impl fmt::Display for Sbdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{}", self.segment, self.bus, self.devfn >> 3, self.devfn & 7)
    }
}

/// What an ioreq server serves. Ends are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoRange {
    /// I/O ports.
    Ports {
        /// The first.
        first: u16,
        /// The last.
        last: u16,
    },
    /// Guest memory that is not RAM.
    Memory {
        /// The first byte.
        first: Gpa,
        /// The last byte.
        last: Gpa,
    },
    /// The configuration space of a PCI function.
    Pci(Sbdf),
}

/// What an access of the guest to a frame of its RAM does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemType {
    /// Reads and writes memory.
    Ram,
    /// Reads memory; writes go to the ioreq server that claimed this type instead.
    WritesToServer,
}

/// Why a domain is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownReason {
    /// It was switched off.
    Poweroff,
    /// It reboots.
    Reboot,
    /// It crashed: what emulates its devices cannot go on.
    Crash,
}

/// A device model's handle on one domain.
#[derive(Debug)]
pub struct DeviceModel {
    xen: Xen,
    domid: DomId,
}

impl DeviceModel {
    /// Opens a handle for `domid`, and gives up all its other rights where the kernel can do that (Linux 4.11).
    ///
    /// # Errors
    /// [`XenError`] where there is no Xen, or this user may not talk to it. Whether there is such a domain is
    /// found out by the first call.
    pub fn open(root: &Root, domid: DomId) -> Result<Self, XenError> {
        Self::new(Xen::open(root)?, domid)
    }

    pub(super) fn new(mut xen: Xen, domid: DomId) -> Result<Self, XenError> {
        match retry(|| xen.driver.restrict(domid)) {
            Ok(()) => xen.restricted = true,
            Err(Errno(libc::ENOTTY | libc::ENOSYS)) => {
                log::debug!("this kernel cannot restrict privcmd to domain {domid}");
            }
            Err(error) => return Err(XenError::of_domain("restricting privcmd", domid)(error)),
        }
        Ok(Self { xen, domid })
    }

    /// A handle that shares the rights of `xen`, for asking only.
    pub(super) fn asking(xen: &Xen, domid: DomId) -> Self {
        Self { xen: xen.clone(), domid }
    }

    /// The domain.
    #[must_use]
    pub fn domid(&self) -> DomId {
        self.domid
    }

    /// The handle, for mapping the domain's memory.
    #[must_use]
    pub fn xen(&self) -> &Xen {
        &self.xen
    }

    /// Whether the kernel holds the handle to this one domain.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.xen.restricted
    }

    /// Makes an ioreq server without buffered requests.
    ///
    /// # Errors
    /// [`XenError`]; `ENOSPC` if the domain has 8 already, `EINVAL` if it is not HVM.
    pub fn create_ioreq_server(&self) -> Result<ServerId, XenError> {
        let create = sys::xen_dm_op_create_ioreq_server { handle_bufioreq: 0, pad: [0; 3], id: 0 };
        let done = self.call("XEN_DMOP_create_ioreq_server", sys::XEN_DMOP_create_ioreq_server, |u| {
            u.create_ioreq_server = create
        })?;
        // SAFETY: any bytes are a value of each member, and all were written by us or by Xen.
        Ok(ServerId(unsafe { done.create_ioreq_server }.id))
    }

    /// Ends an ioreq server. Its ranges and its claim end with it.
    ///
    /// # Errors
    /// [`XenError`]; `ENOENT` if there is no such server.
    pub fn destroy_ioreq_server(&self, id: ServerId) -> Result<(), XenError> {
        self.call("XEN_DMOP_destroy_ioreq_server", sys::XEN_DMOP_destroy_ioreq_server, |u| {
            u.destroy_ioreq_server = sys::xen_dm_op_destroy_ioreq_server { id: id.0, pad: 0 }
        })
        .map(drop)
    }

    /// Lets requests in `range` come to the server.
    ///
    /// # Errors
    /// [`XenError`]; `EEXIST` if it overlaps a range of the server.
    pub fn map_range(&self, id: ServerId, range: IoRange) -> Result<(), XenError> {
        const NAME: &str = "XEN_DMOP_map_io_range_to_ioreq_server";
        self.call(NAME, sys::XEN_DMOP_map_io_range_to_ioreq_server, |u| {
            u.map_io_range_to_ioreq_server = raw_range(id, range)
        })
        .map(drop)
    }

    /// Ends what [`Self::map_range`] began. Requests that are under way may still come.
    ///
    /// # Errors
    /// [`XenError`]; `ENOENT` if the server does not have this range.
    pub fn unmap_range(&self, id: ServerId, range: IoRange) -> Result<(), XenError> {
        const NAME: &str = "XEN_DMOP_unmap_io_range_from_ioreq_server";
        self.call(NAME, sys::XEN_DMOP_unmap_io_range_from_ioreq_server, |u| {
            u.unmap_io_range_from_ioreq_server = raw_range(id, range)
        })
        .map(drop)
    }

    /// Lets requests come, or ends that. The vCPUs' ports are in the shared page only while it is enabled.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn set_state(&self, id: ServerId, enabled: bool) -> Result<(), XenError> {
        let state = sys::xen_dm_op_set_ioreq_server_state { id: id.0, enabled: enabled.into(), pad: 0 };
        self.call("XEN_DMOP_set_ioreq_server_state", sys::XEN_DMOP_set_ioreq_server_state, |u| {
            u.set_ioreq_server_state = state
        })
        .map(drop)
    }

    /// Claims writes to frames of type [`MemType::WritesToServer`] for the server, or gives the claim up. Giving
    /// it up makes all such frames RAM again.
    ///
    /// # Errors
    /// [`XenError`]; `EOPNOTSUPP` without hardware-assisted paging, `EBUSY` if another server has it.
    pub fn claim_writes(&self, id: ServerId, claim: bool) -> Result<(), XenError> {
        const NAME: &str = "XEN_DMOP_map_mem_type_to_ioreq_server";
        let flags = if claim { sys::XEN_DMOP_IOREQ_MEM_ACCESS_WRITE } else { 0 };
        let map = sys::xen_dm_op_map_mem_type_to_ioreq_server {
            id: id.0,
            type_: sys::SYS_HVMMEM_ioreq_server,
            flags,
            opaque: 0,
        };
        self.call(NAME, sys::XEN_DMOP_map_mem_type_to_ioreq_server, |u| u.map_mem_type_to_ioreq_server = map)
            .map(drop)
    }

    /// Sets the type of `count` frames of RAM from `first` on.
    ///
    /// # Errors
    /// [`XenError`]; `EINVAL` if a frame is no RAM, or nobody claimed the type.
    pub fn set_mem_type(&self, first: Gfn, count: u32, mem_type: MemType) -> Result<(), XenError> {
        let mem_type = match mem_type {
            MemType::Ram => sys::SYS_HVMMEM_ram_rw,
            MemType::WritesToServer => sys::SYS_HVMMEM_ioreq_server,
        };
        let set = sys::xen_dm_op_set_mem_type { nr: count, mem_type, pad: 0, first_pfn: first.get() };
        self.call("XEN_DMOP_set_mem_type", sys::XEN_DMOP_set_mem_type, |u| u.set_mem_type = set).map(drop)
    }

    /// Signals the guest as the device's MSI capability says: `data` to `address`.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn inject_msi(&self, address: u64, data: u32) -> Result<(), XenError> {
        self.call("XEN_DMOP_inject_msi", sys::XEN_DMOP_inject_msi, |u| {
            u.inject_msi = sys::xen_dm_op_inject_msi { data, pad: 0, addr: address }
        })
        .map(drop)
    }

    /// Shuts the domain down.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn remote_shutdown(&self, reason: ShutdownReason) -> Result<(), XenError> {
        let reason = match reason {
            ShutdownReason::Poweroff => sys::SHUTDOWN_poweroff,
            ShutdownReason::Reboot => sys::SHUTDOWN_reboot,
            ShutdownReason::Crash => sys::SHUTDOWN_crash,
        };
        self.call("XEN_DMOP_remote_shutdown", sys::XEN_DMOP_remote_shutdown, |u| {
            u.remote_shutdown = sys::xen_dm_op_remote_shutdown { reason }
        })
        .map(drop)
    }

    /// How many vCPUs the domain has.
    ///
    /// # Errors
    /// [`XenError`]; `EINVAL` if it is not HVM.
    pub fn vcpus(&self) -> Result<u32, XenError> {
        let done = self.call("XEN_DMOP_nr_vcpus", sys::XEN_DMOP_nr_vcpus, |u| {
            u.nr_vcpus = sys::xen_dm_op_nr_vcpus { vcpus: 0 }
        })?;
        // SAFETY: any bytes are a value of each member, and all were written by us or by Xen.
        Ok(unsafe { done.nr_vcpus }.vcpus)
    }

    fn call(&self, name: &'static str, number: u32, fill: impl FnOnce(&mut Body)) -> Result<Body, XenError> {
        // The largest member, so that no byte of the union that Xen sees is undefined; `fill` sets one over it.
        let blank = sys::xen_dm_op_pin_memory_cacheattr { start: 0, end: 0, type_: 0, pad: 0 };
        const { assert!(size_of::<sys::xen_dm_op_pin_memory_cacheattr>() == size_of::<Body>()) };
        let mut first = sys::xen_dm_op { op: number, pad: 0, u: Body { pin_memory_cacheattr: blank } };
        fill(&mut first.u);
        let mut op = first;
        retry(|| {
            op = first;
            self.xen.driver.dm_op(self.domid, &mut op)
        })
        .map_err(XenError::of_domain(name, self.domid))?;
        Ok(op.u)
    }
}

type Body = sys::xen_dm_op__bindgen_ty_1;

fn raw_range(id: ServerId, range: IoRange) -> sys::xen_dm_op_ioreq_server_range {
    let (type_, start, end) = match range {
        IoRange::Ports { first, last } => (sys::XEN_DMOP_IO_RANGE_PORT, first.into(), last.into()),
        IoRange::Memory { first, last } => (sys::XEN_DMOP_IO_RANGE_MEMORY, first.get(), last.get()),
        IoRange::Pci(sbdf) => (sys::XEN_DMOP_IO_RANGE_PCI, sbdf.get().into(), sbdf.get().into()),
    };
    sys::xen_dm_op_ioreq_server_range { id: id.0, pad: 0, type_, start, end }
}

#[cfg(test)]
mod tests {
    use super::super::XenError;
    use super::super::mock::{DOMID, MockDriver};
    use super::{DeviceModel, IoRange, MemType, Sbdf, ServerId, ShutdownReason};
    use crate::addr::{DomId, Gfn, Gpa};

    const SBDF: Sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };

    #[test]
    fn calls_reach_xen_with_the_abis_numbers_and_layout() {
        let (xen, mock) = MockDriver::xen(16);
        let dm = DeviceModel::new(xen, DOMID).unwrap();
        assert!(dm.is_restricted());
        let id = dm.create_ioreq_server().unwrap();
        assert_eq!(id, ServerId(3));
        dm.map_range(id, IoRange::Pci(SBDF)).unwrap();
        dm.map_range(id, IoRange::Memory { first: Gpa::new(0xf000_0000), last: Gpa::new(0xf00f_ffff) })
            .unwrap();
        dm.unmap_range(id, IoRange::Ports { first: 0x3c0, last: 0x3df }).unwrap();
        dm.set_state(id, true).unwrap();
        dm.claim_writes(id, true).unwrap();
        dm.set_mem_type(Gfn::new(5), 2, MemType::WritesToServer).unwrap();
        dm.set_mem_type(Gfn::new(5), 1, MemType::Ram).unwrap();
        dm.inject_msi(0xfee0_1000, 0x4031).unwrap();
        dm.remote_shutdown(ShutdownReason::Crash).unwrap();
        assert_eq!(dm.vcpus().unwrap(), 2);
        dm.destroy_ioreq_server(id).unwrap();
        // op, then the union's words (little endian), as a C program prints them.
        let expected: [(u32, [u64; 3]); 12] = [
            (1, [0, 0, 0]),
            (3, [0x0000_0002_0000_0003, 0x10, 0x10]),
            (3, [0x0000_0001_0000_0003, 0xf000_0000, 0xf00f_ffff]),
            (4, [0x0000_0000_0000_0003, 0x3c0, 0x3df]),
            (5, [0x0000_0000_0001_0003, 0, 0]),
            (15, [0x0000_0002_0004_0003, 0, 0]),
            (12, [0x0000_0004_0000_0002, 5, 0]),
            (12, [0x0000_0000_0000_0001, 5, 0]),
            (14, [0x4031, 0xfee0_1000, 0]),
            (16, [3, 0, 0]),
            (20, [0, 0, 0]),
            (6, [3, 0, 0]),
        ];
        assert_eq!(mock.get(|state| state.dm_ops.clone()), expected);
    }

    #[test]
    fn ids_are_those_that_xen_gives() {
        assert_eq!(ServerId::from_raw(7), Some(ServerId(7)));
        assert_eq!((ServerId::from_raw(8), ServerId::from_raw(u16::MAX)), (None, None));
        assert_eq!(ServerId::all().map(ServerId::get).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_kernel_that_cannot_restrict_is_used_and_one_that_refuses_is_not() {
        for errno in 1..=133 {
            let (xen, mock) = MockDriver::xen(1);
            mock.set(|state| state.fail_always = Some(errno));
            let opened = DeviceModel::new(xen, DOMID);
            match errno {
                libc::ENOTTY | libc::ENOSYS => assert!(!opened.unwrap().is_restricted()),
                _ => assert_eq!(opened.unwrap_err().errno(), Some(errno)),
            }
        }
    }

    #[test]
    fn every_errno_of_every_call_comes_out() {
        let (xen, mock) = MockDriver::xen(16);
        let dm = DeviceModel::new(xen, DOMID).unwrap();
        let id = ServerId(0);
        let range = IoRange::Pci(SBDF);
        for errno in 1..=133 {
            mock.set(|state| state.fail_always = Some(errno));
            for result in [
                dm.create_ioreq_server().map(drop),
                dm.destroy_ioreq_server(id),
                dm.map_range(id, range),
                dm.unmap_range(id, range),
                dm.set_state(id, true),
                dm.claim_writes(id, false),
                dm.set_mem_type(Gfn::new(0), 1, MemType::Ram),
                dm.inject_msi(0, 0),
                dm.remote_shutdown(ShutdownReason::Poweroff),
                dm.vcpus().map(drop),
            ] {
                let error = result.unwrap_err();
                assert_eq!(error.errno(), Some(errno));
                assert_eq!(matches!(error, XenError::NoDomain { .. }), errno == libc::ESRCH);
            }
        }
    }

    #[test]
    fn a_domain_that_is_not_there_is_named() {
        let (xen, _mock) = MockDriver::xen(1);
        let error = DeviceModel::new(xen, DomId::new(99)).unwrap().vcpus().unwrap_err();
        assert!(matches!(error, XenError::NoDomain { domid, .. } if domid == DomId::new(99)), "{error}");
    }

    #[test]
    fn functions_are_numbered_as_requests_have_them() {
        let sbdf = Sbdf { segment: 0x12, bus: 0x34, devfn: 0x56 };
        assert_eq!(sbdf.get(), 0x0012_3456);
        assert_eq!(Sbdf::from_number(0x0012_3456), sbdf);
        assert_eq!(SBDF.to_string(), "0000:00:02.0");
    }
}
