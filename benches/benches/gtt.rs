//! Translation and shadowing, beside the `x86_64` and `vm-memory` crates, Linux's GVT-g, and the plain loops
//! that bound them.
//!
//! `XENGT_GVT_DIR=$(tests/opponents/fetch-gvt.sh) cargo bench -p xengt-benches --bench gtt`
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has no result")]

mod gtt_setup;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use libxengt::addr::{Gpa, Mfn, PpgttAddr};
use libxengt::gtt::{
    FlatGfnMap, Ppgtt, Root, ShadowReport, Target, WalkBudget, gen9, reshadow_page_table, shadow,
};
use libxengt::memory::FlatMemory;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use xengt_benches::ratio::{self, Ratio, measure};
use xengt_opponent_gvt::{self as gvt, Gvt, Host};
use xengt_opponent_x86_walk::Walk;

use gtt_setup::{FixedStore, Layout, Space, addresses};

const MB64: u64 = 64 << 20;
const GIB: u64 = 1 << 30;

type Guest<'s> = FlatMemory<Gpa, &'s [u64]>;

fn ours(ppgtt: &Ppgtt<'_, Guest<'_>>, vas: &[u64]) -> u64 {
    vas.iter().fold(0, |sum, va| {
        let found = ppgtt.translate(PpgttAddr::from_truncated(*va));
        sum ^ found.map_or(1, |page| page.addr.get())
    })
}

fn x86(tables: &Walk<'_>, vas: &[u64]) -> u64 {
    vas.iter().fold(0, |sum, va| sum ^ tables.translate(*va).unwrap_or(1))
}

fn vm(memory: &GuestMemoryMmap, vas: &[u64]) -> u64 {
    vas.iter().fold(0, |sum, va| {
        let mut table = 0x1000;
        for shift in [39, 30, 21, 12] {
            let index = (va >> shift) & 0x1ff;
            let entry: u64 = memory.read_obj(GuestAddress(table + index * 8)).unwrap_or(0);
            if entry & 1 == 0 {
                return sum ^ 1;
            }
            table = entry & 0x3fff_ffff_f000;
        }
        sum ^ (table | va & 0xfff)
    })
}

/// Linux's GVT-g over the same tables, shadowed, where it was there to build.
fn gvt_of(space: &Space) -> Option<Gvt<'_>> {
    let mut gvt = Gvt::new(space.words(), Host { shadow_tables: 1024, ..Host::default() })?;
    gvt.shadow(GVT_ROOT).expect("GVT-g takes these tables");
    Some(gvt)
}

const GVT_ROOT: gvt::Root = gvt::Root::L4(0x1000);

fn gvt_walk(gvt: &Gvt<'_>, vas: &[u64]) -> u64 {
    vas.iter().fold(0, |sum, va| sum ^ gvt.ppgtt(*va).unwrap_or(1))
}

fn range(ppgtt: &Ppgtt<'_, Guest<'_>>, len: u64) -> u64 {
    let runs = ppgtt.translate_range(PpgttAddr::ZERO, len, WalkBudget::default()).expect("in the space");
    runs.fold(0, |sum, run| match run.target {
        Target::Mapped { addr, .. } => sum ^ addr.get() ^ run.len,
        _ => sum ^ 1,
    })
}

/// The least any range translation with one result per page does: each entry in, its address out.
fn range_floor(leaves: &[u64], out: &mut [u64]) -> u64 {
    for (slot, entry) in out.iter_mut().zip(leaves) {
        *slot = (entry & 0x3fff_ffff_f000) >> 12;
    }
    black_box(out).first().copied().unwrap_or(0)
}

/// The least any shadowing does: each entry in, one look at a flat map, an entry out.
fn shadow_floor(leaves: &[u64], map: &[Mfn], out: &mut [u64]) -> u64 {
    for (slot, entry) in out.iter_mut().zip(leaves) {
        let gfn = usize::try_from((entry & 0x3fff_ffff_f000) >> 12).unwrap_or(usize::MAX);
        *slot = map.get(gfn).map_or(0, |mfn| entry & 0xfff | mfn.get() << 12);
    }
    black_box(out).first().copied().unwrap_or(0)
}

/// Machine frames for every guest frame below `frames`, shuffled or in a row.
fn frames(frames: u64, scattered: bool) -> Vec<Mfn> {
    let mfn = |gfn: u64| if scattered { gfn.wrapping_mul(0x9e37_79b1) % frames } else { gfn };
    (0..frames).map(|gfn| Mfn::new(0x10_0000 + mfn(gfn))).collect()
}

fn units(len: u64) -> u32 {
    u32::try_from(len >> 12).unwrap_or(u32::MAX)
}

fn single_ratios(rows: &mut Vec<Ratio>, len: u64, label: &str) {
    let space = Space::new(len, Layout::Scattered);
    let memory = Guest::new(space.words());
    let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
    let vas = addresses(len, 1 << 14);
    let units = 1 << 14;
    let mut copy = Space::new(len, Layout::Scattered);
    let tables = copy.x86_walk();
    let mapped = space.guest_memory();
    assert_eq!(ours(&ppgtt, &vas), x86(&tables, &vas), "both sides find the same pages");
    assert_eq!(ours(&ppgtt, &vas), vm(&mapped, &vas), "both sides find the same pages");
    let name = format!("single walk, {label}, vs x86_64");
    rows.push(measure(&name, 1.1, 400, units, || ours(&ppgtt, &vas), || x86(&tables, &vas)));
    let name = format!("single walk, {label}, vs vm-memory");
    rows.push(measure(&name, 0.04, 20, units, || ours(&ppgtt, &vas), || vm(&mapped, &vas)));
    if let Some(gvt) = gvt_of(&space) {
        assert_eq!(ours(&ppgtt, &vas), gvt_walk(&gvt, &vas), "both sides find the same pages");
        let name = format!("single walk, {label}, vs GVT-g");
        rows.push(measure(&name, 0.1, 100, units, || ours(&ppgtt, &vas), || gvt_walk(&gvt, &vas)));
    }
}

fn range_ratios(rows: &mut Vec<Ratio>, len: u64, label: &str) {
    for (layout, goal) in [(Layout::InARow, 2.0), (Layout::RunsOf16, 2.0), (Layout::Scattered, 10.0)] {
        let space = Space::new(len, layout);
        let memory = Guest::new(space.words());
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let leaves = space.leaves();
        let mut out = vec![0; leaves.len()];
        let name = format!("range, per page, {label} {layout:?}, vs copy loop");
        let floor = || range_floor(leaves, &mut out);
        let row = measure(&name, goal, 200, units(len), || range(&ppgtt, len), floor);
        if layout == Layout::InARow {
            let name = format!("range, per page, {label} {layout:?}, vs the goal of 0.5 ns");
            rows.push(Ratio { name, ours: row.ours, competitor: 0.5, goal: 1.0 });
        }
        rows.push(row);
    }
}

fn shadow_ratios(rows: &mut Vec<Ratio>) {
    for (scattered, label) in [(false, "mfns in a row"), (true, "mfns scattered")] {
        let space = Space::new(MB64, Layout::InARow);
        let memory = Guest::new(space.words());
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let leaves = space.leaves();
        let mfns = frames(1 << 16, scattered);
        let map = FlatGfnMap(&mfns[..]);
        let mut store = FixedStore::new(64);
        let mut out = vec![0; leaves.len()];
        let mut build = || {
            let made = shadow(&ppgtt, &map, &mut store, WalkBudget::default()).expect("fits");
            let pages = made.report().pages;
            made.release(&mut store);
            assert_eq!(pages, MB64 >> 12);
            pages
        };
        let name = format!("shadow, per PTE, {label}, vs map loop");
        let floor = || shadow_floor(leaves, &mfns, &mut out);
        rows.push(measure(&name, 1.25, 400, units(MB64), &mut build, floor));
        if let Some(mut gvt) = gvt_of(&space) {
            let name = format!("shadow, per PTE, {label}, vs GVT-g");
            // As ours does, it takes down what it builds.
            let theirs = || gvt.shadow(GVT_ROOT).expect("as before");
            rows.push(measure(&name, 0.05, 100, units(MB64), build, theirs));
        }
    }
    let mfns = frames(1 << 16, true);
    let map = FlatGfnMap(&mfns[..]);
    let old: [u64; 512] = std::array::from_fn(|i| u64::try_from(i).unwrap_or(0) << 12 | 3);
    let mut new = old;
    for entry in new.iter_mut().step_by(128) {
        *entry ^= 2;
    }
    let mut out = [0; 512];
    let mut report = ShadowReport::default();
    let update = || {
        let (old, new) = (black_box(&old), black_box(&new));
        reshadow_page_table(&gen9::MMU, &map, old, new, &mut out, &mut report)
    };
    let same = new;
    let compare = || black_box(&new) == black_box(&same);
    rows.push(measure("reshadow, per table, 4 changes, vs 4 KiB compare", 4.0, 20_000, 1, update, compare));
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gtt");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    for (len, label) in [(MB64, "64MiB"), (GIB, "1GiB")] {
        let space = Space::new(len, Layout::Scattered);
        let memory = Guest::new(space.words());
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let vas = addresses(len, 1 << 14);
        group.throughput(Throughput::Elements(1 << 14));
        group.bench_function(format!("single/{label}"), |b| b.iter(|| ours(&ppgtt, &vas)));
        let space = Space::new(len, Layout::InARow);
        let memory = Guest::new(space.words());
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        group.throughput(Throughput::Elements(len >> 12));
        group.bench_function(format!("range/{label}"), |b| b.iter(|| range(&ppgtt, len)));
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    record(&mut criterion);
    criterion.final_summary();
    let mut rows = Vec::new();
    for (len, label) in [(MB64, "64 MiB"), (GIB, "1 GiB")] {
        single_ratios(&mut rows, len, label);
        range_ratios(&mut rows, len, label);
    }
    shadow_ratios(&mut rows);
    ratio::print("gtt: both sides in turns, fastest turn each", &rows);
    if !gvt::available() {
        println!("{}", gvt::SKIP);
    }
}
