//! A simulated host whose files somebody damaged: refused or repaired, and never made worse.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use libxengt::addr::DomId;
use libxengt::control::ControlError;
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::host::Host;
use libxengt::root::Root;
use libxengt::sim::SimError;
use xengt_tests::{check_host, one};

const GPU: &str = "sys/bus/pci/devices/0000:00:02.0";

/// A host in a new directory.
fn made() -> (tempfile::TempDir, PathBuf, Host) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    let host = Host::simulated(&dir).unwrap();
    (temp, dir, host)
}

fn set_len(path: &Path, len: u64) -> u64 {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let before = file.metadata().unwrap().len();
    file.set_len(len).unwrap();
    before
}

#[test]
fn create_that_the_disk_refuses_leaves_nothing_and_the_host_still_opens() {
    for file in ["resource0", "resource2"] {
        let (_temp, dir, host) = made();
        one(&host, "create", 2).unwrap();
        let bar = dir.join(GPU).join(file);
        let whole = set_len(&bar, 4096);
        let request =
            libxengt::control::CreateRequest::of_type(DomId::new(1), &libxengt::vgpu_type::VgpuType::ALL[0]);
        match host.control().create(&request).unwrap_err() {
            error @ ControlError::Refused { .. } => assert_eq!(error.kind(), ErrorKind::Failed),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::metadata(&bar).unwrap().len(), 4096, "a damaged file was grown");
        let host = Host::open(Root::at(&dir)).unwrap();
        let domids: Vec<u16> = host.control().list().unwrap().iter().map(|entry| entry.domid.get()).collect();
        assert_eq!(domids, [2]);
        assert!(matches!(
            host.sim().unwrap().guest_memory(DomId::new(1)),
            Err(SimError::NoGuest { domid: 1 })
        ));
        // Repaired, it does what it always did.
        set_len(&bar, whole);
        one(&host, "destroy", 2).unwrap();
        assert_eq!(check_host(&host), Ok(vec![]));
        one(&host, "create", 1).unwrap();
        assert_eq!(check_host(&host).map(|vgpus| vgpus.len()), Ok(1));
    }
}

#[test]
fn missing_files_of_the_simulator_do_not_speak_the_kernels_errnos() {
    let (_temp, dir, host) = made();
    fs::remove_file(dir.join(GPU).join("resource0")).unwrap();
    // ENOENT in the protocol means that there is no such vGPU, which is not what happened.
    let error = one(&host, "create", 1).unwrap_err();
    assert!(error.contains("the kernel refused"), "{error}");
}

#[test]
fn states_that_no_kernel_could_have_are_refused() {
    let (_temp, dir, host) = made();
    one(&host, "create", 1).unwrap();
    one(&host, "create", 2).unwrap();
    let path = dir.join("xengt-sim/state.json");
    let sound = fs::read_to_string(&path).unwrap();
    let mib = |n: u64| (n << 20).to_string();
    for (from, to) in [
        ("\"id\": 2", "\"id\": 1".to_owned()),
        ("\"id\": 2", "\"id\": 8".to_owned()),
        ("\"id\": 2", "\"id\": 0".to_owned()),
        ("\"low_mb\": 64", "\"low_mb\": 65".to_owned()),
        (&format!("\"aperture\": {}", mib(128)), format!("\"aperture\": {}", mib(64))),
        (&format!("\"aperture\": {}", mib(128)), format!("\"aperture\": {}", mib(192))),
        (&format!("\"aperture\": {}", mib(192)), format!("\"aperture\": {}", mib(256))),
        (&format!("\"hidden\": {}", mib(640)), format!("\"hidden\": {}", mib(256))),
        (&format!("\"hidden\": {}", mib(640)), format!("\"hidden\": {}", mib(4000))),
        ("        4,\n", "        3,\n".to_owned()),
        ("        4,\n", "        5,\n".to_owned()),
        ("        4,\n", "        8,\n".to_owned()),
        ("        4,\n", String::new()),
        ("\"paused\": false", "\"paused\": 7".to_owned()),
        ("\"guest1\"", "\"\\u001b[2J\"".to_owned()),
        ("\"hvm\"", "\"\\u001b[2J\"".to_owned()),
        ("\"format\": 1", "\"format\": 2".to_owned()),
    ] {
        let damaged = sound.replacen(from, &to, 1);
        assert_ne!(damaged, sound, "{from} is not in {sound}");
        fs::write(&path, damaged).unwrap();
        match Host::open(Root::at(&dir)).map(|_| ()) {
            Err(error @ SimError::State { .. }) => {
                assert!(!error.to_string().contains('\x1b'), "{error}");
                assert_eq!(error.kind(), ErrorKind::Failed);
            }
            other => panic!("{from} as {to}: {other:?}"),
        }
    }
    // Nothing was touched meanwhile.
    fs::write(&path, sound).unwrap();
    assert_eq!(check_host(&Host::open(Root::at(&dir)).unwrap()).map(|vgpus| vgpus.len()), Ok(2));
}

#[test]
fn huge_and_endless_files_of_the_simulator_are_refused() {
    let (_temp, dir, host) = made();
    one(&host, "create", 1).unwrap();
    let p2m = dir.join("xengt-sim/guests/1/p2m");
    set_len(&p2m, 1 << 30);
    assert!(matches!(host.sim().unwrap().guest_p2m(DomId::new(1)), Err(SimError::State { .. })));
    let state = dir.join("xengt-sim/state.json");
    set_len(&state, 1 << 30);
    assert!(matches!(Host::open(Root::at(&dir)), Err(SimError::State { .. })));
    fs::remove_file(&state).unwrap();
    std::os::unix::fs::symlink("state.json", &state).unwrap();
    assert!(matches!(Host::open(Root::at(&dir)), Err(SimError::Io { .. })));
}

#[test]
fn half_made_host_is_no_real_one_and_is_finished_by_the_next_user() {
    let (_temp, dir, _) = made();
    fs::remove_file(dir.join("xengt-sim/state.json")).unwrap();
    fs::remove_dir_all(dir.join("sys/kernel")).unwrap();
    let error = Host::open(Root::at(&dir)).map(|_| ()).unwrap_err();
    assert!(matches!(error, SimError::Unfinished { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--sim=DIR")));
    assert_eq!(check_host(&Host::simulated(&dir).unwrap()), Ok(vec![]));
    assert!(Host::open(Root::at(&dir)).is_ok());
}
