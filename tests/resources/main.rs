//! Handles on the hypervisor leave no descriptor and no map behind, however often they are made and however they end.
//!
//! A program of its own with one test: what others open at the same time would be counted as well.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use libxengt::addr::{DomId, Gfn, Gpa};
use libxengt::memory::GuestMemory;
use libxengt::root::Root;
use libxengt::xen::ioreq::{Handler, IoreqServer, destroy_orphans};
use libxengt::xen::testing::MockDomain;
use libxengt::xen::xenstore::Xenstore;
use libxengt::xen::{Access, DeviceModel, EventChannels, ForeignPages, IoRange, LiveMemory, Sbdf, Xen};

const DOMID: DomId = DomId::new(7);
const SBDF: Sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };
const BAR: IoRange = IoRange::Memory { first: Gpa::new(0xf000_0000), last: Gpa::new(0xf000_0fff) };
const ROUNDS: u32 = 200;

/// Descriptors, and maps of files: what the allocator maps is not a handle's.
#[derive(Debug, PartialEq)]
struct Held {
    descriptors: usize,
    maps: usize,
}

fn held() -> Held {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let of_files = |line: &&str| line.contains("/dev/xen/") || line.contains("memfd:");
    Held { descriptors, maps: maps.lines().filter(of_files).count() }
}

/// A tree with files in the devices' places: they can be opened and mapped, and refuse every ioctl.
fn tree(dir: &Path) -> Root {
    let devices = dir.join("dev/xen");
    fs::create_dir_all(&devices).unwrap();
    for device in ["privcmd", "hypercall", "evtchn", "xenbus"] {
        fs::write(devices.join(device), vec![0; 8 * 4096]).unwrap();
    }
    Root::at(dir)
}

/// Opens everything, uses what there is to use, and lets it go.
fn open_all(root: &Root) {
    let xen = Xen::open(root).unwrap();
    assert!(xen.clone().version().is_err());
    assert!(xen.maximum_gpfn(DOMID).is_err());
    assert!(ForeignPages::map(&xen, DOMID, Access::Read, &[Gfn::new(0), Gfn::new(1)]).is_err());
    assert!(xen.machine_frames(DOMID, &[Gfn::new(0)]).is_err());
    let model = DeviceModel::open(root, DOMID).unwrap();
    assert!(model.vcpus().is_err());
    let events = EventChannels::open(root).unwrap();
    assert!(events.bind_interdomain(DOMID, 1).is_err());
    drop(Xenstore::open(root).unwrap());
    assert!(IoreqServer::start(root, DOMID, &[BAR], true).is_err());
    assert!(destroy_orphans(root, DOMID, SBDF).is_err());
}

struct Device;

impl Handler for Device {}

/// A domain's whole life on a Xen of mocks, which is mapped for real: read, translated, served.
fn live_once(vanish: bool) {
    let domain = MockDomain::new(64, &[Gfn::new(3)]);
    let gfns: Vec<_> = (0..64).map(Gfn::new).collect();
    assert_eq!(domain.xen().machine_frames(MockDomain::ID, &gfns).unwrap().len(), 64);
    let memory = LiveMemory::new(domain.xen(), MockDomain::ID).unwrap();
    assert!(memory.read_u64(Gpa::new(0x1000)).is_ok() && memory.read_u64(Gpa::new(0x3000)).is_err());
    let mut server = domain.ioreq_server(&[IoRange::Pci(SBDF), BAR], true).unwrap();
    let mut slot = [0; 32];
    // `rep movs` of two words from the device to address 0x2ffc, which ends in the hole.
    slot[..4].copy_from_slice(&0xf000_0010_u32.to_le_bytes());
    slot[8..10].copy_from_slice(&0x2ffc_u16.to_le_bytes());
    (slot[16], slot[20], slot[30], slot[31]) = (2, 4, 1 | 3 << 4, 1);
    domain.set_slot(0, &slot);
    assert_eq!(server.serve(&mut Device, Duration::ZERO).unwrap(), 1);
    assert_eq!(server.stats().lost, 1, "the hole");
    assert!(held().maps > 0, "the counting sees maps");
    // Xen refuses all that takes the server down, as for a domain that is gone.
    domain.fail_always(vanish.then_some(3)); // ESRCH
}

#[test]
fn handles_leave_no_descriptor_and_no_map() {
    let dir = tempfile::tempdir().unwrap();
    let root = tree(dir.path());
    open_all(&root);
    live_once(false);
    let before = held();
    assert_eq!(before.maps, 0, "nothing is mapped in between");
    for round in 0..ROUNDS {
        open_all(&root);
        live_once(round % 2 == 0);
        assert_eq!(held(), before, "after round {round}");
    }
    // A handle that is kept is seen: the count does count.
    let kept = Xen::open(&root).unwrap();
    let now = held();
    assert!(now.descriptors > before.descriptors && now.maps > before.maps, "{now:?}");
    drop(kept);
    assert_eq!(held(), before);
}
