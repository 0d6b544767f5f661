//! What a host, a kernel, a Xen and a domain can do to us, call by call.

use std::time::Duration;

use super::ioreq::{Handler, IoreqServer};
use super::mock::{DOMID, MockDriver};
use super::retry::ATTEMPTS;
use super::testing::MockDomain;
use super::xenstore::Xenstore;
use super::{
    Access, DeviceModel, EventChannels, ForeignPages, IoRange, LiveMemory, LocalPort, Sbdf, Xen, XenError,
};
use crate::addr::{DomId, Gfn, Gpa};
use crate::error::{Diagnose, ErrorKind};
use crate::memory::{GuestMemory, MemoryErrorReason};
use crate::root::Root;

const SBDF: Sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };
const RANGES: [IoRange; 1] = [IoRange::Pci(SBDF)];

/// A call, and whether its errors name the domain.
type Call = (&'static str, fn(&Xen) -> Result<(), XenError>);

/// All calls of a handle on Xen that is not a device model's.
const CALLS: [Call; 8] = [
    ("xen_version", |xen| xen.version().map(drop)),
    ("xen_version", |xen| xen.capabilities().map(drop)),
    ("xen_version", |xen| xen.command_line().map(drop)),
    ("domain 7", |xen| xen.maximum_gpfn(DOMID).map(drop)),
    ("domain 7", |xen| xen.ioreq_server_frames(DOMID, super::ServerId::all().next().unwrap()).map(drop)),
    ("domain 7", |xen| xen.machine_frames(DOMID, &gfns(16)).map(drop)),
    ("domain 7", |xen| ForeignPages::map(xen, DOMID, Access::Read, &gfns(16)).map(drop)),
    ("domain 7", |xen| LiveMemory::new(xen, DOMID).map(drop)),
];

fn gfns(count: u64) -> Vec<Gfn> {
    (0..count).map(Gfn::new).collect()
}

fn domain() -> (Xen, MockDriver) {
    let (xen, mock) = MockDriver::xen(64);
    mock.set(|state| state.mfn_extension = true);
    // What Xen says of its subop 29 is asked once, and some errnos are answers to that.
    xen.machine_frames(DOMID, &[]).unwrap();
    (xen, mock)
}

fn check(error: &XenError, errno: i32, operand: &str) {
    assert_eq!(error.errno(), Some(errno), "{error}");
    assert!(error.to_string().contains(operand), "{error} does not name {operand}");
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
    if [libc::EPERM, libc::EACCES].contains(&errno) {
        assert_eq!(error.kind(), ErrorKind::Permission);
        assert!(error.hint().unwrap().contains("root in dom0"));
    }
}

#[test]
fn a_host_without_xen_is_named_with_its_fix() {
    let dir = tempfile::tempdir().unwrap();
    let root = Root::at(dir.path());
    for (device, error) in [
        ("privcmd", Xen::open(&root).unwrap_err()),
        ("privcmd", DeviceModel::open(&root, DOMID).unwrap_err()),
        ("evtchn", EventChannels::open(&root).unwrap_err()),
        ("evtchn", IoreqServer::start(&root, DOMID, &RANGES, false).unwrap_err()),
        ("evtchn", super::ioreq::destroy_orphans(&root, DOMID, SBDF).unwrap_err()),
    ] {
        assert!(
            matches!(&error, XenError::Open { path, .. } if *path == dir.path().join("dev/xen").join(device)),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.hint().unwrap().contains("dom0"));
    }
    let error = Xenstore::open(&root).unwrap_err();
    assert!(
        error.to_string().contains("dev/xen/xenbus") && error.hint().unwrap().contains("dom0"),
        "{error}"
    );
}

#[test]
fn who_is_not_root_is_told_so() {
    for errno in [libc::EACCES, libc::EPERM] {
        let source = std::io::Error::from_raw_os_error(errno);
        check(&XenError::Open { path: "/dev/xen/privcmd".into(), source }, errno, "/dev/xen/privcmd");
    }
}

#[test]
fn a_file_in_the_devices_place_fails_as_the_call_does() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("dev/xen")).unwrap();
    std::fs::write(dir.path().join("dev/xen/privcmd"), "").unwrap();
    let error = Xen::open(&Root::at(dir.path())).unwrap().version().unwrap_err();
    assert_eq!(error.errno(), Some(libc::ENOTTY), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn domain_0_is_no_guest_and_cannot_be_named() {
    let error = DomId::try_new(0).unwrap_err().to_string();
    assert!(error.contains("1 to 32751") && error.contains("xl list"), "{error}");
    assert!("0".parse::<DomId>().is_err());
}

#[test]
fn every_errno_of_every_call_names_its_operand_and_a_fix() {
    for errno in 1..=133 {
        let (xen, mock) = domain();
        let before = xen.crossings();
        mock.set(|state| state.fail_always = Some(errno));
        for (operand, call) in CALLS {
            check(&call(&xen).unwrap_err(), errno, operand);
        }
        assert_eq!(mock.maps(), 0);
        // EAGAIN and EINTR are tried again, but not for ever.
        let most = u64::from(ATTEMPTS) * 8;
        let made = xen.crossings().since(&before);
        assert!(made.ioctls() + made.reservations <= most, "{made:?}");
    }
}

#[test]
fn every_errno_in_the_middle_of_every_call_leaves_nothing() {
    for errno in (1..=133).filter(|errno| ![libc::EAGAIN, libc::EINTR].contains(errno)) {
        for (operand, call) in CALLS {
            let (xen, mock) = domain();
            for failing in 0.. {
                mock.set(|state| state.fail_nth = Some((failing, errno)));
                let result = call(&xen);
                assert_eq!(mock.maps(), 0, "{operand}, call {failing}, errno {errno}");
                if mock.get(|state| state.fail_nth.is_some()) {
                    // It ended before the call that was to fail.
                    result.unwrap();
                    break;
                }
                // Subop 29 has EINVAL for a frame that is gone, which is that frame's answer.
                if let Err(error) = result {
                    check(&error, errno, operand);
                } else {
                    assert_eq!((errno, operand), (libc::EINVAL, "domain 7"));
                }
            }
        }
    }
}

#[test]
fn a_server_survives_every_errno_and_ends_without_a_trace() {
    struct Device;
    impl Handler for Device {}
    for errno in (1..=133).filter(|errno| ![libc::EAGAIN, libc::EINTR].contains(errno)) {
        let domain = MockDomain::new(16, &[]);
        let mut server = domain.ioreq_server(&RANGES, true).unwrap();
        domain.fail_always(Some(errno));
        let results = [
            server.map_range(IoRange::Ports { first: 1, last: 2 }),
            server.unmap_range(IoRange::Ports { first: 1, last: 2 }),
            server.track(Gfn::new(1)),
            server.untrack(Gfn::new(1)),
            server.serve(&mut Device, Duration::ZERO).map(drop),
        ];
        for (call, result) in results.into_iter().enumerate() {
            // Serving asks the event channels only, which are another device.
            match result {
                Err(error) => check(&error, errno, "domain 7"),
                Ok(()) => assert_eq!(call, 4),
            }
        }
        drop(server);
        assert_eq!(domain.maps(), 0);
    }
}

#[test]
fn ports_that_fail_are_named() {
    let (events, mock) = super::mock_events::MockEvents::channels();
    for errno in 1..=133 {
        mock.set(|state| state.fail_always = Some(errno));
        check(&events.bind_interdomain(DOMID, 40).unwrap_err(), errno, "domain 7");
        let port = LocalPort::for_tests(1040);
        check(&events.notify(port).unwrap_err(), errno, "1040");
        check(&events.unbind(port).unwrap_err(), errno, "1040");
    }
}

#[test]
fn a_domain_that_is_not_there_or_dies_is_named_by_every_call() {
    let (xen, mock) = domain();
    mock.set(|state| state.dead = true);
    for (operand, call) in CALLS.into_iter().filter(|(operand, _)| *operand == "domain 7") {
        let error = call(&xen).unwrap_err();
        assert!(matches!(error, XenError::NoDomain { domid: DOMID, .. }), "{error}");
        check(&error, libc::ESRCH, operand);
        assert!(error.hint().unwrap().contains("xl list"));
    }
}

#[test]
fn reads_of_a_live_guest_bound_their_calls_whatever_it_does() {
    for errno in 1..=133 {
        let (xen, mock) = domain();
        let memory = LiveMemory::new(&xen, DOMID).unwrap();
        let before = xen.crossings();
        mock.set(|state| state.fail_always = Some(errno));
        let error = memory.read_u64(Gpa::new(0x1000)).unwrap_err();
        assert_eq!((error.at, error.reason), (0x1000, MemoryErrorReason::Os(errno)));
        let made = xen.crossings().since(&before);
        assert!(made.ioctls() + made.reservations <= u64::from(ATTEMPTS), "{made:?}");
        mock.set(|state| state.fail_always = None);
        assert!(memory.read_u64(Gpa::new(0x1000)).is_ok(), "and it goes on when it can");
    }
}
