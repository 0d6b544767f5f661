//! Detiling a 1920 x 1080 screen of 4-byte pixels: ours, Mesa's isl, and memcpy of the same bytes.
//!
//! `XENGT_ISL_DIR=$(tests/opponents/fetch-isl.sh) cargo bench -p xengt-benches --bench tiling`
#![expect(clippy::unwrap_used, reason = "a bench that cannot set itself up has no result")]

use core::time::Duration;
use std::cell::RefCell;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group};
use libxengt::tiling::{Convert, CopyPlan, LinearLayout, Rect, Swizzle, TiledSurface, Tiling};
use xengt_benches::ratio::{Ratio, print};
use xengt_opponent_isl::{self as isl, Aligned, Copy, Kind};

const PITCH: u32 = 1920 * 4;
const ROWS: u32 = 1080;
/// Many, because it takes one undisturbed turn of each side, and the memory is shared with other machines.
const TURNS: u32 = 300;

/// One way to get a screen's rows out of memory.
#[derive(Debug, Clone)]
enum Contender {
    Memcpy,
    Ours(CopyPlan),
    Isl(Copy, Kind),
}

/// The source, and a destination for each side of a comparison.
///
/// With one destination for both, stores past the caches would cost the competitor its warm output.
struct Screen {
    tiled: Aligned,
    linear: [Aligned; 2],
    /// Where the rows start in `linear`, in bytes.
    skip: usize,
}

/// Whose destination is written.
const OURS: usize = 0;
const THEIRS: usize = 1;

impl Screen {
    /// A destination that starts `skip` bytes after a page.
    fn at(skip: usize) -> RefCell<Self> {
        let len = |rows: u32| usize::try_from(PITCH * rows).unwrap();
        // Whole tile rows of either tiling; alpha as the conversions leave it, so that all outputs can agree.
        let mut tiled = Aligned::random(len(ROWS.next_multiple_of(32)), 1);
        tiled.bytes_mut().iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        let linear = [OURS, THEIRS].map(|_| Aligned::zeroed(len(ROWS) + skip));
        RefCell::new(Self { tiled, linear, skip })
    }

    fn run(&mut self, contender: &Contender, side: usize) {
        let linear = self.linear[side].bytes_mut().get_mut(self.skip..).unwrap();
        match contender {
            Contender::Memcpy => linear.copy_from_slice(self.tiled.bytes().get(..linear.len()).unwrap()),
            Contender::Ours(plan) => plan.detile(self.tiled.bytes(), linear).unwrap(),
            Contender::Isl(copy, kind) => {
                isl::tiled_to_linear(*copy, *kind, self.tiled.bytes(), linear).unwrap();
            }
        }
    }

    /// What `contender` writes.
    fn output(&mut self, contender: &Contender, side: usize) -> Vec<u8> {
        self.linear[side].bytes_mut().fill(0);
        self.run(contender, side);
        self.linear[side].bytes().to_vec()
    }
}

fn ours(tiling: Tiling, swizzled: bool, convert: Convert) -> Contender {
    let swizzle = match (swizzled, tiling) {
        (false, _) => Swizzle::None,
        (true, Tiling::X) => Swizzle::Bit9_10,
        (true, Tiling::Y) => Swizzle::Bit9,
    };
    let surface = TiledSurface::try_new(tiling, swizzle, PITCH.into(), ROWS.into()).unwrap();
    let rect = Rect { x: 0, y: 0, width: PITCH.into(), height: ROWS.into() };
    Contender::Ours(surface.plan(rect, LinearLayout { offset: 0, pitch: PITCH.into() }, convert).unwrap())
}

fn theirs(tiling: Tiling, swizzled: bool, kind: Kind) -> Contender {
    let tiling = match tiling {
        Tiling::X => isl::Tiling::X,
        Tiling::Y => isl::Tiling::Y,
    };
    let (x, y, width, height) = (0, 0, PITCH, ROWS);
    let copy = Copy { tiling, swizzled, x, y, width, height, tiled_pitch: PITCH, linear_pitch: PITCH };
    Contender::Isl(copy, kind)
}

/// The kinds of isl's copies that do what `convert` does.
fn kinds(convert: Convert) -> [(Kind, &'static str); 2] {
    match convert {
        Convert::AsIs => [(Kind::Plain, "isl"), (Kind::Streaming, "isl sse4.1")],
        Convert::BgrxRgba => [(Kind::Bgra8, "isl bgra8"), (Kind::Bgra8Sse41, "isl bgra8 sse4.1")],
    }
}

/// Every combination, with its name.
fn combinations() -> impl Iterator<Item = (String, Tiling, bool, Convert)> {
    let all = [Tiling::X, Tiling::Y].into_iter().flat_map(|tiling| {
        [Convert::AsIs, Convert::BgrxRgba]
            .into_iter()
            .flat_map(move |convert| [false, true].map(|swizzled| (tiling, swizzled, convert)))
    });
    all.map(|(tiling, swizzled, convert)| {
        let swizzle = if swizzled { " swizzled" } else { "" };
        let rgba = if convert == Convert::BgrxRgba { " to RGBA" } else { "" };
        (format!("{tiling}{swizzle}{rgba}"), tiling, swizzled, convert)
    })
}

fn times(criterion: &mut Criterion) {
    let screen = Screen::at(0);
    let mut group = criterion.benchmark_group("detile 1920x1080x4");
    group.throughput(Throughput::Bytes(u64::from(PITCH * ROWS)));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    let mut add = |name: &str, contender: &Contender| {
        group.bench_function(name, |bencher| bencher.iter(|| screen.borrow_mut().run(contender, OURS)));
    };
    add("memcpy", &Contender::Memcpy);
    for (name, tiling, swizzled, convert) in combinations() {
        add(&format!("ours {name}"), &ours(tiling, swizzled, convert));
        if isl::available() {
            for (kind, who) in kinds(convert) {
                add(&format!("{who} {name}"), &theirs(tiling, swizzled, kind));
            }
        }
    }
    group.finish();
}

/// Ours beside a competitor in turns, after a look that both write the same.
fn compare(screen: &RefCell<Screen>, name: &str, goal: f64, one: &Contender, other: &Contender) -> Ratio {
    if matches!(other, Contender::Isl(..)) {
        let mut screen = screen.borrow_mut();
        assert!(screen.output(one, OURS) == screen.output(other, THEIRS), "{name}: the outputs differ");
    }
    let mut best = [f64::INFINITY; 2];
    for _ in 0..TURNS {
        for (side, contender) in [(OURS, one), (THEIRS, other)] {
            // Once unmeasured: neither side pays for what the other left in the caches.
            screen.borrow_mut().run(contender, side);
            let start = Instant::now();
            screen.borrow_mut().run(contender, side);
            best[side] = best[side].min(start.elapsed().as_secs_f64() * 1e9);
        }
    }
    Ratio { name: name.to_owned(), ours: best[OURS], competitor: best[THEIRS], goal }
}

fn ratios() {
    let (aligned, heap) = (Screen::at(0), Screen::at(16));
    let mut rows = Vec::new();
    for (name, tiling, swizzled, convert) in combinations() {
        let mine = ours(tiling, swizzled, convert);
        let memcpy_goal = if tiling == Tiling::X { 1.1 } else { 1.2 };
        let goal = memcpy_goal * if swizzled || convert == Convert::BgrxRgba { 1.1 } else { 1.0 };
        rows.push(compare(&aligned, &format!("{name} / memcpy"), goal, &mine, &Contender::Memcpy));
        // Where large allocations start: 16 bytes into a page.
        let at_heap = format!("{name} / memcpy, both to page + 16");
        rows.push(compare(&heap, &at_heap, goal, &mine, &Contender::Memcpy));
        if swizzled || convert == Convert::BgrxRgba {
            let plain = ours(tiling, false, Convert::AsIs);
            rows.push(compare(&aligned, &format!("{name} / {tiling}"), 1.1, &mine, &plain));
        }
        if isl::available() {
            let goal = if tiling == Tiling::X { 1.0 } else { 0.5 };
            for (kind, who) in kinds(convert) {
                let other = theirs(tiling, swizzled, kind);
                rows.push(compare(&aligned, &format!("{name} / {who}"), goal, &mine, &other));
            }
        }
    }
    print("Detiling 1920 x 1080 x 4 bytes", &rows);
    if !isl::available() {
        println!("{}", isl::SKIP);
    }
}

criterion_group!(benches, times);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    ratios();
}
