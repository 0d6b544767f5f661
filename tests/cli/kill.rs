//! `kill -9` in the middle: the next command finds a consistent host.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::program;

const ROUNDS: u32 = 40;

fn run(dir: &Path, words: &str) -> Output {
    program::command().current_dir(dir).args(words.split(' ')).output().unwrap()
}

fn well(dir: &Path, words: &str) -> Output {
    let output = run(dir, words);
    assert!(output.status.success(), "{words}: {output:?}");
    output
}

/// Starts a command and kills it after a while; whether it had not finished.
fn killed(dir: &Path, words: &str, after: Duration) -> bool {
    let mut child = program::command()
        .current_dir(dir)
        .args(words.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(after);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// Moments spread over a command's run, in an order that differs from run to run.
struct Moments {
    seed: u64,
    longest: Duration,
}

impl Moments {
    fn over(longest: Duration) -> Self {
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        Self { seed: seed.into(), longest }
    }

    fn next(&mut self) -> Duration {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = self.seed >> 33;
        // What is decided is decided early: every other moment lies in the first eighth.
        let span = if random.is_multiple_of(2) { self.longest } else { self.longest / 8 };
        span * u32::try_from((random >> 1) % 1000).unwrap() / 1000
    }
}

/// How long the command takes when nobody stops it.
fn duration(dir: &Path, words: &str) -> Duration {
    let start = Instant::now();
    well(dir, words);
    start.elapsed()
}

/// Every vGPU that is listed is whole; returns their domains.
fn consistent(dir: &Path) -> Vec<u64> {
    let list: Value = serde_json::from_slice(&well(dir, "--sim=sim list --json").stdout).unwrap();
    assert_eq!(list["unreadable"], Value::Array(Vec::new()));
    let domids: Vec<u64> =
        list["vgpus"].as_array().unwrap().iter().map(|vgpu| vgpu["domid"].as_u64().unwrap()).collect();
    for domid in &domids {
        well(dir, &format!("--sim=sim show --domid {domid}"));
        well(dir, &format!("--sim=sim gtt audit --domid {domid}"));
        well(dir, &format!("--sim=sim screenshot --domid {domid} card.png"));
    }
    domids
}

#[test]
fn a_create_that_is_killed_leaves_a_whole_vgpu_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    well(dir, "--sim=sim sim init");
    let mut moments = Moments::over(duration(dir, "--sim=sim create --domid 1"));
    well(dir, "--sim=sim destroy --domid 1");
    let (mut interrupted, mut there) = (0, 0);
    for _ in 0..ROUNDS {
        interrupted += u32::from(killed(dir, "--sim=sim create --domid 1", moments.next()));
        if consistent(dir).is_empty() {
            // Nothing holds what the dead one may have taken.
            well(dir, "--sim=sim create --domid 1");
        } else {
            there += 1;
        }
        assert_eq!(consistent(dir), [1]);
        // A destroy that is killed has done its work or not.
        killed(dir, "--sim=sim destroy --domid 1", moments.next());
        if !consistent(dir).is_empty() {
            well(dir, "--sim=sim destroy --domid 1");
        }
    }
    println!("{interrupted} of {ROUNDS} creates were interrupted; {there} vGPUs were there all the same");
    assert!(interrupted > 0, "no create was interrupted: the moments are wrong");
    // Nothing is left of any of them, neither in the tables nor in the directories.
    let bar = fs::read(dir.join("sim/sys/bus/pci/devices/0000:00:02.0/resource0")).unwrap();
    assert!(bar.iter().all(|byte| *byte == 0));
    for path in ["sim/xengt-sim/guests", "sim/sys/kernel/debug/xengt"] {
        assert_eq!(fs::read_dir(dir.join(path)).unwrap().count(), 0, "{path}");
    }
    let nodes: Vec<_> = fs::read_dir(dir.join("sim/sys/kernel/vgt"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_str() != Some("control"))
        .collect();
    assert!(nodes.is_empty(), "{nodes:?}");
}

#[test]
fn a_first_use_that_is_killed_can_be_gone_on_with() {
    let time = {
        let dir = tempfile::tempdir().unwrap();
        duration(dir.path(), "--sim=sim create --domid 1")
    };
    let mut moments = Moments::over(time);
    let mut interrupted = 0;
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        interrupted += u32::from(killed(dir.path(), "--sim=sim create --domid 1", moments.next()));
        if consistent(dir.path()).is_empty() {
            well(dir.path(), "--sim=sim create --domid 1");
        }
        assert_eq!(consistent(dir.path()), [1]);
    }
    println!("{interrupted} of {ROUNDS} first uses were interrupted");
    assert!(interrupted > 0, "no first use was interrupted: the moments are wrong");
}
