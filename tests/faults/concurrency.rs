//! Many at once on one simulated host, from its first use on.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libxengt::addr::DomId;
use libxengt::control::{self, Control, ControlPort, CreateRequest};
use libxengt::host::Host;
use libxengt::root::Root;
use libxengt::vgpu_type::VgpuType;
use xengt_tests::{check_host, churn};

use crate::tree::Tree;

/// The host that all left behind is consistent, and one can clear it.
fn check_and_clear(dir: &Path) {
    let host = Host::open(Root::at(dir)).unwrap();
    for vgpu in check_host(&host).unwrap() {
        host.control().destroy(vgpu.domid).unwrap();
    }
    assert_eq!(check_host(&host), Ok(vec![]));
}

#[test]
fn threads_on_one_host_meet_no_error_but_each_others_doing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    thread::scope(|scope| {
        let users: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn({
                    let dir = &dir;
                    move || churn(dir, seed, 25)
                })
            })
            .collect();
        for user in users {
            assert_eq!(user.join().unwrap(), Ok(()));
        }
    });
    check_and_clear(&dir);
}

#[test]
fn processes_on_one_host_meet_no_error_but_each_others_doing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    let start = |seed: u64| {
        let seed = seed.to_string();
        Command::new(env!("CARGO_BIN_EXE_xengt-churn")).arg(&dir).args([&seed, "25"]).spawn().unwrap()
    };
    let users: Vec<_> = (10..14).map(start).collect();
    for mut user in users {
        assert!(user.wait().unwrap().success());
    }
    check_and_clear(&dir);
}

#[test]
fn first_use_by_many_at_once_makes_one_host() {
    for round in 0..8 {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("made").join("on").join("demand");
        thread::scope(|scope| {
            let users: Vec<_> = (0..4).map(|_| scope.spawn(|| Host::simulated(&dir).map(|_| ()))).collect();
            for user in users {
                let result = user.join().unwrap();
                assert!(result.is_ok(), "round {round}: {result:?}");
            }
        });
        assert_eq!(check_host(&Host::simulated(&dir).unwrap()), Ok(vec![]));
    }
}

#[test]
fn whoever_lists_meanwhile_sees_whole_vgpus_only() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    let host = Host::simulated(&dir).unwrap();
    let done = AtomicBool::new(false);
    let mut seen = 0;
    thread::scope(|scope| {
        let users: Vec<_> = (20..22)
            .map(|seed| {
                scope.spawn({
                    let dir = &dir;
                    move || churn(dir, seed, 40)
                })
            })
            .collect();
        let done = &done;
        scope.spawn(move || {
            let failed = users.into_iter().any(|user| user.join().unwrap() != Ok(()));
            done.store(true, Ordering::Release);
            assert!(!failed);
        });
        while !done.load(Ordering::Acquire) {
            for listed in host.control().list().unwrap() {
                let vgpu = listed.vgpu.unwrap();
                assert!(
                    vgpu.type_name.is_some() && vgpu.window.is_some() && vgpu.state.is_some(),
                    "{vgpu:?}"
                );
                assert_eq!(vgpu.fences.map(|fences| fences.len()), Some(4));
                seen += 1;
            }
        }
    });
    assert!(seen > 0, "there was nothing to see");
}

/// A kernel like those up to 5.4, which two creators at once confuse.
struct Frail {
    tree: Tree,
    busy: AtomicBool,
}

impl Frail {
    fn alone(&self, work: impl FnOnce()) {
        assert!(!self.busy.swap(true, Ordering::AcqRel), "two wrote at once");
        thread::sleep(Duration::from_millis(10));
        work();
        self.busy.store(false, Ordering::Release);
    }
}

impl ControlPort for Frail {
    fn write_control(&self, text: &str) -> std::io::Result<()> {
        self.alone(|| match text.parse().unwrap() {
            control::Command::Create(request) => {
                self.tree.vgpu(request.domid.get(), request.domid.get().into())
            }
            control::Command::Destroy(domid) => self.tree.remove(&format!("sys/kernel/vgt/vm{domid}")),
        });
        Ok(())
    }

    fn write_schedule(&self, domid: DomId, run: bool) -> std::io::Result<()> {
        let state = if run { "active\n" } else { "paused\n" };
        self.alone(|| self.tree.write(&format!("sys/kernel/vgt/vm{domid}/state"), state.as_bytes()));
        Ok(())
    }
}

#[test]
fn users_of_a_real_host_take_turns_at_the_kernel() {
    let kernel = Frail { tree: Tree::new(), busy: AtomicBool::new(false) };
    let root = kernel.tree.root();
    thread::scope(|scope| {
        for domid in 1..5 {
            let (root, kernel) = (&root, &kernel);
            scope.spawn(move || {
                let (domid, control) = (DomId::new(domid), Control::new(root, kernel, None));
                for _ in 0..4 {
                    control.create(&CreateRequest::of_type(domid, &VgpuType::ALL[0])).unwrap();
                    control.pause(domid).unwrap();
                    control.destroy(domid).unwrap();
                }
            });
        }
    });
    assert!(Control::new(&root, &kernel, None).list().unwrap().is_empty());
}
