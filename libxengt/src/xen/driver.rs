//! The boundary to the kernel: what the hypervisor edge asks of it, and nothing more.
//!
//! Every call is safe to make with any arguments: what could reach our own memory (hypercall arguments, pages
//! put into our address space) is made by the implementation, from these. [`linux`](super::linux) is the real
//! one; the tests have another, which answers with every error.
#![forbid(unsafe_code)]

use core::fmt;
use std::time::Duration;

use libxengt_sys as sys;

use super::error::SysResult;
use super::map::{Access, Mapping};
use crate::addr::DomId;

/// A hypercall, with what it reads and writes.
#[derive(Debug)]
pub(crate) enum Hypercall<'a> {
    /// `xen_version`; the answer's text or struct goes to `out`, whose length must be what `cmd` writes.
    Version { cmd: u32, out: &'a mut [u8] },
    /// `XENMEM_maximum_gpfn`; answers with the frame's number.
    MaximumGpfn { domid: DomId },
    /// `XENMEM_acquire_resource` without a list: how many frames the resource has, into `frames`.
    ResourceFrames { domid: DomId, kind: u16, id: u32, frames: &'a mut u32 },
    /// `XENMEM_get_mfn_from_pfn`; replaces the guest frames in `frames`, at most [`MFN_BATCH`]. `flags` are or'ed
    /// into their number. The domain is a bare number so that the probe can name one that cannot exist.
    MfnsOfGfns { domid: u16, flags: u32, frames: &'a mut [u64] },
    /// `XEN_DOMCTL_getdomaininfo` in version `interface` of domctl, into `info`. The domain is a bare number because
    /// domain 0 can be asked about.
    DomainInfo { domid: u16, interface: u32, info: &'a mut DomainInfo },
}

/// The fields of `struct xen_domctl_getdomaininfo` that all versions have in one place. Xen leaves what it does not
/// answer as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DomainInfo {
    /// Whom it is about: not always whom was asked.
    pub(crate) domain: u16,
    /// `XEN_DOMINF_*`.
    pub(crate) flags: u32,
}

/// The most frames that one `XENMEM_get_mfn_from_pfn` takes.
pub(crate) const MFN_BATCH: usize = 2048;

/// `/dev/xen/privcmd` and `/dev/xen/hypercall`.
pub(crate) trait Driver: fmt::Debug + Send + Sync {
    /// Makes a hypercall; answers with what it returned.
    fn hypercall(&self, call: &mut Hypercall<'_>) -> SysResult<u64>;
    /// Makes a device model's hypercall.
    fn dm_op(&self, domid: DomId, op: &mut sys::xen_dm_op) -> SysResult<()>;
    /// Gives up the right to anything but device models' calls and maps of `domid`, for good.
    fn restrict(&self, domid: DomId) -> SysResult<()>;
    /// Reserves address space for pages.
    fn reserve(&self, pages: usize, access: Access) -> SysResult<Mapping>;
    /// Puts `gfns.len()` frames of `domid` into `map` from page `first` on, and records each page's state there.
    /// The first call for a mapping covers all of it. Fails as a whole only for reasons that are no page's.
    fn populate(&self, map: &mut Mapping, first: usize, domid: DomId, gfns: &[u64]) -> SysResult<()>;
    /// Puts frames of a resource of `domid`, from number `frame` on, into all of `map`.
    fn populate_resource(
        &self,
        map: &mut Mapping,
        domid: DomId,
        kind: u32,
        id: u32,
        frame: u32,
    ) -> SysResult<()>;
}

/// `/dev/xen/evtchn`.
pub(crate) trait EventDriver: fmt::Debug + Send {
    /// Binds a new port of ours to `remote` of `domid`.
    fn bind_interdomain(&self, domid: DomId, remote: u32) -> SysResult<u32>;
    /// Gives up a port of ours.
    fn unbind(&self, port: u32) -> SysResult<()>;
    /// Signals the other end of a port of ours.
    fn notify(&self, port: u32) -> SysResult<()>;
    /// Whether a port is pending, waiting `timeout` for it.
    fn wait(&self, timeout: Duration) -> SysResult<bool>;
    /// Takes pending ports, which stay masked; answers with how many.
    fn take(&self, ports: &mut [u32]) -> SysResult<usize>;
    /// Lets ports be pending again.
    fn unmask(&self, ports: &[u32]) -> SysResult<()>;
    /// Gives up the right to bind ports of other domains than `domid`, for good.
    fn restrict(&self, domid: DomId) -> SysResult<()>;
}

/// `/dev/xen/xenbus`: a stream of messages to and from xenstore.
pub(crate) trait StoreDriver: fmt::Debug + Send {
    /// Sends bytes; answers with how many.
    fn send(&mut self, bytes: &[u8]) -> SysResult<usize>;
    /// Whether bytes can be received, waiting `timeout` for them.
    fn wait(&mut self, timeout: Duration) -> SysResult<bool>;
    /// Receives bytes; answers with how many, 0 at the end.
    fn receive(&mut self, bytes: &mut [u8]) -> SysResult<usize>;
}
