//! Ioreq servers whose process was killed: Xen keeps them, and lets vCPUs wait for their answers.
#![forbid(unsafe_code)]

use super::dispatch::dispatch;
use super::server::{GuestBuffers, Nobody, log_failure};
use super::slot::{RawRequest, SLOTS, Slot};
use crate::addr::DomId;
use crate::root::Root;
use crate::xen::device_model::{DeviceModel, IoRange, Sbdf, ServerId};
use crate::xen::error::XenError;
use crate::xen::event_channels::{EventChannels, LocalPort};
use crate::xen::foreign::ForeignPages;
use crate::xen::live::LiveMemory;
use crate::xen::map::Access;

/// A server that nobody served any more, and that was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphan {
    /// The id that it had.
    pub id: ServerId,
    /// How many vCPUs waited for it, and were answered.
    ///
    /// Guaranteed: each goes on; reads gave all ones, as from a device that is gone; writes to frames that can be
    /// mapped as RAM are in memory, for Xen leaves stores to tracked frames to the server.
    ///
    /// Not guaranteed: writes to the device, which had no effect unless the dead process had served them and only not
    /// said so; that a store is made once, for the dead process may have made it too, and another vCPU may have written
    /// there since; and stores to frames that the guest has given up, which are lost.
    pub released: u32,
}

/// Destroys what killed processes left of the ioreq servers of `domid` that served the PCI function `function`.
///
/// An id alone does not say whose server it is, and domain ids and server ids are used again: no record of them is
/// safe. So a server must prove two things, in this order. Nobody has bound its vCPUs' ports: a living process has, and
/// the kernel of a dead one has given them up. And it serves `function`: Xen takes that range from it, or says that it
/// has none. So the ranges of a server that lives, such as that of the domain's QEMU, are never touched.
///
/// Nor is it told of: Xen says whether a server serves a function only by taking it away or giving it. A living server
/// of `function` is left as it is, and the result does not name it.
///
/// Call it before a new server for `function` is started, and not while any process starts a server of this domain:
/// until its ports are bound, it looks like an orphan, and its ports are busy while they are tried. A server whose
/// process was killed before it had `function` is not found; it goes with the domain.
///
/// # Errors
/// [`XenError`]. What was not destroyed keeps `function`, so that a later call finds it; if it could not be given
/// back, the error is that one's, and the server stays until the domain ends.
pub fn destroy_orphans(root: &Root, domid: DomId, function: Sbdf) -> Result<Vec<Orphan>, XenError> {
    let events = EventChannels::open(root)?;
    events.restrict(domid)?;
    destroy_orphans_on(&DeviceModel::open(root, domid)?, &events, function)
}

pub(super) fn destroy_orphans_on(
    model: &DeviceModel,
    events: &EventChannels,
    function: Sbdf,
) -> Result<Vec<Orphan>, XenError> {
    // Also finds out whether we may ask at all: below, EPERM only says that a server is not for us.
    let vcpus = usize::try_from(model.vcpus()?).unwrap_or(SLOTS).min(SLOTS);
    let memory = LiveMemory::with_access(model.xen(), model.domid(), Access::ReadWrite)?;
    let mut orphans = Vec::new();
    for id in ServerId::all() {
        let page = match ForeignPages::map_ioreq_server(model.xen(), model.domid(), id) {
            Ok(page) => page,
            // There is none, or it is another domain's, or has its page in the guest's memory, which ours never have.
            Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::EPERM)) => continue,
            Err(error) => return Err(error),
        };
        let mut suspect = Suspect { model, events, id, vcpus: Vec::new() };
        if suspect.is_abandoned(&page, vcpus)? && suspect.lets_go_of(function)? {
            orphans.push(suspect.destroy(function, &memory)?);
        }
    }
    Ok(orphans)
}

/// A server that may be an orphan. Its ports are free again when this is dropped.
struct Suspect<'a> {
    model: &'a DeviceModel,
    events: &'a EventChannels,
    id: ServerId,
    /// The vCPUs that can wait for it, and our ports of them.
    vcpus: Vec<(Slot<'a>, LocalPort)>,
}

impl<'a> Suspect<'a> {
    /// Takes its vCPUs' ports; whether nobody else had one. Nothing of a server that lives is changed.
    fn is_abandoned(&mut self, page: &'a ForeignPages, vcpus: usize) -> Result<bool, XenError> {
        let domid = self.model.domid();
        for slot in (0..vcpus).filter_map(|vcpu| Slot::new(page.mapping(), vcpu)) {
            let remote = slot.port().map_err(XenError::of_domain("reading the ioreq page", domid))?;
            // A server that was never enabled has no ports, and nobody waits for it.
            if remote == 0 {
                continue;
            }
            match self.events.bind_interdomain(domid, remote) {
                Ok(port) => self.vcpus.push((slot, port)),
                // Xen offers a port to one at a time.
                Err(error) if error.errno() == Some(libc::EINVAL) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Takes `function` from it; whether it had it.
    fn lets_go_of(&self, function: Sbdf) -> Result<bool, XenError> {
        match self.model.unmap_range(self.id, IoRange::Pci(function)) {
            Ok(()) => Ok(true),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends it, or gives `function` back.
    fn destroy(&self, function: Sbdf, memory: &LiveMemory) -> Result<Orphan, XenError> {
        self.end(memory).map_err(|error| match self.model.map_range(self.id, IoRange::Pci(function)) {
            Ok(()) => error,
            Err(lost) => {
                log::warn!("destroying the orphaned ioreq server {}: {error}", self.id);
                lost
            }
        })
    }

    fn end(&self, memory: &LiveMemory) -> Result<Orphan, XenError> {
        // In the order of a server's own end, and for its reasons.
        match self.model.claim_writes(self.id, false) {
            // It had no claim, or the domain can have none.
            Err(error) if !matches!(error.errno(), Some(libc::EINVAL | libc::EOPNOTSUPP)) => {
                return Err(error);
            }
            Ok(()) | Err(_) => {}
        }
        self.model.set_state(self.id, false)?;
        let fail = || XenError::of_domain("answering in the ioreq page", self.model.domid());
        let mut released = 0;
        for (slot, port) in &self.vcpus {
            if let Some(raw) = slot.take_over().map_err(fail())? {
                slot.answer(last_answer(&raw, memory)).map_err(fail())?;
                self.events.notify(*port)?;
                released += 1;
            }
        }
        self.model.destroy_ioreq_server(self.id)?;
        Ok(Orphan { id: self.id, released })
    }
}

impl Drop for Suspect<'_> {
    fn drop(&mut self) {
        for (_, port) in &self.vcpus {
            log_failure("unbinding a vCPU's port", self.events.unbind(*port));
        }
    }
}

/// Carries out the stores to RAM that `raw` asks for, and gives the answer to a read.
fn last_answer(raw: &RawRequest, memory: &LiveMemory) -> Option<u64> {
    match raw.check() {
        // Nobody knows which frames were tracked. But Xen sends no other writes to RAM, and what is no RAM cannot be
        // mapped, so nothing is stored there.
        Ok(request) => {
            let mut buffers = GuestBuffers(memory);
            dispatch(&request, &mut Nobody, &mut buffers, |_, _, _| false, |_| true).value
        }
        Err(_) => (raw.read && !raw.data_is_pointer).then(|| raw.all_ones()),
    }
}

#[cfg(test)]
mod tests;
