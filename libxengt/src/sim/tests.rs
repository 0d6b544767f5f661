//! The simulated host as its users meet it.

use std::fs;

use super::layout::{HEIGHT, PML4, VA_1G, VA_2M, VA_4K, VA_64K, WIDTH};
use super::{Sim, SimError, SimOptions};
use crate::addr::{DomId, Gpa, GuestGma, HostGma, MB, Maddr, Mfn};
use crate::capacity::{CapacityError, Resource};
use crate::control::{ControlError, ControlPort, CreateRequest, Seen, State};
use crate::display::capture;
use crate::fence::{Fence, FenceReg};
use crate::gtt::{
    FrameSet, Ggtt, PageSize, Ppgtt, Root as TableRoot, StoreError, TableStore, WalkBudget, gen9, shadow,
};
use crate::host::Host;
use crate::inspect::{MmioImage, VirtualGgtt};
use crate::memory::{GuestMemory, MemoryError, MemoryErrorReason};
use crate::platform::Generation;
use crate::vgpu_type::VgpuType;

fn request(domid: u16, low_mb: u64) -> CreateRequest {
    CreateRequest::of_type(DomId::new(domid), VgpuType::by_low_mb(low_mb).unwrap())
}

fn host(dir: &tempfile::TempDir) -> Host {
    Host::simulated(&dir.path().join("sim")).unwrap()
}

#[test]
fn two_small_vgpus_fit_a_laptop_and_the_third_is_told_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    let control = host.control();
    let first = control.create(&request(1, 64)).unwrap();
    let second = control.create(&request(2, 64)).unwrap();
    assert!(first.window.unwrap().is_disjoint(&second.window.unwrap()));
    assert_eq!((first.id, second.id), (1, 2));
    assert_eq!(first.state, Some(State::Active));
    match control.create(&request(3, 64)).unwrap_err() {
        ControlError::Capacity {
            source: CapacityError::Full { resource: Resource::LowGm, left: 0, .. },
            ..
        } => {}
        other => panic!("{other}"),
    }
    match control.create(&request(3, 256)).unwrap_err() {
        ControlError::Capacity { source: CapacityError::Absent { needs, has }, .. } => {
            assert_eq!((needs, has), (256 * MB, 128 * MB));
        }
        other => panic!("{other}"),
    }
    assert_eq!(control.list().unwrap().len(), 2);
    control.destroy(DomId::new(1)).unwrap();
    assert!(matches!(control.destroy(DomId::new(1)), Err(ControlError::NoVgpu { .. })));
    assert_eq!(control.create(&request(3, 64)).unwrap().window, first.window, "the hole is used again");
}

#[test]
fn each_refusal_has_its_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    let control = host.control();
    control.create(&request(1, 64)).unwrap();
    assert!(matches!(control.create(&request(1, 64)), Err(ControlError::Exists { .. })));
    assert!(matches!(control.create(&request(99, 64)), Err(ControlError::NoSuchDomain { .. })));
    assert!(matches!(control.create(&request(9, 64)), Err(ControlError::NotHvm { .. })));
    let odd = CreateRequest { low_mb: 100, ..request(2, 64) };
    assert!(matches!(control.create(&odd), Err(ControlError::Type(_))));
    for (text, errno) in
        [("rubbish", libc::EINVAL), ("1,64,448,4", libc::EEXIST), ("2,100,448,4", libc::EINVAL)]
    {
        assert_eq!(host.write_control(text).unwrap_err().raw_os_error(), Some(errno), "{text}");
    }
    host.write_control("-50").unwrap();
    assert!(host.write_schedule(DomId::new(5), true).is_err());
}

#[test]
fn pause_and_resume_are_confirmed_by_the_state_node() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    let control = host.control();
    let domid = DomId::new(1);
    assert!(matches!(control.pause(domid), Err(ControlError::NoVgpu { .. })));
    control.create(&request(1, 64)).unwrap();
    assert_eq!(control.pause(domid).unwrap(), Seen::Confirmed);
    assert_eq!(control.get(domid).unwrap().state, Some(State::Paused));
    assert_eq!(control.resume(domid).unwrap(), Seen::Confirmed);
    assert_eq!(control.get(domid).unwrap().state, Some(State::Active));
}

#[test]
fn the_guests_tables_have_a_page_of_every_size() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    host.control().create(&request(1, 64)).unwrap();
    let memory = host.sim().unwrap().guest_memory(DomId::new(1)).unwrap();
    let ppgtt = Ppgtt::new(&memory, TableRoot::Pml4(PML4.addr()), gen9::MMU);
    for (va, size) in [
        (VA_4K, PageSize::Size4K),
        (VA_64K, PageSize::Size64K),
        (VA_2M, PageSize::Size2M),
        (VA_1G, PageSize::Size1G),
    ] {
        let found = ppgtt.translate(va.checked_add(0x123).unwrap()).unwrap();
        assert_eq!(found.page_size, size);
        assert_eq!(found.addr.page_offset(), 0x123);
    }
    assert!(ppgtt.translate(VA_4K.checked_add(8 << 12).unwrap()).is_err());
    assert!(!ppgtt.translate(VA_4K.checked_add(15 << 12).unwrap()).unwrap().access.writable);
    assert!(memory.read_u64(Gpa::new(0xa_0000)).is_err(), "the VGA hole");
    assert!(memory.read_u64(Gpa::MAX.align_down(8)).is_err());
}

#[test]
fn host_entries_are_the_guests_through_its_p2m_and_disappear_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    let domid = DomId::new(2);
    let window = host.control().create(&request(2, 64)).unwrap().window.unwrap();
    let p2m = host.sim().unwrap().guest_p2m(domid).unwrap();
    let guest = Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid).unwrap(), gen9::MMU);
    let mmio = host.gpu().unwrap().map_mmio().unwrap();
    let fence = host.control().get(domid).unwrap().fences.unwrap()[0];
    let read_fence = || FenceReg::from(mmio.read_u64(fence.mmio_offset()).unwrap());
    assert_eq!(Fence::<HostGma>::decode(read_fence()).unwrap().unwrap().start, window.aperture().host_base());
    let machine = Ggtt::<HostGma, _>::new(mmio, gen9::MMU);
    let mut pages = 0;
    for run in guest.dump() {
        for offset in (0..run.len).step_by(4096) {
            let gma = run.start.checked_add(offset).unwrap();
            let gpa = guest.translate(gma).unwrap().addr;
            let maddr = machine.translate(window.g2h(gma).unwrap()).unwrap().addr;
            assert_eq!(p2m.mfn(gpa.frame()), Some(maddr.frame()));
            pages += 1;
        }
    }
    assert_eq!(pages, 768 + 8 + 20);
    let counters = host.control().counters(domid).unwrap().unwrap();
    assert_eq!((counters.get("pinned_pages"), counters.get("requests")), (Some(pages), Some(0)));
    host.control().destroy(domid).unwrap();
    assert_eq!(machine.dump().count(), 0);
    assert!(!host.root().debug_vm(domid).exists());
}

#[test]
fn the_framebuffer_and_the_aperture_show_the_same_test_card() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    let domid = DomId::new(1);
    let window = host.control().create(&request(1, 64)).unwrap().window.unwrap();
    let image = MmioImage::open(host.root(), domid).unwrap();
    assert_eq!(image.pvinfo().unwrap().ballooned_window().unwrap(), window);
    let plane = image.plane(Generation::Gen9).unwrap().unwrap();
    assert_eq!((plane.width, plane.height), (WIDTH, HEIGHT));
    let ggtt = Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid).unwrap(), gen9::MMU);
    let memory = host.sim().unwrap().guest_memory(domid).unwrap();
    let by_memory = capture(&plane, |at, out| {
        let gpa = ggtt.translate(plane.surface.checked_add(at).unwrap()).unwrap().addr;
        memory.read(gpa, out).is_ok()
    })
    .unwrap();
    let aperture = host.gpu().unwrap().map_aperture().unwrap();
    let linear = crate::display::Plane { tiling: None, ..plane };
    let base = window.g2h(plane.surface).unwrap().get();
    let by_aperture = capture(&linear, |at, out| aperture.read(base + at, out).is_ok()).unwrap();
    assert_eq!((by_memory.missing, by_aperture.missing), (0, 0));
    assert!(by_memory == by_aperture);
    assert_eq!(by_memory.rgba[..4], [0xff, 0, 0, 0xff], "red, top left");
}

#[test]
fn a_creator_killed_between_commit_and_tree_leaves_a_whole_vgpu() {
    let dir = tempfile::tempdir().unwrap();
    let sim_dir = dir.path().join("sim");
    let host = host(&dir);
    host.control().create(&request(1, 64)).unwrap();
    // What the disk holds when the process dies right after the state's rename: the truth is ahead.
    let marker = sim_dir.join("xengt-sim");
    let committed = fs::read(marker.join("state.json")).unwrap();
    host.control().destroy(DomId::new(1)).unwrap();
    fs::write(marker.join("state.json"), committed).unwrap();
    let again = Host::open(crate::root::Root::at(&sim_dir)).unwrap();
    let vgpu = again.control().get(DomId::new(1)).unwrap();
    assert_eq!(vgpu.state, Some(State::Active));
    assert!(again.sim().unwrap().guest_memory(DomId::new(1)).is_ok());
}

#[test]
fn directories_of_others_and_damaged_states_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "ten years of work").unwrap();
    assert!(matches!(Sim::open_or_init(dir.path()), Err(SimError::Occupied { .. })));
    assert!(matches!(Sim::init(dir.path(), &SimOptions::default(), true), Err(SimError::Occupied { .. })));
    let sim_dir = dir.path().join("sim");
    Sim::open_or_init(&sim_dir).unwrap();
    assert!(matches!(Sim::init(&sim_dir, &SimOptions::default(), false), Err(SimError::Exists { .. })));
    for damage in ["", "{", "{\"format\":9}", "[]"] {
        fs::write(sim_dir.join("xengt-sim/state.json"), damage).unwrap();
        assert!(matches!(Sim::detect(&sim_dir), Err(SimError::State { .. })), "{damage:?}");
    }
    Sim::init(&sim_dir, &SimOptions { aperture_mb: 1024, ..SimOptions::default() }, true).unwrap();
    for bad in [
        SimOptions { device: 0x9a49, ..SimOptions::default() },
        SimOptions { aperture_mb: 300, ..SimOptions::default() },
        SimOptions { ggtt_mb: 1024, ..SimOptions::default() },
        SimOptions { domains: 0, ..SimOptions::default() },
    ] {
        assert!(matches!(bad.validated(), Err(SimError::Option { .. })), "{bad:?}");
    }
}

/// Shadow tables in machine frames that no guest owns.
#[derive(Default)]
struct Frames(Vec<Box<[u64; 512]>>);

/// The first frame of the store, far above every guest's.
const STORE: u64 = 0x1000_0000;

impl TableStore for Frames {
    fn alloc(&mut self) -> Result<Mfn, StoreError> {
        self.0.push(Box::new([0; 512]));
        Ok(Mfn::new(STORE + u64::try_from(self.0.len()).unwrap() - 1))
    }
    fn write_table(&mut self, table: Mfn, entries: &[u64; 512]) -> Result<(), StoreError> {
        *self.0[usize::try_from(table.get() - STORE).unwrap()] = *entries;
        Ok(())
    }
    fn free(&mut self, _: Mfn) {}
}

impl GuestMemory for Frames {
    type Addr = Maddr;
    fn read_u64(&self, at: Maddr) -> Result<u64, MemoryError> {
        let refuse = MemoryError { at: at.get(), len: 8, reason: MemoryErrorReason::Beyond };
        let table = at.frame().get().checked_sub(STORE).and_then(|n| self.0.get(usize::try_from(n).ok()?));
        let word = usize::try_from(at.page_offset() / 8).unwrap();
        Ok(table.ok_or(refuse)?[word])
    }
    fn read(&self, at: Maddr, out: &mut [u8]) -> Result<(), MemoryError> {
        Err(MemoryError { at: at.get(), len: out.len(), reason: MemoryErrorReason::Hole })
    }
}

#[test]
fn the_shadow_of_a_guests_tables_leads_where_its_p2m_says_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(&dir);
    host.control().create(&request(1, 64)).unwrap();
    let sim = host.sim().unwrap();
    let (memory, p2m) = (sim.guest_memory(DomId::new(1)).unwrap(), sim.guest_p2m(DomId::new(1)).unwrap());
    let guest = Ppgtt::new(&memory, TableRoot::Pml4(PML4.addr()), gen9::MMU);
    let mut store = Frames::default();
    let shadow = shadow(&guest, &p2m, &mut store, WalkBudget::default()).unwrap();
    let host_tables = Ppgtt::new(&store, *shadow.root(), gen9::MMU);
    for va in [VA_4K, VA_64K, VA_2M, VA_1G, VA_1G.checked_add(0x3abc_d123).unwrap()] {
        let (gpa, found) = (guest.translate(va).unwrap().addr, host_tables.translate(va).unwrap());
        assert_eq!(Some(found.addr.frame()), p2m.mfn(gpa.frame()), "{va}");
    }
    let frames = FrameSet::from_ranges(p2m.runs().iter().map(|run| (run.mfn, run.count)));
    assert_eq!(host_tables.audit_pages(WalkBudget::default(), &frames).count(), 0);
    let others = FrameSet::from_ranges(p2m.runs().iter().skip(1).map(|run| (run.mfn, run.count)));
    assert_eq!(
        host_tables.audit_pages(WalkBudget::default(), &others).count(),
        0,
        "it maps nothing of run 0"
    );
    let half = p2m.runs().iter().filter(|run| run.gfn.get() < 0x4_0000).map(|run| (run.mfn, run.count));
    assert!(host_tables.audit_pages(WalkBudget::default(), &FrameSet::from_ranges(half)).count() > 0);
    shadow.release(&mut store);
}
