//! Our side of the hypervisor edge, per guest frame: on a kernel and a Xen of mocks that say yes at once
//! (`instant_xen` and `instant_patched_xen` of `libxengt::xen::testing`), beside a plain copy of the frames' numbers and
//! beside calls for one frame each. What the hypervisor itself takes is counted, not timed: the crossings are printed as well.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has no result")]

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use libxengt::addr::{DomId, Gfn, Gpa};
use libxengt::memory::GuestMemory;
use libxengt::xen::testing::{instant_patched_xen, instant_xen};
use libxengt::xen::{Access, Crossings, ForeignPages, FrameState, LiveMemory, Xen};
use xengt_benches::ratio::{self, Ratio, measure};

const DOMID: DomId = DomId::new(7);
/// 256 MiB of guest memory, 32 batches.
const COUNT: u32 = 1 << 16;
const MILLION: u32 = 1_000_000;
/// Calls for one frame each take long: so many are enough.
const FEW: u32 = 1 << 12;

fn gfns(count: u32) -> Vec<Gfn> {
    (0..u64::from(count)).map(Gfn::new).collect()
}

fn machine_frames(xen: &Xen, gfns: &[Gfn]) -> Vec<FrameState> {
    xen.machine_frames(DOMID, gfns).expect("a mock translates")
}

fn machine_frames_into(xen: &Xen, gfns: &[Gfn], states: &mut Vec<FrameState>) -> usize {
    xen.machine_frames_into(DOMID, gfns, states).expect("a mock translates");
    states.len()
}

fn one_by_one(xen: &Xen, gfns: &[Gfn]) -> usize {
    gfns.iter().map(|gfn| machine_frames(xen, std::slice::from_ref(gfn)).len()).sum()
}

fn map(xen: &Xen, gfns: &[Gfn]) -> ForeignPages {
    ForeignPages::map(xen, DOMID, Access::Read, gfns).expect("a mock maps")
}

fn map_batched(xen: &Xen, gfns: &[Gfn]) -> usize {
    gfns.chunks(2048).map(|batch| map(xen, batch).len()).sum()
}

fn map_one_by_one(xen: &Xen, gfns: &[Gfn]) -> usize {
    gfns.iter().map(|gfn| map(xen, std::slice::from_ref(gfn)).len()).sum()
}

/// One word of each frame, in order: every 16th read maps.
fn read_live(memory: &LiveMemory, gfns: &[Gfn]) -> u64 {
    gfns.iter().fold(0, |sum, gfn| sum ^ memory.read_u64(Gpa::new(gfn.get() << 12)).unwrap_or(1))
}

/// The least that any translation does: a number in, a number out.
fn copy(from: &[Gfn], to: &mut [Gfn]) {
    to.copy_from_slice(from);
}

fn crossings<T>(name: &str, xen: &Xen, work: impl FnOnce() -> T) -> (String, Crossings) {
    let before = xen.crossings();
    drop(black_box(work()));
    (name.to_owned(), xen.crossings().since(&before))
}

fn print_crossings() {
    let (xen, patched) = (instant_xen(MILLION.into()), instant_patched_xen(MILLION.into()));
    let million = gfns(MILLION);
    let memory = LiveMemory::new(&xen, DOMID).expect("a mock has a domain");
    let rows = [
        crossings("subop 29 of our patches, batched", &patched, || machine_frames(&patched, &million)),
        crossings("subop 29 of our patches, one by one", &patched, || one_by_one(&patched, &million)),
        crossings("subop 29, batched", &xen, || machine_frames(&xen, &million)),
        crossings("subop 29, one by one", &xen, || one_by_one(&xen, &million)),
        crossings("foreign map, one list", &xen, || map(&xen, &million)),
        crossings("foreign map, lists of 2048", &xen, || map_batched(&xen, &million)),
        crossings("foreign map, one by one", &xen, || map_one_by_one(&xen, &million)),
        crossings("LiveMemory, a word of each frame", &xen, || read_live(&memory, &million)),
    ];
    println!("\ncrossings per 1,000,000 gfns\nname | ioctls | hypercalls | maps | mmaps");
    println!("--- | --- | --- | --- | ---");
    for (name, made) in rows {
        let (ioctls, Crossings { hypercalls, foreign_maps, reservations, .. }) = (made.ioctls(), made);
        println!("{name} | {ioctls} | {hypercalls} | {foreign_maps} | {reservations}");
    }
}

fn main() {
    let (xen, patched) = (instant_xen(COUNT.into()), instant_patched_xen(COUNT.into()));
    let mut states = Vec::new();
    let all = gfns(COUNT);
    let few = gfns(FEW);
    let memory = LiveMemory::new(&xen, DOMID).expect("a mock has a domain");
    let mut out = all.clone();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("xen");
    group.throughput(Throughput::Elements(COUNT.into()));
    group.bench_function("machine_frames", |b| b.iter(|| machine_frames(&xen, black_box(&all))));
    group.bench_function("machine_frames_into, our patches", |b| {
        b.iter(|| machine_frames_into(&patched, black_box(&all), &mut states));
    });
    group.bench_function("foreign_map", |b| b.iter(|| map_batched(&xen, black_box(&all))));
    group.bench_function("live_memory", |b| b.iter(|| read_live(&memory, black_box(&all))));
    group.bench_function("copy", |b| b.iter(|| copy(black_box(&all), black_box(&mut out))));
    group.finish();

    let turns = 60;
    let mut floor = || copy(black_box(&all), black_box(&mut out));
    let ours = [
        measure(
            "machine_frames_into, our patches : copy",
            20.0,
            turns,
            COUNT,
            || machine_frames_into(&patched, black_box(&all), &mut states),
            &mut floor,
        ),
        measure(
            "machine_frames : copy",
            20.0,
            turns,
            COUNT,
            || machine_frames(&xen, black_box(&all)),
            &mut floor,
        ),
        measure(
            "foreign map, 2048 a list : copy",
            20.0,
            turns,
            COUNT,
            || map_batched(&xen, black_box(&all)),
            &mut floor,
        ),
        measure(
            "LiveMemory, in order : copy",
            2000.0,
            turns,
            COUNT,
            || read_live(&memory, black_box(&all)),
            &mut floor,
        ),
    ];
    let singly = [
        measure(
            "machine_frames : one by one",
            0.01,
            turns,
            FEW,
            || machine_frames(&xen, black_box(&few)),
            || one_by_one(&xen, black_box(&few)),
        ),
        measure(
            "foreign map, 2048 a list : one by one",
            0.01,
            turns,
            FEW,
            || map_batched(&xen, black_box(&few)),
            || map_one_by_one(&xen, black_box(&few)),
        ),
        measure(
            "LiveMemory, in order : one by one",
            0.2,
            turns,
            FEW,
            || read_live(&memory, black_box(&few)),
            || map_one_by_one(&xen, black_box(&few)),
        ),
    ];
    let absolute = ours.clone().map(|row| Ratio {
        name: format!("{}, vs the goal of 1 ns", row.name.split(" :").next().unwrap_or_default()),
        competitor: 1.0,
        goal: 1.0,
        ..row
    });
    ratio::print("our side of the hypervisor edge, per gfn, on a mock, beside 8 bytes copied", &ours);
    ratio::print("beside a call for each", &singly);
    ratio::print("the same, absolutely", &absolute);
    print_crossings();
}
