//! Kernels and Xens made of mocks, for tests, fuzzing and benches of what is built on [`xen`](super). Only with the
//! feature `testing`, which nothing that is shipped has.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::driver::StoreDriver;
use super::error::SysResult;
use super::ioreq::IoreqServer;
use super::mock::{DOMID, MockDriver};
use super::mock_events::MockEvents;
use super::mock_instant::InstantDriver;
use super::xenstore::Xenstore;
use super::{DeviceModel, EventChannels, IoRange, Xen, XenError};
use crate::addr::{DomId, Gfn, Gpa};

/// A Xen that says yes at once to maps and translations of `frames` frames of any domain: what takes time is ours.
/// Pages read as zeros.
#[must_use]
pub fn instant_xen(frames: u64) -> Xen {
    InstantDriver::xen(frames, false)
}

/// The same with subop 29 of our patches, which marks holes itself.
#[must_use]
pub fn instant_patched_xen(frames: u64) -> Xen {
    InstantDriver::xen(frames, true)
}

/// A xenstore whose daemon sends `replies` whatever it is asked, at most `piece` bytes at a time (at least 1), and then
/// is gone.
#[must_use]
pub fn replayed_xenstore(replies: Vec<u8>, piece: usize) -> Xenstore {
    Xenstore::new(Box::new(Replay { replies, sent: 0, piece: piece.max(1) }), Duration::from_secs(5))
}

#[derive(Debug)]
struct Replay {
    replies: Vec<u8>,
    sent: usize,
    piece: usize,
}

impl StoreDriver for Replay {
    fn send(&mut self, bytes: &[u8]) -> SysResult<usize> {
        Ok(bytes.len().min(self.piece))
    }

    fn wait(&mut self, _timeout: Duration) -> SysResult<bool> {
        Ok(true)
    }

    fn receive(&mut self, bytes: &mut [u8]) -> SysResult<usize> {
        let left = self.replies.get(self.sent..).unwrap_or_default();
        let count = left.len().min(self.piece).min(bytes.len());
        bytes.iter_mut().zip(left).take(count).for_each(|(to, from)| *to = *from);
        self.sent += count;
        Ok(count)
    }
}

/// An HVM domain with [`Self::VCPUS`] vCPUs on a Xen made of mocks. Its memory is a file that is really mapped: a page
/// that is not there kills who touches it.
#[derive(Debug)]
pub struct MockDomain {
    xen: Xen,
    mock: MockDriver,
    events: MockEvents,
}

impl MockDomain {
    /// Its id.
    pub const ID: DomId = DOMID;
    /// How many vCPUs it has.
    pub const VCPUS: u64 = 2;

    /// A domain with memory of `frames` frames, all zeros, without `holes`. Its Xen has subop 29.
    #[must_use]
    pub fn new(frames: u64, holes: &[Gfn]) -> Self {
        let (xen, mock) = MockDriver::xen(frames);
        mock.set(|state| {
            state.mfn_extension = true;
            state.holes.extend(holes.iter().map(|gfn| gfn.get()));
        });
        Self { xen, mock, events: MockEvents::default() }
    }

    /// The Xen that it runs on.
    #[must_use]
    pub fn xen(&self) -> &Xen {
        &self.xen
    }

    /// The event channels that its vCPUs signal.
    #[must_use]
    pub fn event_channels(&self) -> EventChannels {
        EventChannels::new(Box::new(self.events.clone()))
    }

    /// A device model of it. As on Linux, the handle of [`Self::xen`] is then restricted, too.
    ///
    /// # Errors
    /// [`XenError`], never.
    pub fn device_model(&self) -> Result<DeviceModel, XenError> {
        DeviceModel::new(self.xen.clone(), DOMID)
    }

    /// An ioreq server of it. There can be one at a time.
    ///
    /// # Errors
    /// As [`IoreqServer::start`].
    pub fn ioreq_server(&self, ranges: &[IoRange], claim_writes: bool) -> Result<IoreqServer, XenError> {
        for (vcpu, port) in (0..Self::VCPUS).zip(41_u32..) {
            self.mock.poke_ioreq(vcpu * 32 + 24, &port.to_le_bytes());
        }
        IoreqServer::start_on(self.device_model()?, self.event_channels(), ranges, claim_writes)
    }

    /// What the guest stores in its memory.
    ///
    /// # Panics
    /// If the memory's file cannot be written.
    pub fn poke(&self, at: Gpa, bytes: &[u8]) {
        self.mock.poke(0, at.get(), bytes);
    }

    /// What is in its memory, holes too.
    ///
    /// # Panics
    /// If it is not so long.
    #[must_use]
    pub fn peek(&self, at: Gpa, len: usize) -> Vec<u8> {
        self.mock.peek(0, at.get(), len)
    }

    /// What Xen stores in the slot of `vcpu`, in the page that it shares with the ioreq server.
    ///
    /// # Panics
    /// If the page's file cannot be written.
    pub fn set_slot(&self, vcpu: u64, slot: &[u8; 32]) {
        self.mock.poke_ioreq(vcpu * 32, slot);
    }

    /// What is in the slot of `vcpu`.
    ///
    /// # Panics
    /// If the page has no such slot.
    #[must_use]
    pub fn slot(&self, vcpu: u64) -> [u8; 32] {
        let mut slot = [0; 32];
        slot.copy_from_slice(&self.mock.peek_ioreq(vcpu * 32, 32));
        slot
    }

    /// Lets every call to the hypervisor fail with this errno, or none.
    pub fn fail_always(&self, errno: Option<i32>) {
        self.mock.set(|state| state.fail_always = errno);
    }

    /// How many maps of its pages this process has.
    ///
    /// # Panics
    /// Where there is no `/proc`.
    #[must_use]
    pub fn maps(&self) -> usize {
        self.mock.maps()
    }

    /// How many signals each vCPU has had.
    #[must_use]
    pub fn signals(&self) -> Vec<usize> {
        self.events.get(|state| {
            (1041..).take(2).map(|port| state.notified.iter().filter(|sent| **sent == port).count()).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MockDomain, instant_patched_xen, instant_xen, replayed_xenstore};
    use crate::addr::{Gfn, Gpa};
    use crate::memory::GuestMemory;
    use crate::xen::ioreq::Handler;
    use crate::xen::xenstore::{StoreError, wire};
    use crate::xen::{FrameState, IoRange, LiveMemory};

    struct Device;

    impl Handler for Device {
        fn memory_read(&mut self, at: Gpa, _: crate::xen::ioreq::Size) -> u64 {
            at.get()
        }
    }

    #[test]
    fn a_mock_domain_has_memory_and_asks_its_server() {
        let domain = MockDomain::new(4, &[Gfn::new(2)]);
        domain.poke(Gpa::new(0x1ff8), &[7; 8]);
        let memory = LiveMemory::new(domain.xen(), MockDomain::ID).unwrap();
        assert_eq!(memory.read_u64(Gpa::new(0x1ff8)).unwrap(), 0x0707_0707_0707_0707);
        assert!(memory.read_u64(Gpa::new(0x2000)).is_err());
        let bar = IoRange::Memory { first: Gpa::new(0xf000_0000), last: Gpa::new(0xf000_0fff) };
        let mut server = domain.ioreq_server(&[bar], false).unwrap();
        let mut slot = [0; 32];
        slot[..4].copy_from_slice(&0xf000_0010_u32.to_le_bytes());
        (slot[16], slot[20], slot[30], slot[31]) = (1, 1, 1 | 1 << 5, 1);
        domain.set_slot(1, &slot);
        assert_eq!(server.serve(&mut Device, Duration::ZERO).unwrap(), 1);
        assert_eq!((domain.slot(1)[8], domain.slot(1)[30] & 0xf), (0x10, 3));
        assert_eq!(domain.signals(), [0, 1]);
    }

    #[test]
    fn the_instant_xen_and_the_replay_answer_what_they_say() {
        let frames = instant_xen(8).machine_frames(MockDomain::ID, &[Gfn::new(7)]).unwrap();
        assert!(matches!(frames[..], [FrameState::Ram(_)]));
        let patched = instant_patched_xen(8);
        let mut states = frames.clone();
        patched.machine_frames_into(MockDomain::ID, &[Gfn::new(7)], &mut states).unwrap();
        assert_eq!(states, frames);
        // One that asks for the flag, one for the frame; nothing is mapped.
        assert_eq!((patched.crossings().hypercalls, patched.crossings().foreign_maps), (2, 0));
        let mut store = replayed_xenstore(wire::encode(2, 1, &["work"]).unwrap(), 3);
        assert_eq!(store.read("/local/domain/7/name").unwrap().unwrap(), b"work\0");
        assert!(matches!(store.read("/"), Err(StoreError::Closed)));
    }
}
