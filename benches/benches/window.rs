//! Window translation, guest to host and back, beside the plain sum that bounds it.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has no result")]

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use libxengt::addr::{GuestGma, HostGma, MB};
use libxengt::window::Window;
use xengt_benches::ratio::{self, Ratio, measure};

const COUNT: u32 = 4096;

/// Addresses all over both slices, in an order that no predictor learns.
fn addresses(window: &Window) -> Vec<GuestGma> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..COUNT)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let slice = if state >> 63 == 0 { window.aperture() } else { window.hidden() };
            slice.guest_base().checked_add((state >> 20) % slice.size()).expect("inside the slice")
        })
        .collect()
}

fn g2h(window: &Window, guest: &[GuestGma]) -> u64 {
    guest.iter().fold(0, |sum, gma| sum ^ window.g2h(*gma).map_or(1, HostGma::get))
}

fn h2g(window: &Window, host: &[HostGma]) -> u64 {
    host.iter().fold(0, |sum, gma| sum ^ window.h2g(*gma).map_or(1, GuestGma::get))
}

/// The least any such translation does: one addition, unchecked.
fn sum(offset: u64, raw: &[u64]) -> u64 {
    raw.iter().fold(0, |sum, gma| sum ^ gma.wrapping_add(offset))
}

fn main() {
    let (aperture, hidden) = ((HostGma::new(0x800_0000), 64 * MB), (HostGma::new(0x2800_0000), 384 * MB));
    let window = Window::zero_based(aperture, hidden, GuestGma::new(0x1000_0000)).expect("a window");
    let guest = addresses(&window);
    let raw: Vec<u64> = guest.iter().map(|gma| gma.get()).collect();
    let host: Vec<HostGma> = guest.iter().map(|gma| window.g2h(*gma).expect("inside")).collect();
    let mut out = vec![HostGma::ZERO; guest.len()];

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("window");
    group.throughput(Throughput::Elements(COUNT.into()));
    group.bench_function("g2h", |b| b.iter(|| g2h(black_box(&window), black_box(&guest))));
    group.bench_function("h2g", |b| b.iter(|| h2g(black_box(&window), black_box(&host))));
    group.bench_function("g2h_batch", |b| {
        b.iter(|| black_box(&window).g2h_batch(black_box(&guest), &mut out))
    });
    group.finish();

    // A nanosecond is the goal; the ratio says how far from the plain sum that is.
    let floor = || sum(black_box(0x800_0000), black_box(&raw));
    let turns = 2000;
    let rows = [
        measure(
            "g2h, random halves : unchecked sum",
            10.0,
            turns,
            COUNT,
            || g2h(black_box(&window), black_box(&guest)),
            floor,
        ),
        measure(
            "h2g, random halves : unchecked sum",
            10.0,
            turns,
            COUNT,
            || h2g(black_box(&window), black_box(&host)),
            floor,
        ),
        measure(
            "g2h_batch : unchecked sum",
            10.0,
            turns,
            COUNT,
            || window.g2h_batch(black_box(&guest), &mut out).is_ok(),
            floor,
        ),
    ];
    let absolute = rows.clone().map(|row| Ratio {
        name: format!("{}, vs the goal of 1 ns", row.name.split(',').next().unwrap_or_default()),
        competitor: 1.0,
        goal: 1.0,
        ..row
    });
    ratio::print("window translation, per address", &rows);
    ratio::print("the same, absolutely", &absolute);
}
