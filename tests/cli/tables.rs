//! Random bytes where tables, registers and maps should be: every verb ends, with a code that is documented.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::program;

/// No verb may take longer than this over anything a guest wrote.
const PATIENCE: Duration = Duration::from_secs(60);

const VERBS: [&str; 18] = [
    "show --domid 1",
    "list",
    "gtt dump --domid 1",
    "gtt dump --domid 1 --space ppgtt",
    "gtt dump --domid 1 --space ppgtt --pml4 0x200000 --json",
    "gtt dump --domid 1 --space ppgtt --no-scratch",
    "gtt dump --domid 1 --space ppgtt --pdp 0x200000,0x201000,0x202000,0x203000",
    "gtt dump --domid 1 --space host",
    "gtt audit --domid 1",
    "gtt translate --domid 1 0x8000000 0x28000000 0 0xffffffff",
    "gtt dump --domid 1 --table 0x200000",
    "gtt dump --domid 1 --table 0x204ff8 --table-bytes 0x2000 --generation gen8 --json",
    "gtt translate --domid 1 --table 0x200000 0 0x1000 0x7000 0xffffffff",
    "gtt translate --domid 1 --space ppgtt --pml4 0x200000 --generation gen8 0 0x100000 0xffffffffffff",
    "gtt translate --domid 1 --space ppgtt --pml4 0x200000 --len 0xfffffffff000 0",
    "fence list",
    "fence list --domid 1",
    "screenshot --domid 1 card.png",
];

/// A stream of numbers without any order, and the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Overwrites words of a file, each as `form` makes it of a random one.
    fn fill(&mut self, file: &Path, at: u64, words: u64, form: impl Fn(u64) -> u64) {
        let bytes: Vec<u8> = (0..words).flat_map(|_| form(self.next()).to_le_bytes()).collect();
        File::options().write(true).open(file).unwrap().write_all_at(&bytes, at).unwrap();
    }
}

/// The simulated host with a vGPU, all of whose tables have been overwritten.
fn check(seed: u64, form: impl Fn(u64) -> u64 + Copy) {
    let dir = tempfile::tempdir().unwrap();
    let made =
        program::command().current_dir(dir.path()).args(["--sim=sim", "create", "--domid", "1"]).output();
    assert!(made.unwrap().status.success());
    let sim = dir.path().join("sim");
    let mut noise = Noise(seed);
    // Eight frames of PPGTT tables, the guest's GGTT, its registers, the host's fences and GGTT window.
    noise.fill(&sim.join("xengt-sim/guests/1/memory"), 0x20_0000, 8 * 512, form);
    noise.fill(&sim.join("sys/kernel/debug/xengt/vm1/ggtt"), 0, 1 << 17, form);
    noise.fill(&sim.join("sys/bus/pci/devices/0000:00:02.0/resource0"), 0x10_0000, 32, form);
    noise.fill(&sim.join("sys/bus/pci/devices/0000:00:02.0/resource0"), 0x84_0000, 1 << 14, form);
    for registers in [false, true] {
        if registers {
            noise.fill(&sim.join("sys/kernel/debug/xengt/vm1/mmio"), 0, (2 << 20) / 8, form);
        }
        for verb in VERBS {
            run(dir.path(), verb);
        }
    }
}

fn run(dir: &Path, verb: &str) {
    let mut child = program::command()
        .current_dir(dir)
        .arg("--sim=sim")
        .args(verb.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{verb} does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text).unwrap();
    assert!(matches!(status.code(), Some(0 | 1 | 3 | 5 | 7)), "{verb}: {status}: {text}");
    assert!(!text.contains("panicked"), "{verb}: {text}");
}

#[test]
fn random_bytes_are_survived() {
    check(1, |word| word);
}

#[test]
fn present_entries_that_lead_anywhere_in_memory_are_survived() {
    check(2, |word| (word & 0x7fff_f000) | 3);
}

#[test]
fn tables_that_lead_to_each_other_are_survived() {
    check(3, |word| 0x20_0000 + (word % 8) * 0x1000 + 3);
}

#[test]
fn huge_pages_everywhere_are_survived() {
    check(4, |word| (word & 0x7fff_f000) | 0x83);
}
