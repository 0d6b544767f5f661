//! Ioreq servers whose process was killed: Xen keeps them, and lets vCPUs wait for their answers.
#![forbid(unsafe_code)]

use super::server::log_failure;
use super::slot::{SLOTS, Slot};
use crate::addr::DomId;
use crate::root::Root;
use crate::xen::device_model::{DeviceModel, IoRange, Sbdf, ServerId};
use crate::xen::error::{Errno, XenError};
use crate::xen::event_channels::EventChannels;
use crate::xen::foreign::ForeignPages;

/// A server that nobody served any more, and that was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphan {
    /// The id that it had.
    pub id: ServerId,
    /// How many vCPUs waited for it. Their reads gave all ones, as from a device that is gone.
    pub released: u32,
}

/// Destroys what killed processes left of the ioreq servers of `domid` that served the PCI function `function`.
///
/// An id alone does not say whose server it is, and domain ids and server ids are used again: no record of them is
/// safe. So a server must prove two things. It serves `function`, which nobody else's does, above all not that of the
/// domain's QEMU: Xen takes that range from it, or says that it has none. And nobody has bound its vCPUs' ports, which a
/// living process has, and the kernel of a dead one has given up.
///
/// Call it before a new server for `function` is started, and not while another process starts one: until its ports
/// are bound, it looks like an orphan.
///
/// # Errors
/// [`XenError`]; `EBUSY` if a living process serves the function: its server is left as it was.
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
    // Also finds out whether we may ask at all: below, EPERM only says that a server is another domain's.
    let vcpus = usize::try_from(model.vcpus()?).unwrap_or(SLOTS).min(SLOTS);
    let mut orphans = Vec::new();
    for id in ServerId::all() {
        match model.unmap_range(id, IoRange::Pci(function)) {
            Ok(()) => {}
            Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::EPERM)) => continue,
            Err(error) => return Err(error),
        }
        match destroy_orphan(model, events, id, vcpus) {
            Ok(orphan) => orphans.push(orphan),
            Err(error) => {
                let back = model.map_range(id, IoRange::Pci(function));
                log_failure("giving its function back to a server", back);
                return Err(error);
            }
        }
    }
    Ok(orphans)
}

fn destroy_orphan(
    model: &DeviceModel,
    events: &EventChannels,
    id: ServerId,
    vcpus: usize,
) -> Result<Orphan, XenError> {
    let domid = model.domid();
    let page = ForeignPages::map_ioreq_server(model.xen(), domid, id)?;
    let fail = || XenError::of_domain("reading the ioreq page", domid);
    let slots: Vec<_> = (0..vcpus).filter_map(|vcpu| Slot::new(page.mapping(), vcpu)).collect();
    let mut bound = Vec::new();
    let result = (|| {
        for slot in &slots {
            let remote = slot.port().map_err(fail())?;
            // A server that was never enabled has no ports, and nobody waits for it.
            if remote != 0 {
                let port = events.bind_interdomain(domid, remote).map_err(|error| match error.errno() {
                    // Xen offers a port to one at a time.
                    Some(libc::EINVAL) => {
                        XenError::of_domain("taking over an ioreq server", domid)(Errno(libc::EBUSY))
                    }
                    _ => error,
                })?;
                bound.push((*slot, port));
            }
        }
        // Disabled first, so that no vCPU begins to wait after it was looked at.
        model.set_state(id, false)?;
        let mut released = 0;
        for (slot, port) in &bound {
            if slot.release().map_err(fail())? {
                events.notify(*port)?;
                released += 1;
            }
        }
        model.destroy_ioreq_server(id)?;
        Ok(Orphan { id, released })
    })();
    for (_, port) in bound {
        log_failure("unbinding a vCPU's port", events.unbind(port));
    }
    result
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Orphan, destroy_orphans_on};
    use crate::xen::mock::{DOMID, MockDriver};
    use crate::xen::mock_events::MockEvents;
    use crate::xen::{DeviceModel, Sbdf, ServerId, XenError};

    const FUNCTION: Sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };
    /// Ranges as Xen counts them: type, first, last.
    const OURS: [u64; 3] = [2, 0x10, 0x10];
    const BAR: [u64; 3] = [1, 0xf000_0000, 0xf000_0fff];
    const QEMUS: [u64; 3] = [2, 0x18, 0x18];

    fn left_behind(slots: &[(u8, u8)]) -> (DeviceModel, super::EventChannels, MockDriver, MockEvents) {
        let (xen, mock) = MockDriver::xen(4);
        let (events, mock_events) = MockEvents::channels();
        let servers = BTreeMap::from([(0, BTreeSet::from([QEMUS])), (3, BTreeSet::from([OURS, BAR]))]);
        mock.set(|state| state.servers = Some(servers));
        for (vcpu, (bits, size)) in (0..).zip(slots) {
            mock.poke_ioreq(vcpu * 32 + 20, &[*size, 0, 0, 0]);
            mock.poke_ioreq(vcpu * 32 + 24, &(u32::try_from(vcpu).unwrap() + 41).to_le_bytes());
            mock.poke_ioreq(vcpu * 32 + 30, &[*bits]);
        }
        (DeviceModel::new(xen, DOMID).unwrap(), events, mock, mock_events)
    }

    fn slot(mock: &MockDriver, vcpu: u64) -> (u8, u64) {
        let slot = mock.peek_ioreq(vcpu * 32, 32);
        (slot[30], u64::from_le_bytes(slot[8..16].try_into().unwrap()))
    }

    #[test]
    fn the_server_of_the_function_is_destroyed_and_qemus_is_not() {
        let (model, events, mock, _) = left_behind(&[(0, 0), (0, 0)]);
        let orphans = destroy_orphans_on(&model, &events, FUNCTION).unwrap();
        assert_eq!(orphans, [Orphan { id: ServerId::from_raw(3).unwrap(), released: 0 }]);
        let left = mock.get(|state| state.servers.clone()).unwrap();
        assert_eq!(left, BTreeMap::from([(0, BTreeSet::from([QEMUS]))]));
        assert_eq!(destroy_orphans_on(&model, &events, FUNCTION).unwrap(), [], "there is no more of them");
    }

    #[test]
    fn vcpus_that_wait_are_answered_with_ones() {
        // A read that waits, a write that the dead process had taken.
        let (model, events, mock, mock_events) = left_behind(&[(1 | 1 << 5, 2), (2, 4)]);
        let orphans = destroy_orphans_on(&model, &events, FUNCTION).unwrap();
        assert_eq!(orphans[0].released, 2);
        assert_eq!((slot(&mock, 0), slot(&mock, 1)), ((3 | 1 << 5, 0xffff), (3, 0)));
        assert_eq!(mock_events.get(|state| state.notified.clone()), [1041, 1042]);
        assert!(mock_events.get(|state| state.bound.is_empty()));
        assert_eq!(mock.maps(), 0);
    }

    #[test]
    fn a_server_that_lives_is_busy_and_keeps_all_it_has() {
        let (model, events, mock, mock_events) = left_behind(&[(1 | 1 << 5, 2), (0, 0)]);
        // Its process has bound the second port.
        mock_events.set(|state| state.fail_bind = Some((42, libc::EINVAL)));
        let before = mock.get(|state| state.servers.clone());
        let error = destroy_orphans_on(&model, &events, FUNCTION).unwrap_err();
        assert_eq!(error.errno(), Some(libc::EBUSY), "{error}");
        assert_eq!((mock.get(|state| state.servers.clone()), slot(&mock, 0).0), (before, 1 | 1 << 5));
        assert!(mock_events.get(|state| state.bound.is_empty() && state.notified.is_empty()));
    }

    #[test]
    fn whatever_fails_midway_the_server_can_be_found_again() {
        for failing in 0.. {
            let (model, events, mock, mock_events) = left_behind(&[(1, 1), (0, 0)]);
            mock.set(|state| state.fail_nth = Some((failing, libc::ENOMEM)));
            let result = destroy_orphans_on(&model, &events, FUNCTION);
            assert_eq!((mock.maps(), mock_events.get(|state| state.bound.len())), (0, 0));
            mock.set(|state| state.fail_nth = None);
            let left = mock.get(|state| state.servers.clone()).unwrap();
            assert!(left.contains_key(&0));
            match result {
                Err(error) => {
                    assert_eq!(error.errno(), Some(libc::ENOMEM));
                    let found = destroy_orphans_on(&model, &events, FUNCTION).unwrap();
                    // Ids after it are looked at, too: then it was destroyed before the failure.
                    assert_eq!(found.is_empty(), !left.contains_key(&3), "call {failing}");
                }
                Ok(orphans) => {
                    assert_eq!((orphans.len(), failing > 8), (1, true));
                    break;
                }
            }
        }
    }

    #[test]
    fn without_the_right_or_the_domain_it_fails() {
        let (model, events, mock, _) = left_behind(&[]);
        mock.set(|state| state.fail_always = Some(libc::EPERM));
        assert_eq!(destroy_orphans_on(&model, &events, FUNCTION).unwrap_err().errno(), Some(libc::EPERM));
        mock.set(|state| (state.fail_always, state.dead) = (None, true));
        let gone = destroy_orphans_on(&model, &events, FUNCTION).unwrap_err();
        assert!(matches!(gone, XenError::NoDomain { .. }), "{gone}");
    }
}
