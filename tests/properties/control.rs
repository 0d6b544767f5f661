//! Control on a simulated host against a model: whatever is asked in whatever order, both say the same, and what
//! the host's files hold fits together.

mod model;

use std::fs;
use std::path::{Path, PathBuf};

use libxengt::addr::{DomId, MB};
use libxengt::capacity::{CapacityError, Resource};
use libxengt::control::{Command, ControlError, ControlPort, CreateRequest, Seen, State, Vgpu};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::host::Host;
use libxengt::root::Root;
use libxengt::sim::{Sim, SimOptions};
use libxengt::vgpu_type::VgpuType;
use model::{Model, Refusal, Short, TYPES};
use proptest::prelude::*;
use proptest::sample::select;
use xengt_tests::check_host;

#[derive(Debug, Clone)]
enum Step {
    Create {
        domid: u16,
        low_mb: u32,
        advisory: u32,
    },
    Destroy(u16),
    Schedule(u16, bool),
    /// A line to the node itself, past the library's own checks.
    Raw(String),
    /// As many of one type as fit.
    Fill(usize),
    /// The next process comes.
    Reopen,
    /// The process dies after the truth was written: with the tree made, or with the one before.
    Crash {
        create: bool,
        domid: u16,
        tree_was_made: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let domid = || 1..=10_u16;
    let low = || prop_oneof![8 => select(vec![64_u32, 64, 128, 256, 512]), 1 => select(vec![0, 1, 63, 100, 1024, u32::MAX])];
    prop_oneof![
        6 => (domid(), low(), any::<u32>()).prop_map(|(domid, low_mb, advisory)| Step::Create { domid, low_mb, advisory }),
        3 => domid().prop_map(Step::Destroy),
        2 => (domid(), any::<bool>()).prop_map(|(domid, run)| Step::Schedule(domid, run)),
        2 => raw().prop_map(Step::Raw),
        1 => (0..4_usize).prop_map(Step::Fill),
        1 => Just(Step::Reopen),
        2 => (any::<bool>(), domid(), any::<bool>())
            .prop_map(|(create, domid, tree_was_made)| Step::Crash { create, domid, tree_was_made }),
    ]
}

/// Lines that no kernel takes, and destroys of what is not there (which every kernel takes).
fn raw() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-0-9,+ a-z]{0,12}",
        select(vec![
            "0,64,384,4",
            "-0",
            "65536,64,384,4",
            "1,64,384",
            "1,64,384,4,2",
            "99999,64,384,4",
            "-32752"
        ])
        .prop_map(str::to_owned),
        (20..40_u16).prop_map(|domid| format!("-{domid}")),
    ]
    .prop_filter("a command that does something", |line| {
        !line.parse::<Command>().is_ok_and(|command| match command {
            Command::Create(_) => true,
            Command::Destroy(domid) => domid.get() < 20,
        })
    })
}

fn options() -> impl Strategy<Value = SimOptions> {
    let aperture = select(vec![128_u32, 256, 512, 512, 1024, 1024, 2048]);
    (aperture, select(vec![2048_u32, 4096, 4096]), select(vec![0x1616_u16, 0x5916]), 7..=9_u16).prop_map(
        |(aperture_mb, ggtt_mb, device, domains)| SimOptions { device, aperture_mb, ggtt_mb, domains },
    )
}

struct Run {
    dir: PathBuf,
    host: Host,
    model: Model,
}

proptest! {
    #![proptest_config(xengt_tests::cases(16))]

    #[test]
    fn every_answer_is_the_models_and_nothing_leaks(
        options in options(), steps in prop::collection::vec(step(), 1..24),
    ) {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("sim");
        Sim::init(&dir, &options, false).unwrap();
        let model = Model {
            aperture: usize::try_from(options.aperture_mb).unwrap(),
            ggtt: usize::try_from(options.ggtt_mb).unwrap(),
            hvm: options.domains,
            vgpus: [].into(),
        };
        let mut run = Run { host: open(&dir), dir, model };
        for step in &steps {
            run.take(step)?;
            run.compare()?;
        }
        let left: Vec<u16> = run.model.vgpus.keys().copied().collect();
        for domid in left {
            run.take(&Step::Destroy(domid))?;
        }
        prop_assert_eq!(check_host(&run.host), Ok(vec![]));
        prop_assert_eq!(run.capacity()?, TYPES.map(|ty| run.model.room(ty)));
    }
}

#[expect(clippy::expect_used, reason = "a host that does not open is what these tests look for")]
fn open(dir: &Path) -> Host {
    Host::open(Root::at(dir)).expect("the simulated host opens")
}

impl Run {
    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Create { domid, low_mb, advisory } => {
                self.create(*domid, *low_mb, *advisory).map(|_| ())?
            }
            Step::Destroy(domid) => self.destroy(*domid)?,
            Step::Schedule(domid, run) => self.schedule(*domid, *run)?,
            Step::Raw(line) => match line.parse::<Command>() {
                Ok(_) => prop_assert!(self.host.write_control(line).is_ok(), "{line:?}"),
                Err(_) => {
                    let errno = self.host.write_control(line).err().and_then(|e| e.raw_os_error());
                    prop_assert_eq!(errno, Some(ErrorKind::InvalidInput.errno()), "{:?}", line);
                }
            },
            Step::Fill(ty) => self.fill(*ty)?,
            Step::Reopen => self.host = open(&self.dir),
            Step::Crash { create, domid, tree_was_made } => self.crash(*create, *domid, *tree_was_made)?,
        }
        Ok(())
    }

    fn create(&mut self, domid: u16, low_mb: u32, advisory: u32) -> Result<bool, TestCaseError> {
        let request = CreateRequest {
            domid: DomId::new(domid),
            low_mb,
            high_mb: advisory,
            fences: advisory.max(1),
            primary: [None, Some(true), Some(false)][usize::try_from(advisory % 3).unwrap_or(0)],
            cap: u8::try_from(advisory % 101).unwrap_or(0),
        };
        let wanted = self.model.create(domid, usize::try_from(low_mb).unwrap_or(0));
        match (self.host.control().create(&request), wanted) {
            (Ok(made), Ok(wanted)) => {
                same(&made, domid, &wanted)?;
                Ok(true)
            }
            (Err(error), Err(refusal)) => {
                let (is_right, kind) = judge(&error, refusal, domid);
                prop_assert!(is_right, "{error:?} for {refusal:?}");
                prop_assert_eq!(error.kind(), kind, "{}", error);
                Ok(false)
            }
            (got, wanted) => {
                prop_assert!(false, "{got:?}, expected {wanted:?} of {:?}", self.model);
                Ok(false)
            }
        }
    }

    fn destroy(&mut self, domid: u16) -> Result<(), TestCaseError> {
        let result = self.host.control().destroy(DomId::new(domid));
        match self.model.vgpus.remove(&domid) {
            Some(_) => prop_assert!(result.is_ok(), "{result:?}"),
            None => prop_assert!(matches!(result, Err(ControlError::NoVgpu { .. })), "{result:?}"),
        }
        Ok(())
    }

    fn schedule(&mut self, domid: u16, run: bool) -> Result<(), TestCaseError> {
        let control = self.host.control();
        let domid_ = DomId::new(domid);
        let result = if run { control.resume(domid_) } else { control.pause(domid_) };
        match self.model.vgpus.get_mut(&domid) {
            Some(vgpu) => {
                vgpu.paused = !run;
                prop_assert!(matches!(result, Ok(Seen::Confirmed)), "{result:?}");
            }
            None => prop_assert!(matches!(result, Err(ControlError::NoVgpu { .. })), "{result:?}"),
        }
        Ok(())
    }

    /// What capacity promises is what then fits, unless the holes are too small.
    fn fill(&mut self, ty: usize) -> Result<(), TestCaseError> {
        let promised = self.capacity()?[ty];
        let (low, _) = TYPES[ty];
        let free: Vec<u16> = (1..=self.model.hvm).filter(|d| !self.model.vgpus.contains_key(d)).collect();
        let mut made = 0;
        let mut fragmented = false;
        for domid in free {
            fragmented |= self.model.clone().create(domid, low) == Err(Refusal::Fragmented);
            made += usize::from(self.create(domid, u32::try_from(low).unwrap_or(0), 4)?);
        }
        prop_assert!(made == promised || fragmented && made < promised, "{made} of {promised} fitted");
        Ok(())
    }

    fn capacity(&self) -> Result<[usize; 4], TestCaseError> {
        let resources = self.host.gpu().ok().and_then(|gpu| gpu.resources());
        let used = self.host.control().usage().ok().flatten();
        let (Some(resources), Some(used)) = (resources, used) else {
            return Err(TestCaseError::fail("the host does not say what it has"));
        };
        Ok(VgpuType::ALL
            .map(|ty| usize::try_from(resources.remaining(&used, &ty).count).unwrap_or(usize::MAX)))
    }

    fn crash(&mut self, create: bool, domid: u16, tree_was_made: bool) -> Result<(), TestCaseError> {
        let [state, applied] =
            ["state.json", "applied.json"].map(|name| self.dir.join("xengt-sim").join(name));
        let read = |path| fs::read(path).map_err(|e| TestCaseError::fail(e.to_string()));
        let write =
            |path, bytes: &[u8]| fs::write(path, bytes).map_err(|e| TestCaseError::fail(e.to_string()));
        let before = self.model.clone();
        let old = read(&applied)?;
        if create {
            self.create(domid, 64, 4).map(|_| ())?
        } else {
            self.destroy(domid)?
        }
        if tree_was_made {
            // The tree is new, and nobody wrote down that it is.
            write(&applied, &old)?;
        } else if self.model.vgpus.len() != before.vgpus.len() {
            // The tree is old (or as good as: what was made is unmade), and the truth is new.
            let truth = read(&state)?;
            let after = self.model.clone();
            if create {
                self.destroy(domid)?
            } else {
                self.create(domid, 64, 4).map(|_| ())?
            }
            self.model = after;
            write(&state, &truth)?;
        }
        self.host = open(&self.dir);
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let vgpus = check_host(&self.host).map_err(TestCaseError::fail)?;
        let domids: Vec<u16> = vgpus.iter().map(|vgpu| vgpu.domid.get()).collect();
        prop_assert_eq!(&domids, &self.model.vgpus.keys().copied().collect::<Vec<_>>());
        for vgpu in &vgpus {
            same(vgpu, vgpu.domid.get(), &self.model.vgpus[&vgpu.domid.get()])?;
        }
        prop_assert_eq!(self.capacity()?, TYPES.map(|ty| self.model.room(ty)));
        Ok(())
    }
}

fn same(vgpu: &Vgpu, domid: u16, wanted: &model::Vgpu) -> Result<(), TestCaseError> {
    let megabytes =
        |(start, len): (usize, usize)| Some((u64::try_from(start).ok()? * MB, u64::try_from(len).ok()? * MB));
    let window = vgpu.window.map(|window| {
        [window.aperture(), window.hidden()].map(|slice| Some((slice.host_base().get(), slice.size())))
    });
    prop_assert_eq!(vgpu.domid.get(), domid);
    prop_assert_eq!(vgpu.id, wanted.id);
    prop_assert_eq!(window, Some([megabytes(wanted.low), megabytes(wanted.high)]));
    let fences: Vec<usize> = vgpu.fences.iter().flatten().map(|fence| fence.get().into()).collect();
    prop_assert_eq!(&fences, &wanted.fences);
    prop_assert_eq!(vgpu.state, Some(if wanted.paused { State::Paused } else { State::Active }));
    Ok(())
}

/// Whether the library's error is the model's refusal, and its kind.
fn judge(error: &ControlError, refusal: Refusal, of: u16) -> (bool, ErrorKind) {
    use ControlError as E;
    match refusal {
        Refusal::UnknownSize => (matches!(error, E::Type(_)), ErrorKind::InvalidInput),
        Refusal::Exists => (matches!(error, E::Exists { domid } if domid.get() == of), ErrorKind::Exists),
        Refusal::NoSuchDomain => {
            (matches!(error, E::NoSuchDomain { domid } if domid.get() == of), ErrorKind::NotFound)
        }
        Refusal::NotHvm => {
            (matches!(error, E::NotHvm { domid } if domid.get() == of), ErrorKind::Unsupported)
        }
        Refusal::Absent => (
            matches!(error, E::Capacity { source: CapacityError::Absent { .. }, .. }),
            ErrorKind::Unsupported,
        ),
        Refusal::Full(short) => {
            let short = match short {
                Short::Instances => Resource::Instances,
                Short::Low => Resource::LowGm,
                Short::High => Resource::HighGm,
                Short::Fences => Resource::Fences,
            };
            let is_right = matches!(
                error,
                E::Capacity { source: CapacityError::Full { resource, left, needs }, .. }
                    if *resource == short && left < needs
            );
            (is_right, ErrorKind::NoSpace)
        }
        Refusal::Fragmented => (matches!(error, E::NoSpace { resource: Some(_), .. }), ErrorKind::NoSpace),
    }
}
