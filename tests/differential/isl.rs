//! Tiled copies against Mesa's isl, byte for byte.
//!
//! isl swizzles X tiles by bits 9 and 10 and Y tiles by bit 9, and its `BGRA8` keeps alpha where ours sets it:
//! the sources have alpha 255 for that one.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failed expectation is the test's result")]

use std::io::Write;
use std::sync::Once;

use libxengt::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, Tiling};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use xengt_opponent_isl::{self as isl, Aligned, Copy, Kind};

#[derive(Debug, Clone, Copy)]
struct Case {
    copy: Copy,
    rows: u32,
    pixels: bool,
    seed: u64,
}

impl Case {
    fn ours(&self) -> (TiledSurface, Rect, LinearLayout, Convert) {
        let (tiling, swizzle) = match self.copy.tiling {
            isl::Tiling::X => (Tiling::X, Swizzle::Bit9_10),
            isl::Tiling::Y => (Tiling::Y, Swizzle::Bit9),
        };
        let swizzle = if self.copy.swizzled { swizzle } else { Swizzle::None };
        let Copy { x, y, width, height, tiled_pitch, linear_pitch, .. } = self.copy;
        let [x, y, width, height] = [x, y, width, height].map(u64::from);
        (
            TiledSurface::try_new(tiling, swizzle, tiled_pitch.into(), self.rows.into()).unwrap(),
            Rect { x, y, width, height },
            LinearLayout { offset: 0, pitch: linear_pitch.into() },
            if self.pixels { Convert::BgrxRgba } else { Convert::AsIs },
        )
    }

    fn kinds(&self, from_tiled: bool) -> &'static [Kind] {
        match (self.pixels, from_tiled) {
            (true, _) => &[Kind::Bgra8, Kind::Bgra8Sse41],
            (false, true) => &[Kind::Plain, Kind::Streaming],
            (false, false) => &[Kind::Plain],
        }
    }

    fn source(&self, len: usize) -> Aligned {
        let mut source = Aligned::random(len, self.seed);
        if self.pixels {
            source.bytes_mut().iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        }
        source
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = prop_oneof![Just((isl::Tiling::X, 512, 8)), Just((isl::Tiling::Y, 128, 32))];
    (shape, any::<bool>(), any::<bool>(), 1..=5_u32, 1..=80_u32, any::<u64>()).prop_flat_map(
        |((tiling, tile_width, _), swizzled, pixels, tiles, rows, seed)| {
            let step = if pixels { 4 } else { 1 };
            let tiled_pitch = tiles * tile_width;
            let x = (0..tiled_pitch / step).prop_flat_map(move |x| (Just(x), x + 1..=tiled_pitch / step));
            let x = prop_oneof![x, Just((0, tiled_pitch / step))];
            let y = (0..rows).prop_flat_map(move |y| (Just(y), y + 1..=rows));
            (x, y, 0..64_u32).prop_map(move |((x, right), (y, bottom), gap)| {
                let (x, width) = (x * step, (right - x) * step);
                let linear_pitch = width + gap * step;
                let height = bottom - y;
                let copy = Copy { tiling, swizzled, x, y, width, height, tiled_pitch, linear_pitch };
                Case { copy, rows, pixels, seed }
            })
        },
    )
}

/// Whether isl is missing. Says so once, past the harness, which hides what passing tests print.
fn skipped() -> bool {
    static SAID: Once = Once::new();
    if !isl::available() {
        SAID.call_once(|| std::io::stderr().write_all(format!("{}\n", isl::SKIP).as_bytes()).unwrap());
    }
    !isl::available()
}

#[test]
fn detile_writes_the_bytes_that_isl_writes() {
    if skipped() {
        return;
    }
    proptest!(xengt_tests::cases(256), |(case in cases())| {
        let (surface, rect, layout, convert) = case.ours();
        let tiled = case.source(usize::try_from(surface.bytes()).unwrap());
        let plan = surface.plan(rect, layout, convert).unwrap();
        let mut ours = vec![0x5a; plan.linear_needed()];
        plan.detile(tiled.bytes(), &mut ours).unwrap();
        for kind in case.kinds(true) {
            let mut theirs = vec![0x5a; plan.linear_needed()];
            isl::tiled_to_linear(case.copy, *kind, tiled.bytes(), &mut theirs).unwrap();
            prop_assert!(ours == theirs, "{kind:?}");
        }
    });
}

#[test]
fn tile_writes_the_bytes_that_isl_writes() {
    if skipped() {
        return;
    }
    proptest!(xengt_tests::cases(256), |(case in cases())| {
        let (surface, rect, layout, convert) = case.ours();
        let plan = surface.plan(rect, layout, convert).unwrap();
        let linear = case.source(plan.linear_needed());
        let mut ours = Aligned::random(usize::try_from(surface.bytes()).unwrap(), !case.seed);
        let before = ours.clone();
        plan.tile(linear.bytes(), ours.bytes_mut()).unwrap();
        for kind in case.kinds(false) {
            let mut theirs = before.clone();
            isl::linear_to_tiled(case.copy, *kind, linear.bytes(), theirs.bytes_mut()).unwrap();
            prop_assert!(ours == theirs, "{kind:?}");
        }
    });
}
