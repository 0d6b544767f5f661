use std::collections::{BTreeMap, BTreeSet};

use super::{Orphan, destroy_orphans_on};
use crate::xen::ioreq::RawRequest;
use crate::xen::mock::{DOMID, MockDriver};
use crate::xen::mock_events::MockEvents;
use crate::xen::{DeviceModel, EventChannels, Sbdf, ServerId, XenError};

const FUNCTION: Sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };
/// Ranges as Xen counts them: type, first, last.
const OURS: [u64; 3] = [2, 0x10, 0x10];
const BAR: [u64; 3] = [1, 0xf000_0000, 0xf000_0fff];
const QEMUS: [u64; 3] = [2, 0x18, 0x18];
/// The port of QEMU's server, which has one vCPU enabled.
const QEMUS_PORT: u32 = 31;
const READY: u8 = 1;
const IN_PROCESS: u8 = 2;
const READ: u8 = 1 << 5;
const POINTER: u8 = 1 << 4;

struct Lab {
    model: DeviceModel,
    events: EventChannels,
    xen: MockDriver,
    ports: MockEvents,
}

/// QEMU lives and has server 0; the process of server 3 was killed.
fn left_behind(slots: &[(u8, RawRequest)]) -> Lab {
    let (xen, mock) = MockDriver::xen(4);
    let (events, ports) = MockEvents::channels();
    let servers = BTreeMap::from([(0, BTreeSet::from([QEMUS])), (3, BTreeSet::from([OURS, BAR]))]);
    mock.set(|state| state.servers = Some(servers));
    mock.poke_ioreq_of(0, 24, &QEMUS_PORT.to_le_bytes());
    mock.poke_ioreq_of(0, 30, &[READY]);
    ports.set(|state| state.fail_bind = Some((QEMUS_PORT, libc::EINVAL)));
    for (vcpu, (bits, raw)) in (0..).zip(slots) {
        mock.poke_ioreq(vcpu * 32, &bytes(u32::try_from(vcpu).unwrap() + 41, *bits, raw));
    }
    Lab { model: DeviceModel::new(xen, DOMID).unwrap(), events, xen: mock, ports }
}

/// A slot as Xen writes it.
fn bytes(port: u32, bits: u8, raw: &RawRequest) -> Vec<u8> {
    let mut bytes = [raw.addr.to_le_bytes(), raw.data.to_le_bytes()].concat();
    bytes.extend([raw.count.to_le_bytes(), raw.size.to_le_bytes(), port.to_le_bytes(), [0; 4]].concat());
    bytes[30..].copy_from_slice(&[bits, raw.kind]);
    bytes
}

/// An access to memory.
fn copy(addr: u64, size: u32, data: u64) -> RawRequest {
    RawRequest { kind: 1, addr, size, data, count: 1, ..RawRequest::default() }
}

impl Lab {
    fn destroy(&self) -> Result<Vec<Orphan>, XenError> {
        destroy_orphans_on(&self.model, &self.events, FUNCTION)
    }

    fn servers(&self) -> BTreeMap<u16, BTreeSet<[u64; 3]>> {
        self.xen.get(|state| state.servers.clone()).unwrap()
    }

    /// The calls, and for which server those are that name one.
    fn ops(&self) -> Vec<(u32, u64)> {
        self.xen.get(|state| state.dm_ops.iter().map(|(op, words)| (*op, words[0] & 0xffff)).collect())
    }

    /// Bits and data.
    fn slot(&self, vcpu: u64) -> (u8, u64) {
        let slot = self.xen.peek_ioreq(vcpu * 32, 32);
        (slot[30], u64::from_le_bytes(slot[8..16].try_into().unwrap()))
    }

    fn is_left_clean(&self) -> bool {
        self.xen.maps() == 0 && self.ports.get(|state| state.bound.is_empty())
    }
}

#[test]
fn the_server_of_the_function_is_destroyed_and_qemus_is_not() {
    let lab = left_behind(&[(0, RawRequest::default()), (0, RawRequest::default())]);
    assert_eq!(lab.destroy().unwrap(), [Orphan { id: ServerId::from_raw(3).unwrap(), released: 0 }]);
    assert_eq!(lab.servers(), BTreeMap::from([(0, BTreeSet::from([QEMUS]))]));
    // nr_vcpus; then unmap, give up the claim (there is none), disable, destroy, all of server 3
    assert_eq!(lab.ops(), [(20, 0), (4, 3), (15, 3), (5, 3), (6, 3)]);
    assert_eq!(lab.destroy().unwrap(), [], "there is no more of them");
    assert!(lab.is_left_clean());
}

#[test]
fn vcpus_that_wait_are_answered_with_ones() {
    // A read that waits, a write that the dead process had taken; neither makes sense, which is no excuse.
    let raw = |size| RawRequest { size, ..RawRequest::default() };
    let lab = left_behind(&[(READY | READ, raw(2)), (IN_PROCESS, raw(4))]);
    assert_eq!(lab.destroy().unwrap()[0].released, 2);
    assert_eq!((lab.slot(0), lab.slot(1)), ((3 | READ, 0xffff), (3, 0)));
    assert_eq!(lab.ports.get(|state| state.notified.clone()), [1041, 1042]);
    assert!(lab.is_left_clean());
}

#[test]
fn reads_of_the_dead_device_give_ones_in_registers_and_in_memory() {
    let many = RawRequest { count: 2, ..copy(0xf000_0100, 4, 0x1010) };
    let lab = left_behind(&[(READY | READ, copy(0xf000_0100, 4, 7)), (READY | READ | POINTER, many)]);
    lab.xen.poke(1, 0x10, &[7; 12]);
    assert_eq!(lab.destroy().unwrap()[0].released, 2);
    assert_eq!((lab.slot(0).1, lab.slot(1).1), (0xffff_ffff, 0x1010), "a pointer is left alone");
    assert_eq!(lab.xen.peek(1, 0x10, 12), [&[0xff; 8][..], &[7; 4]].concat());
}

#[test]
fn stores_to_ram_are_carried_out_and_others_only_answered() {
    let many = RawRequest { count: 2, ..copy(0x2800, 2, 0x1000) };
    let lab = left_behind(&[(READY, copy(0x2010, 4, 0x1122_3344)), (IN_PROCESS | POINTER, many)]);
    lab.xen.poke(1, 0, &[1, 2, 3, 4, 5]);
    lab.xen.set(|state| state.claimant = Some(3));
    assert_eq!(lab.destroy().unwrap()[0].released, 2);
    assert_eq!(lab.xen.peek(2, 0x10, 5), [0x44, 0x33, 0x22, 0x11, 0]);
    assert_eq!(lab.xen.peek(2, 0x800, 5), [1, 2, 3, 4, 0]);
    assert_eq!((lab.slot(0).0, lab.slot(1).0), (3, 3 | POINTER));
    assert_eq!(lab.xen.get(|state| state.claimant), None);

    let port = RawRequest { kind: 0, ..copy(0x10, 4, 9) };
    let lab = left_behind(&[(READY, copy(0xf000_0010, 4, 9)), (READY, port)]);
    assert_eq!(lab.destroy().unwrap()[0].released, 2);
    assert!((0..4).all(|gfn| lab.xen.peek(gfn, 0, 4096).iter().all(|byte| *byte == 0)));
    assert_eq!((lab.slot(0).0, lab.slot(1).0), (3, 3));
}

#[test]
fn a_store_that_comes_until_the_server_is_disabled_is_not_lost() {
    for last_moment in [15, 5] {
        let lab = left_behind(&[(0, RawRequest::default())]);
        let store = bytes(41, READY, &copy(0x3ff8, 8, 0x0807_0605_0403_0201));
        lab.xen.set(|state| {
            state.claimant = Some(3);
            state.arrives = Some((last_moment, 0, store));
        });
        assert_eq!(lab.destroy().unwrap()[0].released, 1);
        assert_eq!(lab.xen.peek(3, 0xff8, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

#[test]
fn of_servers_that_live_nothing_is_taken_and_nothing_told() {
    let lab = left_behind(&[(READY | READ, copy(0xf000_0000, 4, 7)), (0, RawRequest::default())]);
    // Its process has bound the second port; and nobody has QEMU's, which still has another function.
    lab.ports.set(|state| state.fail_bind = Some((42, libc::EINVAL)));
    let before = lab.servers();
    assert_eq!(lab.destroy().unwrap(), []);
    assert_eq!((lab.servers(), lab.slot(0)), (before, (READY | READ, 7)));
    assert_eq!(lab.ops(), [(20, 0), (4, 0)], "QEMU's was asked for our function, which it has not");
    assert!(lab.is_left_clean() && lab.ports.get(|state| state.notified.is_empty()));
}

#[test]
fn a_port_that_cannot_be_tried_is_an_error_before_anything_is_taken() {
    let lab = left_behind(&[(READY, RawRequest::default())]);
    lab.ports.set(|state| state.fail_bind = Some((41, libc::ENOSPC)));
    let before = lab.servers();
    assert_eq!(lab.destroy().unwrap_err().errno(), Some(libc::ENOSPC));
    assert_eq!((lab.servers(), lab.slot(0).0, lab.is_left_clean()), (before, READY, true));
}

#[test]
fn whatever_fails_midway_the_server_can_be_found_again() {
    for failing in 0.. {
        let lab = left_behind(&[(READY, RawRequest::default()), (0, RawRequest::default())]);
        lab.xen.set(|state| state.fail_nth = Some((failing, libc::ENOMEM)));
        let result = lab.destroy();
        assert!(lab.is_left_clean());
        lab.xen.set(|state| state.fail_nth = None);
        let left = lab.servers();
        assert!(left.contains_key(&0));
        match result {
            Err(error) => {
                assert_eq!(error.errno(), Some(libc::ENOMEM));
                let found = lab.destroy().unwrap();
                // Ids after it are looked at, too: then it was destroyed before the failure.
                assert_eq!(found.is_empty(), !left.contains_key(&3), "call {failing}");
            }
            Ok(orphans) => {
                // nr_vcpus, two for the page of each id, and unmap, claim, disable, destroy
                assert_eq!((orphans.len(), failing), (1, 1 + 2 * 8 + 4));
                break;
            }
        }
    }
}

#[test]
fn a_function_that_cannot_be_given_back_is_the_error() {
    for (refused, told) in [
        (vec![(6, libc::EIO)], libc::EIO),
        (vec![(15, libc::EIO)], libc::EIO),
        (vec![(6, libc::EIO), (3, libc::ENOSPC)], libc::ENOSPC),
    ] {
        let lab = left_behind(&[]);
        let given_back = refused.len() == 1;
        lab.xen.set(|state| state.refused_ops = refused);
        assert_eq!(lab.destroy().unwrap_err().errno(), Some(told));
        assert_eq!(lab.servers()[&3].contains(&OURS), given_back);
    }
}

#[test]
fn without_the_right_or_the_domain_it_fails() {
    let lab = left_behind(&[]);
    lab.xen.set(|state| state.fail_always = Some(libc::EPERM));
    assert_eq!(lab.destroy().unwrap_err().errno(), Some(libc::EPERM));
    lab.xen.set(|state| (state.fail_always, state.dead) = (None, true));
    let gone = lab.destroy().unwrap_err();
    assert!(matches!(gone, XenError::NoDomain { .. }), "{gone}");
}
