//! Several creators at once.

use std::path::Path;
use std::process::{Child, Output, Stdio};

use crate::program;

fn start(dir: &Path, domid: u16) -> Child {
    program::command()
        .current_dir(dir)
        .args(["--sim=sim", "create", "--domid", &domid.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(children: Vec<Child>) -> Vec<Output> {
    children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

fn with_code(outputs: &[Output], code: i32) -> usize {
    outputs.iter().filter(|output| output.status.code() == Some(code)).count()
}

fn listed(dir: &Path) -> Vec<u64> {
    let list = program::command().current_dir(dir).args(["--sim=sim", "list", "--json"]).output().unwrap();
    assert!(list.status.success(), "{list:?}");
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    list["vgpus"].as_array().unwrap().iter().map(|vgpu| vgpu["domid"].as_u64().unwrap()).collect()
}

#[test]
fn of_several_creators_for_one_domain_one_wins_and_the_others_are_told() {
    for _ in 0..8 {
        // The host itself does not exist yet: its making is part of the race.
        let dir = tempfile::tempdir().unwrap();
        let outputs = finish((0..4).map(|_| start(dir.path(), 1)).collect());
        assert_eq!((with_code(&outputs, 0), with_code(&outputs, 1)), (1, 3), "{outputs:?}");
        for loser in outputs.iter().filter(|output| !output.status.success()) {
            let text = String::from_utf8_lossy(&loser.stderr);
            assert!(text.contains("domain 1 has a vGPU already"), "{text}");
        }
        assert_eq!(listed(dir.path()), [1]);
    }
}

#[test]
fn creators_for_different_domains_fill_the_host_and_no_more() {
    for _ in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let outputs = finish((1..=5).map(|domid| start(dir.path(), domid)).collect());
        assert_eq!((with_code(&outputs, 0), with_code(&outputs, 6)), (2, 3), "{outputs:?}");
        let domids = listed(dir.path());
        assert_eq!(domids.len(), 2);
        for domid in domids {
            let domid = domid.to_string();
            let audit = ["--sim=sim", "gtt", "audit", "--domid", &domid];
            assert!(
                program::command().current_dir(dir.path()).args(audit).output().unwrap().status.success()
            );
        }
    }
}
