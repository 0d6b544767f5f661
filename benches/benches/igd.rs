//! The GPU model: what a register access costs, and how fast batches go through the execution lists, beside plain
//! stores of what the batches leave in memory.
//!
//! `cargo bench -p xengt-benches --bench igd`; instructions are counted where valgrind is installed.
#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has no result")]

#[path = "../../tools/igd-model/tests/model/machine.rs"]
#[expect(dead_code, reason = "the model's tests use more of the machine")]
mod machine;

use std::env;
use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use igd_model::device::Region;
use igd_model::engine::EngineId;
use libxengt::addr::Maddr;
use xengt_benches::ratio::{Ratio, measure, print};

use machine::{BATCH, BATCH_END, DATA, MEMORY, Machine, PROCESS, descriptor, image};

/// Accesses in one turn.
const ACCESSES: u32 = 10_000;

/// Where the context's image keeps the ring's head, which the end of a run moves on.
const SAVED_HEAD: u64 = 4096 + 5 * 4;

const STORE_DWORD: u32 = 0x20 << 23 | 2;
/// Into the context's own space.
const BATCH_START: u32 = 0x31 << 23 | 1 << 8 | 1;
/// 512 x 512 pixels of 32 bits, linear, from the pattern: 1 MB.
const FILL: [u32; 7] =
    [2 << 29 | 0x50 << 22 | 3 << 20 | 5, 3 << 24 | 0xf0 << 16 | 2048, 0, 512 << 16 | 512, 0, 0, 7];
const FILL_BYTES: u32 = 1 << 20;

/// Offsets in BAR 0, each of what makes a difference to the model.
const REGISTERS: [(&str, u64); 5] = [
    ("plain: RING_START of render", 0x2038),
    ("behaviour: RING_MI_MODE of render", 0x209c),
    ("forcewake: FORCEWAKE_RENDER_GEN9", 0xa278),
    ("unknown: 0x1f0000", 0x1f_0000),
    ("GGTT entry", (8 << 20) + 0x1_0000),
];

fn read(machine: &mut Machine, offset: u64, accesses: u32) -> u32 {
    let mut word = [0; 4];
    (0..accesses).fold(0, |sum, _| {
        machine.device.region_read(Region::Bar0, black_box(offset), &mut word);
        sum ^ u32::from_le_bytes(word)
    })
}

fn write(machine: &mut Machine, offset: u64, accesses: u32) {
    for access in 0..accesses {
        // Masked registers take the bits whose upper half is set.
        let word = (access & 1 | 1 << 16).to_le_bytes();
        machine.device.region_write(Region::Bar0, black_box(offset), &word);
    }
}

/// Makes a context of the engine that runs these commands as a batch.
fn batch(machine: &mut Machine, id: EngineId, commands: &[u32]) {
    machine.put_data(BATCH, commands);
    machine.context(id, 0, &[BATCH_START, u32::try_from(BATCH).unwrap(), 0, 0]);
}

/// Submits the context again, from its ring's start.
fn again(machine: &mut Machine, id: EngineId) {
    machine.put(MEMORY + image(0) + SAVED_HEAD, &[0]);
    machine.submit(id, descriptor(0), 0);
}

/// Batch of so many stores, each to a word of its own.
fn stores(count: u32) -> Vec<u32> {
    let at = |n: u32| u32::try_from(DATA).unwrap() + n * 4;
    (0..count).flat_map(|n| [STORE_DWORD, at(n), 0, !n]).chain([BATCH_END]).collect()
}

/// A machine on which `stores(count)` has been shown to run.
fn with_stores(count: u32) -> Machine {
    let mut machine = Machine::new();
    batch(&mut machine, EngineId::Render, &stores(count));
    for run in 0..2 {
        machine.put_data(DATA + u64::from(count - 1) * 4, &[0]);
        again(&mut machine, EngineId::Render);
        assert_eq!(machine.data(DATA + u64::from(count - 1) * 4), !(count - 1), "run {run}");
    }
    machine
}

/// A machine on which the ring's fill has been shown to run, more than once: it has the whole space of the context.
fn with_fill() -> Machine {
    let mut machine = Machine::new();
    machine.context(EngineId::Blitter, 0, &FILL);
    for run in 0..2 {
        machine.put_data(0xf_fffc, &[0]);
        fill(&mut machine);
        assert_eq!(machine.data(0xf_fffc), 7, "run {run}");
    }
    machine
}

/// The engine lets others have their turn after some commands, of which a large blit counts as many.
fn fill(machine: &mut Machine) {
    again(machine, EngineId::Blitter);
    while machine.device.tick() == Some(Duration::ZERO) {}
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("igd");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    group.throughput(Throughput::Elements(ACCESSES.into()));
    let mut machine = Machine::new();
    for (name, offset) in REGISTERS {
        group.bench_function(format!("read/{name}"), |b| b.iter(|| read(&mut machine, offset, ACCESSES)));
        group.bench_function(format!("write/{name}"), |b| b.iter(|| write(&mut machine, offset, ACCESSES)));
    }
    for count in [1, 1000] {
        let mut machine = with_stores(count);
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(format!("batch/{count} MI_STORE_DWORD"), |b| {
            b.iter(|| again(&mut machine, EngineId::Render));
        });
    }
    let mut machine = with_fill();
    group.throughput(Throughput::Bytes(FILL_BYTES.into()));
    group.bench_function("batch/XY_COLOR_BLT of 1 MB", |b| b.iter(|| fill(&mut machine)));
    group.finish();
}

/// What the batches leave in memory, stored by this processor as the model stores it: in single accesses.
fn plain_stores(machine: &Machine, count: u32) {
    for n in 0..count {
        machine.put_data(DATA + u64::from(n) * 4, &[black_box(!n)]);
    }
}

/// Beside what bounds them; the goals are somewhat above what there was when they were set, to show a change.
fn ratios() -> Vec<Ratio> {
    let mut rows = Vec::new();
    for (count, goal) in [(1, 90.0), (1000, 90.0)] {
        let (mut ours, theirs) = (with_stores(count), Machine::new());
        let name = format!("batch of {count} MI_STORE_DWORD, per command, vs plain stores");
        let run = || again(&mut ours, EngineId::Render);
        let row = measure(&name, goal, 2000, count, run, || plain_stores(&theirs, count));
        let commands = 1e9 / row.ours;
        println!(
            "batch of {count}: {:.0} batches and {commands:.0} commands a second",
            commands / f64::from(count)
        );
        rows.push(row);
    }
    let mut ours = with_fill();
    let memory = Machine::new();
    let pixels = vec![7; usize::try_from(FILL_BYTES).unwrap()];
    let at = Maddr::new(MEMORY + PROCESS);
    let copy = || memory.device.memory().write(at, black_box(&pixels)).unwrap();
    let name = "XY_COLOR_BLT of 1 MB, per KB, vs memcpy";
    rows.push(measure(name, 100.0, 20, FILL_BYTES >> 10, || fill(&mut ours), copy));
    rows
}

/// What valgrind can be asked to run.
#[derive(Debug, Clone, Copy)]
enum Counted {
    Read(u64),
    Write(u64),
    /// Batches of so many stores.
    Stores(u32),
}

/// Says in the environment what of the list of [`all_counted`] valgrind shall run, and how often.
const COUNTED: &str = "XENGT_COUNTED";

fn all_counted() -> Vec<(String, Counted)> {
    let mut all = Vec::new();
    for (name, offset) in REGISTERS {
        all.push((format!("read of {name}"), Counted::Read(offset)));
        all.push((format!("write of {name}"), Counted::Write(offset)));
    }
    for count in [1, 1000] {
        all.push((format!("batch of {count} MI_STORE_DWORD"), Counted::Stores(count)));
    }
    all
}

/// Runs what [`COUNTED`] asks for; whether it asked.
fn counted() -> bool {
    let Ok(wanted) = env::var(COUNTED) else { return false };
    let (number, times) = wanted.split_once(' ').unwrap();
    let (number, times): (usize, u32) = (number.parse().unwrap(), times.parse().unwrap());
    match all_counted()[number].1 {
        Counted::Read(offset) => {
            black_box(read(&mut Machine::new(), offset, times));
        }
        Counted::Write(offset) => write(&mut Machine::new(), offset, times),
        Counted::Stores(count) => {
            let mut machine = with_stores(count);
            (0..times).for_each(|_| again(&mut machine, EngineId::Render));
        }
    }
    true
}

/// All instructions of a run of this program, as callgrind counts them.
fn instructions(number: usize, times: u64) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .env(COUNTED, format!("{number} {times}"))
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// The difference of two runs is what the times that one does more cost: no start of the program, no set-up.
fn count() {
    println!("\nInstructions, each\nwhat | instructions\n--- | ---");
    for (number, (name, what)) in all_counted().into_iter().enumerate() {
        let (few, many) = if matches!(what, Counted::Stores(1000)) { (2, 12) } else { (100, 1100) };
        match (instructions(number, few), instructions(number, many)) {
            (Some(less), Some(more)) => println!("{name} | {}", (more - less) / (many - few)),
            _ => return println!("not counted: valgrind is not there, or did not count"),
        }
    }
}

fn main() {
    if counted() {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    record(&mut criterion);
    criterion.final_summary();
    println!();
    print("Batches: both sides in turns, fastest turn each", &ratios());
    count();
}
