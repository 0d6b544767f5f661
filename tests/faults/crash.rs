//! Death at any moment: the next to open the host finds every vGPU whole or not there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use libxengt::addr::DomId;
use libxengt::control::Vgpu;
use libxengt::host::Host;
use xengt_tests::{check_host, one};

const CHURN: &str = env!("CARGO_BIN_EXE_xengt-churn");

#[test]
fn killed_at_random_the_host_stays_whole() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    let (mut interrupted, mut found) = (0, 0);
    for round in 0..40_u64 {
        if round % 8 == 0 && dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        let mut victim = Command::new(CHURN).arg(&dir).args([&round.to_string(), "1000000"]).spawn().unwrap();
        // The first of eight dies while the host is made, the others later and later.
        thread::sleep(Duration::from_micros(500 + round % 8 * 15_000 + round * 331));
        assert!(victim.try_wait().unwrap().is_none(), "round {round}: it stopped by itself");
        victim.kill().unwrap();
        victim.wait().unwrap();
        let [truth, shown] =
            ["state", "applied"].map(|name| fs::read(dir.join(format!("xengt-sim/{name}.json"))).ok());
        interrupted += usize::from(truth != shown);
        let host = Host::simulated(&dir).unwrap();
        found += check_host(&host).unwrap_or_else(|problem| panic!("round {round}: {problem}")).len();
    }
    println!("{interrupted} of 40 died between truth and tree; {found} vGPUs found afterwards");
    assert!(found > 0, "none lived long enough to make a vGPU");
}

/// The calls that change files. Death before each of them is death after each change: opening changes nothing
/// that the next of these does not come after.
const CALLS: [&str; 9] =
    ["write", "pwrite64", "ftruncate", "mkdir", "rename", "unlink", "unlinkat", "rmdir", "symlink"];

/// Runs one change under strace, which kills it before its `n`th such call; whether it died.
fn killed_at(call: &str, n: usize, dir: &Path, words: &[&str]) -> bool {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "--trace", call])
        .arg(format!("--inject={call}:signal=SIGKILL:when={n}"))
        .arg(CHURN)
        .arg(dir)
        .args(words)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

/// Kills a change at its first call of each kind, its second, and so on until it is through; how many deaths
/// that took.
fn at_every_call(dir: &Path, words: &[&str], prepare: impl Fn(), check: impl Fn(&str)) -> usize {
    let mut deaths = 0;
    for call in CALLS {
        for n in 1.. {
            prepare();
            let died = killed_at(call, n, dir, words);
            check(&format!("{words:?} killed at {call} {n}"));
            if !died {
                break;
            }
            deaths += 1;
        }
    }
    deaths
}

fn strace_works() -> bool {
    let traced =
        Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let works = traced.is_ok_and(|status| status.success());
    if !works {
        println!("SKIP killed_at_every_call: strace is not installed or may not trace");
    }
    works
}

#[test]
fn killed_at_every_call_of_a_change_the_host_stays_whole() {
    if !strace_works() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    one(&Host::simulated(&dir).unwrap(), "create", 2).unwrap();
    let bystander = Host::simulated(&dir).unwrap().control().get(DomId::new(2)).unwrap();
    for (verb, before) in [("create", "destroy"), ("destroy", "create"), ("pause", "resume")] {
        let prepare = || {
            let host = Host::simulated(&dir).unwrap();
            if verb == "pause" {
                one(&host, "create", 1).unwrap();
            }
            one(&host, before, 1).unwrap();
        };
        let check = |when: &str| {
            let vgpus = check_host(&Host::simulated(&dir).unwrap());
            let vgpus = vgpus.unwrap_or_else(|problem| panic!("{when}: {problem}"));
            let others: Vec<&Vgpu> = vgpus.iter().filter(|vgpu| vgpu.domid.get() != 1).collect();
            assert_eq!(others, [&bystander], "{when}");
        };
        let deaths = at_every_call(&dir, &[verb, "1"], prepare, check);
        println!("{verb}: whole after each of {deaths} deaths");
        assert!(deaths >= 6, "{verb} made only {deaths} calls");
    }
}

#[test]
fn killed_at_every_call_of_the_first_use_the_host_is_made_by_the_next() {
    if !strace_works() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("sim");
    let prepare = || {
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
    };
    let check = |when: &str| assert_eq!(check_host(&Host::simulated(&dir).unwrap()), Ok(vec![]), "{when}");
    let deaths = at_every_call(&dir, &["init"], prepare, check);
    println!("init: whole after each of {deaths} deaths");
    assert!(deaths > 30);
}
