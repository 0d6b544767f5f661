use std::time::Duration;

use super::IoreqServer;
use crate::addr::{Gfn, Gpa};
use crate::xen::ioreq::{Handler, RawRequest, Size};
use crate::xen::mock::{DOMID, MockDriver};
use crate::xen::mock_events::MockEvents;
use crate::xen::xenstore::mock::MockStore;
use crate::xen::xenstore::{Lifetime, Xenstore};
use crate::xen::{DeviceModel, IoRange, Sbdf, XenError};

const SBDF: Sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };
const BAR: IoRange = IoRange::Memory { first: Gpa::new(0xf000_0000), last: Gpa::new(0xf000_0fff) };

struct Device;

impl Handler for Device {
    fn config_read(&mut self, _: Sbdf, _: u16, _: Size) -> u64 {
        0x1912_8086
    }
    fn memory_read(&mut self, at: Gpa, _: Size) -> u64 {
        assert_ne!(at, Gpa::new(0xf000_0bad), "a bug of the device");
        at.get() & 0xfff
    }
}

struct Lab {
    server: IoreqServer,
    xen: MockDriver,
    events: MockEvents,
}

fn start(claim: bool) -> Result<Lab, XenError> {
    lab(claim, |_, _| {})
}

fn lab(claim: bool, prepare: impl FnOnce(&MockDriver, &MockEvents)) -> Result<Lab, XenError> {
    let (xen, mock) = MockDriver::xen(64);
    let (events, mock_events) = MockEvents::channels();
    // Xen says which ports it offers.
    mock.poke_ioreq(24, &41_u32.to_le_bytes());
    mock.poke_ioreq(32 + 24, &42_u32.to_le_bytes());
    prepare(&mock, &mock_events);
    let model = DeviceModel::new(xen, DOMID)?;
    let server = IoreqServer::start_on(model, events, &[IoRange::Pci(SBDF), BAR], claim)?;
    Ok(Lab { server, xen: mock, events: mock_events })
}

impl Lab {
    /// What Xen writes for `vcpu`.
    fn request(&self, vcpu: u64, raw: &RawRequest) {
        let bits =
            1 | u8::from(raw.data_is_pointer) << 4 | u8::from(raw.read) << 5 | u8::from(raw.backwards) << 6;
        let slot = [
            &raw.addr.to_le_bytes()[..],
            &raw.data.to_le_bytes(),
            &raw.count.to_le_bytes(),
            &raw.size.to_le_bytes(),
        ]
        .concat();
        self.xen.poke_ioreq(vcpu * 32, &slot);
        self.xen.poke_ioreq(vcpu * 32 + 30, &[bits, raw.kind]);
        self.events.signal(1041 + u32::try_from(vcpu).unwrap());
    }

    /// The slot's state and data.
    fn answer(&self, vcpu: u64) -> (u8, u64) {
        let slot = self.xen.peek_ioreq(vcpu * 32, 32);
        (slot[30] & 0xf, u64::from_le_bytes(slot[8..16].try_into().unwrap()))
    }

    fn serve(&mut self) -> u64 {
        self.server.serve(&mut Device, Duration::ZERO).unwrap()
    }
}

fn read() -> RawRequest {
    RawRequest { kind: 1, addr: 0xf000_0123, count: 1, size: 4, read: true, data: 7, ..RawRequest::default() }
}

#[test]
fn requests_of_all_vcpus_are_answered_and_signalled() {
    let mut lab = start(false).unwrap();
    assert_eq!(lab.serve(), 0);
    lab.request(0, &RawRequest { kind: 2, addr: 0x10 << 32, ..read() });
    lab.request(1, &read());
    assert_eq!(lab.serve(), 2);
    assert_eq!((lab.answer(0), lab.answer(1)), ((3, 0x1912_8086), (3, 0x123)));
    assert_eq!(lab.events.get(|state| state.notified.clone()), [1041, 1042]);
    assert_eq!(lab.serve(), 0, "answered once");
}

#[test]
fn a_request_whose_signal_was_lost_is_still_answered() {
    let mut lab = start(false).unwrap();
    lab.request(1, &read());
    lab.events.set(|state| state.pending.clear());
    assert_eq!(lab.serve(), 1);
    assert_eq!(lab.answer(1), (3, 0x123));
}

#[test]
fn nonsense_is_answered_with_ones_and_counted() {
    let mut lab = start(false).unwrap();
    for (raw, value) in [
        (RawRequest { kind: 99, ..read() }, 0xffff_ffff),
        (RawRequest { size: 3, ..read() }, u64::MAX),
        (RawRequest { count: u32::MAX, size: 1, ..read() }, 0xff),
        (RawRequest { addr: u64::MAX, ..read() }, 0xffff_ffff),
        (RawRequest { addr: 0xdead_0000, size: 8, ..read() }, u64::MAX),
        (RawRequest { kind: 99, read: false, ..read() }, 7),
        (RawRequest { count: 9999, data_is_pointer: true, ..read() }, 7),
    ] {
        lab.request(0, &raw);
        assert_eq!(lab.serve(), 1);
        assert_eq!(lab.answer(0), (3, value), "{raw:?}");
    }
    let stats = lab.server.stats();
    assert_eq!((stats.answered, stats.invalid, stats.lost), (7, 6, 1));
}

#[test]
fn a_handler_that_panics_leaves_no_vcpu_waiting() {
    let mut lab = start(false).unwrap();
    lab.request(0, &RawRequest { addr: 0xf000_0bad, ..read() });
    let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lab.serve()));
    assert!(served.is_err());
    assert_eq!(lab.answer(0), (3, 0xffff_ffff));
    assert_eq!(lab.events.get(|state| state.notified.clone()), [1041]);
}

#[test]
fn rep_movs_reads_and_writes_the_guests_memory() {
    let mut lab = start(false).unwrap();
    let movs = RawRequest { count: 4, data_is_pointer: true, data: 0x5ffc, addr: 0xf000_0100, ..read() };
    lab.request(0, &movs);
    lab.serve();
    assert_eq!(lab.answer(0), (3, 0x5ffc), "a pointer is left alone");
    assert_eq!(lab.xen.peek(5, 4092, 4), [0, 1, 0, 0]);
    assert_eq!(lab.xen.peek(6, 0, 8), [4, 1, 0, 0, 8, 1, 0, 0]);
    lab.request(0, &RawRequest { data: 63 << 12 | 0xff8, ..movs });
    lab.serve();
    assert_eq!(lab.server.stats().lost, 2, "beyond the guest's memory");
    lab.request(0, &RawRequest { kind: 8, ..movs });
    let maps = lab.xen.maps();
    lab.serve();
    assert!(lab.xen.maps() < maps, "INVALIDATE drops what was mapped");
}

#[test]
fn tracked_frames_are_claimed_and_written_through() {
    let mut lab = start(true).unwrap();
    lab.server.track(Gfn::new(9)).unwrap();
    lab.request(0, &RawRequest { addr: 0x9010, size: 8, read: false, data: 0x1122_3344_5566_7788, ..read() });
    assert_eq!(lab.serve(), 1);
    assert_eq!(lab.xen.peek(9, 0x10, 8), 0x1122_3344_5566_7788_u64.to_le_bytes());
    lab.request(1, &RawRequest { addr: 0x9018, size: 1, read: false, data: 5, ..read() });
    lab.server.untrack(Gfn::new(9)).unwrap();
    lab.serve();
    assert_eq!((lab.xen.peek(9, 0x18, 1), lab.answer(1).0), (vec![5], 3), "a write under way is not lost");
    lab.request(1, &RawRequest { addr: 0x9018, size: 1, read: false, data: 6, ..read() });
    lab.serve();
    assert_eq!((lab.xen.peek(9, 0x18, 1), lab.server.stats().lost), (vec![5], 1), "it is tracked no longer");
    lab.xen.set(|state| state.fail_always = Some(libc::EINVAL));
    assert!(lab.server.track(Gfn::new(8)).is_err());
}

#[test]
fn the_order_is_xens_up_and_down() {
    let lab = start(true).unwrap();
    let (xen, events) = (lab.xen.clone(), lab.events.clone());
    let maps = xen.maps();
    drop(lab);
    let ops: Vec<_> = xen.get(|state| state.dm_ops.iter().map(|(op, _)| *op).collect());
    // nr_vcpus, create, two ranges, claim, enable; then give up the claim, disable, destroy
    assert_eq!(ops, [20, 1, 3, 3, 15, 5, 15, 5, 6]);
    assert!(events.get(|state| state.bound.is_empty()));
    assert!(xen.maps() < maps && xen.maps() == 0);
}

#[test]
fn requests_that_wait_at_the_end_are_answered() {
    let mut lab = start(true).unwrap();
    lab.server.track(Gfn::new(9)).unwrap();
    lab.request(0, &read());
    lab.request(1, &RawRequest { addr: 0x9010, size: 1, read: false, data: 5, ..read() });
    let (xen, events) = (lab.xen.clone(), lab.events.clone());
    drop(lab);
    assert_eq!(xen.peek_ioreq(8, 8), 0xffff_ffff_u64.to_le_bytes(), "as if nobody was there");
    assert_eq!((xen.peek_ioreq(30, 1)[0] & 0xf, xen.peek_ioreq(62, 1)[0] & 0xf), (3, 3));
    assert_eq!(xen.peek(9, 0x10, 1), [5], "a write to RAM is not lost");
    assert_eq!(events.get(|state| state.notified.clone()), [1041, 1042]);
}

#[test]
fn a_tracked_write_that_comes_until_the_last_moment_is_stored_and_answered() {
    // While the claim is given up, and while the server is disabled: after either, none can come.
    for last_moment in [15, 5] {
        let mut lab = start(true).unwrap();
        lab.server.track(Gfn::new(9)).unwrap();
        lab.request(1, &RawRequest { addr: 0x9010, size: 2, read: false, data: 0x1234, ..read() });
        let ready = lab.xen.peek_ioreq(32, 32);
        lab.xen.poke_ioreq(32 + 30, &[0]);
        lab.xen.set(|state| state.arrives = Some((last_moment, 32, ready)));
        let (xen, events) = (lab.xen.clone(), lab.events.clone());
        drop(lab);
        assert_eq!(xen.get(|state| state.arrives.clone()), None, "it came");
        assert_eq!((xen.peek(9, 0x10, 2), xen.peek_ioreq(62, 1)[0] & 0xf), (vec![0x34, 0x12], 3));
        assert_eq!(events.get(|state| state.notified.clone()), [1042]);
    }
}

#[test]
fn a_start_that_fails_leaves_nothing() {
    // The calls of a start: restrict, vcpus, create, two for the page, two ranges, claim, enable.
    for failing in 0..9 {
        let (mut mocks, errno) = (None, libc::ENOSPC);
        let result = lab(true, |xen, events| {
            mocks = Some((xen.clone(), events.clone()));
            xen.set(|state| state.fail_nth = Some((failing, errno)));
        });
        let (xen, events) = mocks.unwrap();
        assert_eq!(result.err().unwrap().errno(), Some(errno));
        let count = |op| xen.get(|state| state.dm_ops.iter().filter(|(done, _)| *done == op).count());
        assert_eq!(count(1), count(6), "made and destroyed, call {failing} failing");
        assert_eq!((xen.maps(), events.get(|state| state.bound.len())), (0, 0));
    }
    let mut mocks = None;
    let failed = lab(true, |xen, events| {
        mocks = Some((xen.clone(), events.clone()));
        events.set(|state| state.fail_bind = Some((42, libc::EINVAL)));
    });
    assert!(failed.is_err());
    let (xen, events) = mocks.unwrap();
    assert_eq!((xen.maps(), events.get(|state| state.bound.len())), (0, 0));
}

#[test]
fn a_domain_that_dies_ends_quietly() {
    let mut lab = start(true).unwrap();
    lab.xen.set(|state| state.dead = true);
    assert!(matches!(lab.server.track(Gfn::new(1)), Err(XenError::NoDomain { .. })));
    lab.request(0, &RawRequest { count: 2, data_is_pointer: true, data: 0x5000, ..read() });
    assert_eq!(lab.serve(), 1, "it is answered, though nobody waits");
    let xen = lab.xen.clone();
    drop(lab);
    assert_eq!(xen.maps(), 0);
}

/// Moves its BAR where the guest writes it.
struct Movable(Option<Gpa>);

impl Handler for Movable {
    fn config_write(&mut self, _: Sbdf, _: u16, _: Size, value: u64) {
        self.0 = Some(Gpa::new(value));
    }
    fn memory_read(&mut self, _: Gpa, _: Size) -> u64 {
        5
    }
    fn moved(&mut self) -> Option<Vec<IoRange>> {
        let first = self.0.take()?;
        Some(vec![IoRange::Pci(SBDF), IoRange::Memory { first, last: first.checked_add(0xfff)? }])
    }
}

#[test]
fn a_bar_that_moves_is_served_where_it_is_before_the_guest_goes_on() {
    let mut lab = start(false).unwrap();
    let mut device = Movable(None);
    let mut serve = |lab: &mut Lab, raw| {
        lab.request(0, &raw);
        let done = lab.server.serve(&mut device, Duration::ZERO);
        (done, lab.answer(0))
    };
    let write = RawRequest { kind: 2, addr: 0x10 << 32 | 0x10, read: false, ..read() };
    let before = lab.xen.get(|state| state.dm_ops.len());
    serve(&mut lab, RawRequest { data: 0xe000_0000, ..write }).0.unwrap();
    let ops: Vec<_> = lab.xen.get(|state| state.dm_ops.iter().skip(before).map(|(op, _)| *op).collect());
    assert_eq!(ops, [4, 3], "the old range goes, then the new one comes; the function's stays");
    assert_eq!(serve(&mut lab, RawRequest { addr: 0xe000_0008, ..read() }).1, (3, 5));
    assert_eq!(serve(&mut lab, read()).1, (3, 0xffff_ffff), "nothing is left at the old place");

    lab.xen.set(|state| state.fail_next = vec![libc::ENOSPC, libc::ENOSPC]);
    let (done, answer) = serve(&mut lab, RawRequest { data: 0xd000_0000, ..write });
    assert_eq!(
        (done.unwrap_err().errno(), answer.0),
        (Some(libc::ENOSPC), 3),
        "told, and answered all the same"
    );
    assert_eq!(serve(&mut lab, RawRequest { addr: 0xd000_0008, ..read() }).1.1, 0xffff_ffff);
    serve(&mut lab, RawRequest { data: 0xd000_0000, ..write }).0.unwrap();
    assert_eq!(serve(&mut lab, RawRequest { addr: 0xd000_0008, ..read() }).1, (3, 5), "asked for once more");
}

#[test]
fn the_end_of_the_domain_ends_serving_after_the_last_request() {
    let mut lab = start(false).unwrap();
    let store = MockStore::new(&[("7", "T")]);
    let client = Xenstore::new(Box::new(store.clone()), Duration::from_millis(50));
    lab.server.lifetime = Some(Lifetime::new(client, DOMID).unwrap());
    assert_eq!(lab.serve(), 0);
    store.introduce("7", "F");
    store.event("@releaseDomain\0end\0");
    lab.request(0, &read());
    assert_eq!(lab.serve(), 1);
    let error = lab.server.serve(&mut Device, Duration::ZERO).unwrap_err();
    assert!(matches!(error, XenError::NoDomain { .. }), "{error}");
}

#[test]
fn a_xenstore_that_dies_leaves_the_server_at_work() {
    let mut lab = start(false).unwrap();
    let store = MockStore::new(&[("7", "T")]);
    let client = Xenstore::new(Box::new(store.clone()), Duration::from_millis(50));
    lab.server.lifetime = Some(Lifetime::new(client, DOMID).unwrap());
    store.set(|state| state.closed = true);
    assert_eq!(lab.serve(), 0);
    lab.request(0, &read());
    assert_eq!((lab.serve(), lab.answer(0)), (1, (3, 0x123)));
}
