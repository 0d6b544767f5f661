//! Start-up of the command: `vgtctl list` with seven vGPUs, beside `mdevctl list` with seven mediated devices
//! and a static C program that returns 0 (the least a process costs here).
//!
//! `cargo bench -p xengt-benches --bench cli`. mdevctl (Debian's package) reads /sys itself, so as root the
//! bench runs in a mount namespace of its own, in which /sys shows seven devices; else mdevctl is skipped.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has no result")]

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::Criterion;
use xengt_benches::ratio::{self, Ratio};

/// Spawns of each program, in turns.
const TURNS: usize = 400;
/// Set in the process that runs in the namespace.
const READY: &str = "XENGT_MDEV_READY";

/// Makes /sys in a new mount namespace what mdevctl needs, then goes on with the bench.
const NAMESPACE: &str = r#"
mount -t tmpfs none /sys/bus && mount -t tmpfs none /sys/class || exec env XENGT_MDEV_READY=no "$0" "$@"
gpu=/sys/bus/gpu/0000:00:02.0
mkdir -p /sys/bus/mdev/devices /sys/class/mdev_bus $gpu/mdev_supported_types/i915-GVTg_V5_8
ln -s $gpu /sys/class/mdev_bus/0000:00:02.0
for i in 1 2 3 4 5 6 7; do
    uuid=0000000$i-0000-4000-8000-000000000000
    mkdir $gpu/$uuid
    ln -s ../mdev_supported_types/i915-GVTg_V5_8 $gpu/$uuid/mdev_type
    ln -s $gpu/$uuid /sys/bus/mdev/devices/$uuid
done
exec env XENGT_MDEV_READY=yes "$0" "$@"
"#;

/// A command line that is measured, with the times of its spawns.
struct Program {
    name: &'static str,
    words: Vec<OsString>,
    times: Vec<Duration>,
}

impl Program {
    fn new(name: &'static str, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { name, words: words.into_iter().map(Into::into).collect(), times: Vec::new() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.words.first().unwrap());
        command.args(self.words.get(1..).unwrap()).stdin(Stdio::null());
        command
    }

    fn spawn(&self) {
        let mut command = self.command();
        assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{}", self.name);
    }

    /// How many lines it prints: what is fast because it has nothing to say is no competitor.
    fn lines(&self) -> usize {
        self.command().output().unwrap().stdout.split(|byte| *byte == b'\n').count() - 1
    }

    fn turn(&mut self) {
        let start = Instant::now();
        self.spawn();
        self.times.push(start.elapsed());
    }

    fn min(&self) -> f64 {
        self.times.iter().min().unwrap().as_secs_f64()
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).unwrap().as_secs_f64()
    }
}

fn main() {
    if std::env::var_os(READY).is_none() {
        let words: Vec<_> = std::env::args_os().collect();
        // Returns only if there is no `unshare`, or it may not.
        if Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
            let error = Command::new("unshare").args(["--mount", "sh", "-c", NAMESPACE]).args(words).exec();
            println!("unshare: {error}");
        }
    }
    let scratch = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-cli"));
    std::fs::create_dir_all(scratch).unwrap();
    let dynamic = build(&[]);
    let fixed = build(&["--config", ".cargo/static.toml"]);
    let host = seven(&fixed, scratch);
    let root = |program: &Path| {
        [program.as_os_str(), "--root".as_ref(), host.as_os_str(), "list".as_ref()].map(OsString::from)
    };
    let mut sim = OsString::from("--sim=");
    sim.push(&host);

    let mut programs = vec![
        Program::new("vgtctl --root list, static", root(&fixed)),
        Program::new("vgtctl --sim list, static", [fixed.clone().into_os_string(), sim, "list".into()]),
        Program::new("vgtctl --root list, dynamic", root(&dynamic)),
    ];
    programs.extend(floor(scratch));
    programs.extend(mdevctl());
    for program in programs.iter().filter(|program| program.name.contains("list")) {
        assert!(program.lines() >= 7, "{} shows {} lines", program.name, program.lines());
    }
    for turn in 0..TURNS {
        // Whoever comes after a big program finds the caches full of it: not always the same one.
        if turn % 2 == 0 {
            programs.iter_mut().for_each(Program::turn);
        } else {
            programs.iter_mut().rev().for_each(Program::turn);
        }
    }
    report(&programs);

    let mut criterion = Criterion::default().configure_from_args().sample_size(50);
    let mut group = criterion.benchmark_group("start-up");
    for program in &programs {
        group.bench_function(program.name, |bencher| bencher.iter(|| program.spawn()));
    }
    group.finish();
    criterion.final_summary();
}

fn report(programs: &[Program]) {
    println!("\n{TURNS} spawns of each, in turns\nprogram | min ms | median ms\n--- | --- | ---");
    for program in programs {
        println!("{} | {:.3} | {:.3}", program.name, program.min() * 1e3, program.median() * 1e3);
    }
    let row = |ours: &Program, theirs: &str, goal: f64, what: &str, time: fn(&Program) -> f64| {
        let theirs = programs.iter().find(|program| program.name == theirs)?;
        let (ours_ns, competitor) = (time(ours) * 1e9, time(theirs) * 1e9);
        Some(Ratio {
            name: format!("{} / {} ({what})", ours.name, theirs.name),
            ours: ours_ns,
            competitor,
            goal,
        })
    };
    let [fixed, sim, dynamic, ..] = programs else { return };
    let rows = [
        row(fixed, "mdevctl list", 1.0, "min", Program::min),
        row(fixed, "mdevctl list", 1.0, "median", Program::median),
        row(sim, "mdevctl list", 1.0, "min", Program::min),
        row(dynamic, "mdevctl list", 1.0, "min", Program::min),
        row(fixed, "vgtctl --root list, dynamic", 1.0, "min", Program::min),
        row(fixed, "static C, return 0", 1.5, "min", Program::min),
    ];
    ratio::print("start-up", &rows.into_iter().flatten().collect::<Vec<_>>());
}

/// Builds the release command and returns where it is.
fn build(more: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "vgtctl",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(more)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(done.status.success(), "vgtctl does not build");
    let messages = String::from_utf8(done.stdout).unwrap();
    // The only executable of the messages: `"executable":"PATH"`.
    let path = messages.split("\"executable\":\"").nth(1).and_then(|rest| rest.split('"').next());
    PathBuf::from(path.unwrap())
}

/// A simulated host with as many vGPUs as the kernel allows.
fn seven(vgtctl: &Path, scratch: &Path) -> PathBuf {
    let host = scratch.join("host");
    let run = |words: &[&str]| {
        let mut sim = OsString::from("--sim=");
        sim.push(&host);
        let status = Command::new(vgtctl).arg(sim).args(words).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{words:?}");
    };
    run(&["sim", "init", "--force", "--aperture", "1024"]);
    for domid in ["1", "2", "3", "4", "5", "6", "7"] {
        run(&["create", "--domid", domid]);
    }
    host
}

/// The least that a process costs.
fn floor(scratch: &Path) -> Option<Program> {
    let (source, program) = (scratch.join("floor.c"), scratch.join("floor"));
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let built = Command::new("cc").args(["-O2", "-static", "-o"]).args([&program, &source]).status();
    if !built.is_ok_and(|status| status.success()) {
        println!("SKIP floor: cc cannot make a static program");
        return None;
    }
    Some(Program::new("static C, return 0", [program]))
}

fn mdevctl() -> Option<Program> {
    if Command::new("mdevctl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("SKIP mdevctl: not installed (apt-get install mdevctl)");
        return None;
    }
    if std::env::var_os(READY).is_none_or(|ready| ready != "yes") {
        println!("SKIP mdevctl: it reads /sys itself, and only root can show it seven devices there");
        return None;
    }
    Some(Program::new("mdevctl list", ["mdevctl", "list"]))
}
