//! An ioreq server: made, served, and taken down in the order that Xen needs.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::time::Duration;

use super::dispatch::{Buffers, Outcome, dispatch};
use super::slot::{SLOTS, Slot};
use super::{Handler, IoSpace};
use crate::addr::{DomId, Gfn, Gpa};
use crate::memory::GuestMemory;
use crate::root::Root;
use crate::xen::device_model::{DeviceModel, IoRange, MemType, ServerId};
use crate::xen::error::{Errno, XenError};
use crate::xen::event_channels::{EventChannels, LocalPort};
use crate::xen::foreign::ForeignPages;
use crate::xen::live::LiveMemory;
use crate::xen::map::Access;
use crate::xen::xenstore::Lifetime;

/// What a server has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Requests that were answered.
    pub answered: u64,
    /// Of these, requests that made no sense.
    pub invalid: u64,
    /// Accesses that were nobody's, or whose buffer in guest memory was not there.
    pub lost: u64,
}

/// A device model of one domain. Dropping it takes it down.
#[derive(Debug)]
pub struct IoreqServer {
    model: DeviceModel,
    events: EventChannels,
    memory: LiveMemory,
    id: ServerId,
    page: ForeignPages,
    /// Our port of each vCPU.
    ports: Vec<LocalPort>,
    ranges: Vec<IoRange>,
    claims_writes: bool,
    tracked: BTreeSet<Gfn>,
    /// Frames that are tracked until the next look at all vCPUs.
    retired: BTreeSet<Gfn>,
    stats: Stats,
    /// Without it, the domain's end is not seen.
    lifetime: Option<Lifetime>,
}

impl IoreqServer {
    /// Makes a server of `domid` that serves `ranges`, and starts it. With `claim_writes` it can track writes to RAM,
    /// which one server of a domain can.
    ///
    /// # Errors
    /// [`XenError`]; nothing is left of the server then.
    pub fn start(
        root: &Root,
        domid: DomId,
        ranges: &[IoRange],
        claim_writes: bool,
    ) -> Result<Self, XenError> {
        let events = EventChannels::open(root)?;
        events.restrict(domid)?;
        let mut server = Self::start_on(DeviceModel::open(root, domid)?, events, ranges, claim_writes)?;
        match Lifetime::watch(root, domid) {
            Ok(lifetime) => server.lifetime = Some(lifetime),
            Err(error) => log::warn!("the end of domain {domid} will not be seen: {error}"),
        }
        Ok(server)
    }

    pub(in crate::xen) fn start_on(
        model: DeviceModel,
        events: EventChannels,
        ranges: &[IoRange],
        claim_writes: bool,
    ) -> Result<Self, XenError> {
        let domid = model.domid();
        let memory = LiveMemory::with_access(model.xen(), domid, Access::ReadWrite)?;
        let vcpus = model.vcpus()?;
        let id = model.create_ioreq_server()?;
        let page = match ForeignPages::map_ioreq_server(model.xen(), domid, id) {
            Ok(page) => page,
            Err(error) => {
                log_failure("destroying a server that could not be used", model.destroy_ioreq_server(id));
                return Err(error);
            }
        };
        // From here on, its drop takes down what there is.
        let mut server = Self {
            model,
            events,
            memory,
            id,
            page,
            ports: Vec::new(),
            ranges: Vec::new(),
            claims_writes: false,
            tracked: BTreeSet::new(),
            retired: BTreeSet::new(),
            stats: Stats::default(),
            lifetime: None,
        };
        ranges.iter().try_for_each(|range| server.map_range(*range))?;
        if claim_writes {
            server.model.claim_writes(id, true)?;
            server.claims_writes = true;
        }
        // The vCPUs' ports are in the page from here on.
        server.model.set_state(id, true)?;
        server.bind(vcpus)?;
        Ok(server)
    }

    fn bind(&mut self, vcpus: u32) -> Result<(), XenError> {
        let domid = self.model.domid();
        let count = usize::try_from(vcpus).ok().filter(|count| *count <= SLOTS).ok_or(XenError::Answer {
            call: "XEN_DMOP_nr_vcpus",
            answer: vcpus.into(),
            expected: "at most 128, which one page has slots for",
        })?;
        for vcpu in 0..count {
            let slot = Slot::new(self.page.mapping(), vcpu);
            let port = slot.ok_or(Errno(libc::ERANGE)).and_then(Slot::port);
            let port = port.map_err(XenError::of_domain("reading the ioreq page", domid))?;
            self.ports.push(self.events.bind_interdomain(domid, port)?);
        }
        Ok(())
    }

    /// The domain.
    #[must_use]
    pub fn domid(&self) -> DomId {
        self.model.domid()
    }

    /// The server's id.
    #[must_use]
    pub fn id(&self) -> ServerId {
        self.id
    }

    /// The device model's other calls, such as signalling the guest.
    #[must_use]
    pub fn model(&self) -> &DeviceModel {
        &self.model
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Serves `range` too.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn map_range(&mut self, range: IoRange) -> Result<(), XenError> {
        self.model.map_range(self.id, range)?;
        self.ranges.push(range);
        Ok(())
    }

    /// Does not serve `range` any more.
    ///
    /// # Errors
    /// [`XenError`]. What is still under way is answered with all ones, either way.
    pub fn unmap_range(&mut self, range: IoRange) -> Result<(), XenError> {
        self.ranges.retain(|served| *served != range);
        self.model.unmap_range(self.id, range)
    }

    /// Sends the guest's writes to frame `gfn` to the handler, after they are in memory.
    ///
    /// # Errors
    /// [`XenError`]; `EINVAL` if the frame is no RAM, or the server did not claim writes.
    pub fn track(&mut self, gfn: Gfn) -> Result<(), XenError> {
        // A write may come before the call returns.
        let new = self.tracked.insert(gfn);
        let result = self.model.set_mem_type(gfn, 1, MemType::WritesToServer);
        match &result {
            Ok(()) => drop(self.retired.remove(&gfn)),
            Err(_) if new => drop(self.tracked.remove(&gfn)),
            Err(_) => {}
        }
        result
    }

    /// Ends [`Self::track`]. A write that is under way may still come to the handler.
    ///
    /// # Errors
    /// [`XenError`]; the frame is then still tracked.
    pub fn untrack(&mut self, gfn: Gfn) -> Result<(), XenError> {
        self.model.set_mem_type(gfn, 1, MemType::Ram)?;
        // What was sent before that is no longer Xen's to store: it must find the frame here once more.
        self.retired.insert(gfn);
        Ok(())
    }

    /// Waits `timeout` for requests and answers those that there are; says how many.
    ///
    /// # Errors
    /// [`XenError`] of the devices; what could be answered was. [`XenError::NoDomain`] when the domain has ended:
    /// drop the server then, for what it has mapped keeps the rest of the domain.
    pub fn serve(&mut self, handler: &mut impl Handler, timeout: Duration) -> Result<u64, XenError> {
        self.events.wait(timeout)?;
        let answered = self.answer_all(handler)?;
        // Whoever asks is alive.
        if answered == 0 && self.has_ended() {
            return Err(XenError::NoDomain { call: "serving its requests", domid: self.domid() });
        }
        Ok(answered)
    }

    fn has_ended(&mut self) -> bool {
        let ended = self.lifetime.as_mut().map_or(Ok(false), Lifetime::has_ended);
        ended.unwrap_or_else(|error| {
            log::warn!("the end of domain {} will not be seen: {error}", self.domid());
            self.lifetime = None;
            false
        })
    }

    /// Looks at all vCPUs: a signal that was lost must not leave one waiting.
    fn answer_all(&mut self, handler: &mut impl Handler) -> Result<u64, XenError> {
        let mut answered = 0;
        let mut failed = None;
        for (vcpu, port) in self.ports.iter().enumerate() {
            let Some(slot) = Slot::new(self.page.mapping(), vcpu) else { continue };
            let domid = self.model.domid();
            let raw = match slot.take() {
                Ok(Some(raw)) => raw,
                Ok(None) => continue,
                Err(error) => {
                    failed = Some(XenError::of_domain("reading the ioreq page", domid)(error));
                    continue;
                }
            };
            // Answers when it is dropped, also when the handler panics.
            let mut answer = Answer {
                slot,
                events: &self.events,
                port: *port,
                value: raw.read.then(|| raw.all_ones()),
                failed: &mut failed,
                domid,
            };
            match raw.check() {
                Ok(request) => {
                    let (ranges, tracked) = (&self.ranges, &self.tracked);
                    let Outcome { value, lost } = dispatch(
                        &request,
                        handler,
                        &mut GuestBuffers(&self.memory),
                        |space, at, len| is_served(ranges, space, at, len),
                        |gfn| tracked.contains(&gfn),
                    );
                    answer.value = value;
                    self.stats.lost += u64::from(lost);
                }
                Err(error) => {
                    log::debug!("domain {domid}, vCPU {vcpu}: {error}");
                    if raw.data_is_pointer {
                        answer.value = None;
                    }
                    self.stats.invalid += 1;
                }
            }
            if let Some(wanted) = handler.moved()
                && let Err(error) = follow(&self.model, self.id, &mut self.ranges, wanted)
            {
                *answer.failed = Some(error);
            }
            drop(answer);
            answered += 1;
            self.stats.answered += 1;
        }
        for gfn in core::mem::take(&mut self.retired) {
            self.tracked.remove(&gfn);
        }
        failed.map_or(Ok(answered), Err)
    }
}

/// Makes `ranges` what is `wanted`: what is no longer wanted goes first, for the new may lie over it. What Xen refuses
/// is not served; the first such error is returned, after the rest was done.
fn follow(
    model: &DeviceModel,
    id: ServerId,
    ranges: &mut Vec<IoRange>,
    wanted: Vec<IoRange>,
) -> Result<(), XenError> {
    let mut failed = None;
    for gone in ranges.extract_if(.., |range| !wanted.contains(range)) {
        if let Err(error) = model.unmap_range(id, gone) {
            failed.get_or_insert(error);
        }
    }
    for range in wanted {
        if ranges.contains(&range) {
            continue;
        }
        match model.map_range(id, range) {
            Ok(()) => ranges.push(range),
            Err(error) => drop(failed.get_or_insert(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// A request that is ours until this is dropped.
struct Answer<'a> {
    slot: Slot<'a>,
    events: &'a EventChannels,
    port: LocalPort,
    value: Option<u64>,
    failed: &'a mut Option<XenError>,
    domid: DomId,
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        let written = self
            .slot
            .answer(self.value)
            .map_err(XenError::of_domain("writing the ioreq page", self.domid))
            .and_then(|()| self.events.notify(self.port));
        if let Err(error) = written {
            *self.failed = Some(error);
        }
    }
}

/// The device after its end.
pub(super) struct Nobody;

impl Handler for Nobody {}

/// A running guest's memory, for [`dispatch`].
pub(super) struct GuestBuffers<'a>(pub(super) &'a LiveMemory);

impl Buffers for GuestBuffers<'_> {
    fn load(&mut self, at: Gpa, bytes: &mut [u8]) -> bool {
        self.0.read(at, bytes).is_ok()
    }

    fn store(&mut self, at: Gpa, bytes: &[u8]) -> bool {
        self.0.write(at, bytes).is_ok()
    }

    fn forget(&mut self) {
        self.0.forget();
    }
}

/// Whether `len` units from `at` on are inside one of `ranges`.
fn is_served(ranges: &[IoRange], space: IoSpace, at: u64, len: u8) -> bool {
    let last = at.saturating_add(u64::from(len.saturating_sub(1)));
    ranges.iter().any(|range| {
        let (of, first, end) = match *range {
            IoRange::Ports { first, last } => (IoSpace::Port, first.into(), last.into()),
            IoRange::Memory { first, last } => (IoSpace::Memory, first.get(), last.get()),
            IoRange::Pci(sbdf) => (IoSpace::Pci, sbdf.get().into(), sbdf.get().into()),
        };
        of == space && first <= at && last <= end
    })
}

impl Drop for IoreqServer {
    /// The claim first: Xen sends writes to tracked frames to whoever has it, also to a server that is disabled. Then
    /// it is disabled, for which Xen pauses the domain: no vCPU is still on its way here after that. What waits by
    /// then is answered as by a device that is gone, and writes to tracked frames are stored.
    fn drop(&mut self) {
        if self.claims_writes {
            log_failure("giving up the claim on writes", self.model.claim_writes(self.id, false));
        }
        log_failure("disabling an ioreq server", self.model.set_state(self.id, false));
        log_failure("answering what still waits", self.answer_all(&mut Nobody).map(drop));
        for port in &self.ports {
            log_failure("unbinding a vCPU's port", self.events.unbind(*port));
        }
        log_failure("destroying an ioreq server", self.model.destroy_ioreq_server(self.id));
    }
}

/// There is nobody to tell: the domain may be gone, which is the usual end.
pub(super) fn log_failure(what: &str, result: Result<(), XenError>) {
    if let Err(error) = result
        && !matches!(error, XenError::NoDomain { .. })
    {
        log::warn!("{what}: {error}");
    }
}

#[cfg(test)]
mod tests;
