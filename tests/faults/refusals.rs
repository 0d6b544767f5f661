//! Kernels that refuse, and kernels that lie: every errno has its error, and nothing unverified stays or succeeds.

use std::cell::RefCell;
use std::io;

use libxengt::addr::DomId;
use libxengt::capacity::{CapacityError, HostResources, Resource};
use libxengt::control::{Command, Control, ControlError, ControlPort, CreateRequest, Seen};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::vgpu_type::VgpuType;

use crate::tree::Tree;

/// What a kernel does with a write, and what it says of it.
#[derive(Debug, Clone, Copy)]
struct Manner {
    has_effect: bool,
    answer: Option<i32>,
}

const HONEST: Manner = Manner { has_effect: true, answer: None };
const SILENT: Manner = Manner { has_effect: false, answer: None };

fn refuses(errno: i32) -> Manner {
    Manner { has_effect: false, answer: Some(errno) }
}

fn fails_late(errno: i32) -> Manner {
    Manner { has_effect: true, answer: Some(errno) }
}

struct Kernel {
    tree: Tree,
    create: Manner,
    destroy: Manner,
    schedule: Manner,
    /// Nodes that it writes differently.
    lies: Vec<(&'static str, &'static [u8])>,
    seen: RefCell<Vec<String>>,
}

/// Short writes have no errno of their own.
const SHORT_WRITE: i32 = 0;

impl Kernel {
    fn new(create: Manner, destroy: Manner) -> Self {
        let seen = RefCell::default();
        Self { tree: Tree::new(), create, destroy, schedule: HONEST, lies: vec![], seen }
    }

    fn answer(manner: Manner) -> io::Result<()> {
        match manner.answer {
            None => Ok(()),
            Some(SHORT_WRITE) => Err(io::ErrorKind::WriteZero.into()),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Creates a small vGPU for domain 1.
    fn create(&self, resources: Option<HostResources>) -> Result<(), ControlError> {
        let request = CreateRequest::of_type(DomId::new(1), &VgpuType::ALL[0]);
        Control::new(&self.tree.root(), self, resources).create(&request).map(|_| ())
    }

    fn shows_vgpu(&self) -> bool {
        self.tree.path("sys/kernel/vgt/vm1").exists()
    }
}

impl ControlPort for Kernel {
    fn write_control(&self, text: &str) -> io::Result<()> {
        self.seen.borrow_mut().push(text.to_owned());
        let manner = match text.parse().unwrap() {
            Command::Create(request) => {
                if self.create.has_effect {
                    self.tree.vgpu(request.domid.get(), 1);
                    for (name, content) in &self.lies {
                        self.tree.write(&format!("sys/kernel/vgt/vm1/{name}"), content);
                    }
                }
                self.create
            }
            Command::Destroy(domid) => {
                if self.destroy.has_effect {
                    self.tree.remove(&format!("sys/kernel/vgt/vm{domid}"));
                }
                self.destroy
            }
        };
        Self::answer(manner)
    }

    fn write_schedule(&self, domid: DomId, run: bool) -> io::Result<()> {
        if self.schedule.has_effect {
            let state = if run { "active\n" } else { "paused\n" };
            self.tree.write(&format!("sys/kernel/vgt/vm{domid}/state"), state.as_bytes());
        }
        Self::answer(self.schedule)
    }
}

fn name(error: &ControlError) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

const NAMED: [(i32, &str, ErrorKind); 16] = [
    (libc::EPERM, "Permission", ErrorKind::Permission),
    (libc::EACCES, "Permission", ErrorKind::Permission),
    (libc::EROFS, "Refused", ErrorKind::Permission),
    (libc::EEXIST, "Exists", ErrorKind::Exists),
    (libc::ESRCH, "NoSuchDomain", ErrorKind::NotFound),
    (libc::EOPNOTSUPP, "NotHvm", ErrorKind::Unsupported),
    (libc::ENODEV, "NoDevice", ErrorKind::Unsupported),
    (libc::ENOSYS, "Refused", ErrorKind::Unsupported),
    (libc::EBUSY, "Busy", ErrorKind::Busy),
    (libc::EAGAIN, "Refused", ErrorKind::Busy),
    (libc::ENOSPC, "NoSpace", ErrorKind::NoSpace),
    (libc::EDQUOT, "Refused", ErrorKind::NoSpace),
    (libc::EINVAL, "Refused", ErrorKind::InvalidInput),
    (libc::ENOENT, "Refused", ErrorKind::NotFound),
    (libc::ENOMEM, "Refused", ErrorKind::Failed),
    (SHORT_WRITE, "Refused", ErrorKind::Failed),
];

#[test]
fn every_errno_of_a_create_has_its_error_and_leaves_nothing() {
    for errno in 0..=133 {
        let kernel = Kernel::new(refuses(errno), HONEST);
        let error = kernel.create(None).unwrap_err();
        let (_, wanted, kind) = NAMED.into_iter().find(|(named, ..)| *named == errno).unwrap_or((
            errno,
            "Refused",
            ErrorKind::Failed,
        ));
        assert_eq!((name(&error).as_str(), error.kind()), (wanted, kind), "errno {errno}: {error}");
        assert!(error.hint().is_some() && !error.to_string().is_empty());
        assert!(!kernel.shows_vgpu());
    }
}

#[test]
fn create_that_fails_late_is_undone_unless_another_may_own_it() {
    for errno in 0..=133 {
        let kernel = Kernel::new(fails_late(errno), HONEST);
        let error = kernel.create(None).unwrap_err();
        match errno {
            // Who says these has another's vGPU there, or made none: it is not ours to destroy.
            libc::EEXIST | libc::EINVAL => {
                assert!(matches!(error, ControlError::Exists { .. }), "{error}");
                assert!(kernel.shows_vgpu());
            }
            libc::EPERM | libc::EACCES => assert!(kernel.shows_vgpu()),
            _ => assert!(!kernel.shows_vgpu(), "errno {errno} left a vGPU behind"),
        }
    }
}

#[test]
fn create_that_shows_nothing_or_rubbish_is_undone_and_no_success() {
    let mut kernels = vec![Kernel::new(SILENT, HONEST)];
    for (name, content) in [
        ("vgpu_id", &b""[..]),
        ("vgpu_id", b"0\n"),
        ("vgpu_id", b"8\n"),
        ("vgpu_id", b"\x1b[2J\n"),
        ("type", b"GVTg V5 8\n"),
        ("aperture", b"0x8000000 0x8000000 0x8000000\n"),
        ("hidden", b"0x8000000 0x8000000 0x18000000\n"),
        ("fences", b"4 4 5 6\n"),
        ("state", b"asleep\n"),
    ] {
        kernels.push(Kernel { lies: vec![(name, content)], ..Kernel::new(HONEST, HONEST) });
    }
    for kernel in kernels {
        let error = kernel.create(None).unwrap_err();
        assert!(matches!(error, ControlError::Unverified { .. }), "{:?}: {error}", kernel.lies);
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(!error.to_string().contains('\x1b'));
        assert!(!kernel.shows_vgpu(), "{:?}", kernel.lies);
        assert_eq!(kernel.seen.borrow().last().map(String::as_str), Some("-1"));
    }
}

#[test]
fn create_that_cannot_be_undone_says_so() {
    for destroy in [SILENT, refuses(libc::EIO)] {
        let kernel = Kernel { lies: vec![("vgpu_id", b"9")], ..Kernel::new(HONEST, destroy) };
        let error = kernel.create(None).unwrap_err();
        assert!(error.to_string().ends_with("it could not be destroyed again"), "{error}");
    }
}

#[test]
fn destroy_is_done_only_when_it_is_gone() {
    for (manner, wanted, kind) in [
        (SILENT, "Unverified", ErrorKind::Failed),
        (refuses(libc::EIO), "Refused", ErrorKind::Failed),
        (refuses(libc::EPERM), "Permission", ErrorKind::Permission),
        (refuses(libc::EBUSY), "Refused", ErrorKind::Busy),
        (refuses(SHORT_WRITE), "Refused", ErrorKind::Failed),
    ] {
        let kernel = Kernel::new(HONEST, manner);
        kernel.create(None).unwrap();
        let root = kernel.tree.root();
        let error = Control::new(&root, &kernel, None).destroy(DomId::new(1)).unwrap_err();
        assert_eq!((name(&error).as_str(), error.kind()), (wanted, kind), "{manner:?}: {error}");
        assert!(kernel.shows_vgpu());
    }
}

#[test]
fn pause_is_done_only_when_the_state_says_so_where_there_is_one() {
    let manners = [
        (SILENT, Err(("Unverified", ErrorKind::Failed))),
        (refuses(libc::EBUSY), Err(("Refused", ErrorKind::Busy))),
        (refuses(libc::EACCES), Err(("Permission", ErrorKind::Permission))),
        (refuses(libc::ENOENT), Err(("Refused", ErrorKind::NotFound))),
        (HONEST, Ok(Seen::Confirmed)),
    ];
    for (schedule, wanted) in manners {
        let kernel = Kernel { schedule, ..Kernel::new(HONEST, HONEST) };
        kernel.create(None).unwrap();
        let root = kernel.tree.root();
        let result = Control::new(&root, &kernel, None).pause(DomId::new(1));
        let named = result.as_ref().map_err(|error| (name(error), error.kind()));
        assert_eq!(named.copied(), wanted.map_err(|(name, kind)| (name.to_owned(), kind)), "{schedule:?}");
        if let Err(ControlError::Permission { path }) = result {
            assert_eq!(path, root.vm(DomId::new(1)).join("schedule"));
        }
    }
    let old = Kernel { schedule: SILENT, ..Kernel::new(HONEST, HONEST) };
    old.tree.write("sys/kernel/vgt/vm1/vgpu_id", b"1\n");
    let root = old.tree.root();
    let control = Control::new(&root, &old, None);
    assert_eq!(control.pause(DomId::new(1)).unwrap(), Seen::AcceptedOnly);
    assert!(matches!(control.pause(DomId::new(2)), Err(ControlError::NoVgpu { .. })));
}

/// Kernels up to 5.4: two nodes per vGPU, and EINVAL whatever the matter is.
#[test]
fn old_kernels_einval_is_explained_where_the_reason_is_certain() {
    let host = |aperture_mb: u64| HostResources { aperture: aperture_mb << 20, ggtt: 4 << 30, fences: 32 };
    let create = |others: u16, resources| {
        let kernel = Kernel::new(refuses(libc::EINVAL), HONEST);
        for domid in 11..11 + others {
            kernel
                .tree
                .write(&format!("sys/kernel/vgt/vm{domid}/vgpu_id"), format!("{}\n", domid - 10).as_bytes());
            kernel.tree.write(&format!("sys/kernel/vgt/vm{domid}/schedule"), b"");
        }
        kernel.create(Some(resources)).unwrap_err()
    };
    match create(0, host(128)) {
        ControlError::Capacity { source: CapacityError::Absent { has: 0, .. }, .. } => {}
        other => panic!("{other:?}"),
    }
    match create(7, host(2048)) {
        ControlError::Capacity {
            source: CapacityError::Full { resource: Resource::Instances, .. }, ..
        } => {}
        other => panic!("{other:?}"),
    }
    // Two take 128 MB at least, and there are no more: short for certain, by how much nobody knows.
    match create(2, host(256)) {
        ControlError::NoSpace { resource: Some(Resource::LowGm), .. } => {}
        other => panic!("{other:?}"),
    }
    match create(4, HostResources { ggtt: 2 << 30, ..host(512) }) {
        ControlError::NoSpace { resource: Some(Resource::HighGm), .. } => {}
        other => panic!("{other:?}"),
    }
    // One leaves room: whatever it was, it was not certainly that.
    match create(1, host(256)) {
        ControlError::Refused { source, .. } => assert_eq!(source.raw_os_error(), Some(libc::EINVAL)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_written_for_what_is_there_or_not_a_type() {
    let kernel = Kernel::new(HONEST, HONEST);
    kernel.tree.vgpu(1, 1);
    assert!(matches!(kernel.create(None), Err(ControlError::Exists { .. })));
    let root = kernel.tree.root();
    let control = Control::new(&root, &kernel, None);
    let odd = CreateRequest { low_mb: 65, ..CreateRequest::of_type(DomId::new(2), &VgpuType::ALL[0]) };
    assert!(matches!(control.create(&odd), Err(ControlError::Type(_))));
    assert!(matches!(control.destroy(DomId::new(2)), Err(ControlError::NoVgpu { .. })));
    assert!(kernel.seen.borrow().is_empty());
}
