//! Tiled copies against the manual's formula, and against themselves backwards.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failed expectation is the test's result")]

use libxengt::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, Tiling, TilingError};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use xengt_tests::tiled;

/// Each mode beside the address bits that the kernel's name of it lists.
const SWIZZLES: [(Swizzle, &[u32]); 5] = [
    (Swizzle::None, &[]),
    (Swizzle::Bit9, &[9]),
    (Swizzle::Bit9_10, &[9, 10]),
    (Swizzle::Bit9_11, &[9, 11]),
    (Swizzle::Bit9_10_11, &[9, 10, 11]),
];

/// A copy that is inside its surface and its buffers.
#[derive(Debug, Clone)]
struct Case {
    tiling: Tiling,
    swizzle: (Swizzle, &'static [u32]),
    pitch: u64,
    rows: u64,
    rect: Rect,
    linear: LinearLayout,
    convert: Convert,
}

impl Case {
    fn surface(&self) -> TiledSurface {
        TiledSurface::try_new(self.tiling, self.swizzle.0, self.pitch, self.rows).unwrap()
    }

    /// Bytes of the linear buffer, with `spare` behind the last row.
    fn linear_len(&self, spare: usize) -> usize {
        let rows = self.rect.height.saturating_sub(1) * self.linear.pitch;
        usize::try_from(self.linear.offset + rows + self.rect.width).unwrap() + spare
    }

    /// Calls `each` with the offsets (tiled, linear) of every byte, by the manual.
    fn bytes(&self, mut each: impl FnMut(usize, usize)) {
        for row in 0..self.rect.height {
            for byte in 0..self.rect.width {
                let (x, y) = (self.rect.x + byte, self.rect.y + row);
                let at = tiled::offset(self.tiling == Tiling::Y, self.swizzle.1, self.pitch, x, y);
                let to = self.linear.offset + row * self.linear.pitch + byte;
                each(usize::try_from(at).unwrap(), usize::try_from(to).unwrap());
            }
        }
    }

    /// Byte `x` of `from`, as the conversion would write it to `at`.
    fn converted(&self, from: &[u8], pixel_start: impl Fn(usize) -> usize, byte: usize) -> u8 {
        match (self.convert, byte % 4) {
            (Convert::AsIs, _) => from[pixel_start(byte)],
            (Convert::BgrxRgba, 3) => 255,
            (Convert::BgrxRgba, 1) => from[pixel_start(byte)],
            (Convert::BgrxRgba, lane) => from[pixel_start(byte - lane + (2 - lane))],
        }
    }
}

fn random_bytes(len: usize, seed: u64) -> Vec<u8> {
    // xorshift64*: every byte differs from its neighbours, which is all the copies need.
    let mut state = seed | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes()[7]
    };
    (0..len).map(|_| next()).collect()
}

/// Ends of a range in `0..=max` in units of `step`; whole and tile-aligned ranges come often.
fn ranges(max: u64, step: u64, tile: u64) -> impl Strategy<Value = (u64, u64)> {
    let any_two = (0..=max / step, 0..=max / step).prop_map(move |(a, b)| (a.min(b) * step, a.max(b) * step));
    let aligned = (0..=max / tile, 0..=max).prop_map(move |(a, b)| {
        let (a, b) = (a * tile, b / step * step);
        (a.min(b), a.max(b))
    });
    prop_oneof![any_two, aligned, Just((0, max / step * step))]
}

fn cases() -> impl Strategy<Value = Case> {
    let tilings = prop_oneof![Just(Tiling::X), Just(Tiling::Y)];
    let converts = prop_oneof![Just(Convert::AsIs), Just(Convert::BgrxRgba)];
    (tilings, select(&SWIZZLES[..]), 1..=6_u64, 1..=100_u64, converts).prop_flat_map(
        |(tiling, swizzle, tiles, rows, convert)| {
            let pitch = tiles * tiling.width();
            let x = ranges(pitch, convert.pixel_bytes(), tiling.width());
            let y = ranges(rows, 1, tiling.rows());
            let gap = prop_oneof![Just(0), 0..200_u64];
            (x, y, gap, 0..100_u64).prop_map(move |((x, right), (y, bottom), gap, offset)| Case {
                tiling,
                swizzle,
                pitch,
                rows,
                rect: Rect { x, y, width: right - x, height: bottom - y },
                linear: LinearLayout { offset, pitch: right - x + gap },
                convert,
            })
        },
    )
}

proptest! {
    #![proptest_config(xengt_tests::cases(256))]

    #[test]
    fn detile_gives_the_manuals_byte_and_touches_nothing_else(case in cases(), seed in any::<u64>()) {
        let source = random_bytes(usize::try_from(case.surface().bytes()).unwrap(), seed);
        let before = random_bytes(case.linear_len(70), !seed);
        let mut expected = before.clone();
        let mut offsets = vec![0; expected.len()];
        case.bytes(|at, to| offsets[to] = at);
        case.bytes(|_, to| {
            let start = usize::try_from(case.linear.offset).unwrap();
            let pitch = usize::try_from(case.linear.pitch).unwrap();
            let row = start + (to - start) / pitch.max(1) * pitch;
            expected[to] = case.converted(&source, |byte| offsets[row + byte], to - row);
        });
        let mut linear = before;
        let plan = case.surface().plan(case.rect, case.linear, case.convert).unwrap();
        plan.detile(&source, &mut linear).unwrap();
        prop_assert!(linear == expected);
    }

    #[test]
    fn tile_gives_the_manuals_byte_and_touches_nothing_else(case in cases(), seed in any::<u64>()) {
        let source = random_bytes(case.linear_len(70), seed);
        let before = random_bytes(usize::try_from(case.surface().bytes()).unwrap(), !seed);
        let mut expected = before.clone();
        case.bytes(|at, from| {
            let start = usize::try_from(case.linear.offset).unwrap();
            let pitch = usize::try_from(case.linear.pitch).unwrap();
            let row = start + (from - start) / pitch.max(1) * pitch;
            expected[at] = case.converted(&source, |byte| row + byte, from - row);
        });
        let mut tiled = before;
        let plan = case.surface().plan(case.rect, case.linear, case.convert).unwrap();
        plan.tile(&source, &mut tiled).unwrap();
        prop_assert!(tiled == expected);
    }

    #[test]
    fn detile_after_tile_is_identity(case in cases(), seed in any::<u64>()) {
        let case = Case { convert: Convert::AsIs, ..case };
        let source = random_bytes(case.linear_len(0), seed);
        let mut tiled = vec![0; usize::try_from(case.surface().bytes()).unwrap()];
        let mut linear = source.clone();
        case.bytes(|_, to| linear[to] = !source[to]);
        let plan = case.surface().plan(case.rect, case.linear, case.convert).unwrap();
        plan.tile(&source, &mut tiled).unwrap();
        plan.detile(&tiled, &mut linear).unwrap();
        prop_assert!(linear == source);
    }

    #[test]
    fn single_offsets_are_the_manuals(case in cases()) {
        let surface = case.surface();
        for (x, y) in [(case.rect.x, case.rect.y), (case.pitch - 1, case.rows - 1)] {
            let offset = surface.offset_of(x, y);
            if x < case.pitch && y < case.rows {
                let manual = tiled::offset(case.tiling == Tiling::Y, case.swizzle.1, case.pitch, x, y);
                prop_assert_eq!(offset, Some(manual));
                prop_assert_eq!(surface.position_of(manual), Some((x, y)));
            } else {
                prop_assert_eq!(offset, None);
            }
        }
    }

    #[test]
    fn short_buffers_are_refused_and_stay_untouched(case in cases()) {
        let plan = case.surface().plan(case.rect, case.linear, case.convert).unwrap();
        let (tiled_len, linear_len) = (plan.tiled_needed(), plan.linear_needed());
        if let (Some(tiled_short), Some(linear_short)) = (tiled_len.checked_sub(1), linear_len.checked_sub(1)) {
            let mut linear = vec![7; linear_len];
            let refused = TilingError::TiledShort { len: tiled_short, needed: tiled_len };
            prop_assert_eq!(plan.detile(&vec![0; tiled_short], &mut linear), Err(refused));
            prop_assert!(linear.iter().all(|byte| *byte == 7));
            let refused = TilingError::LinearShort { len: linear_short, needed: linear_len };
            prop_assert_eq!(plan.detile(&vec![0; tiled_len], &mut linear[1..]), Err(refused));
            let mut tiled = vec![7; tiled_len];
            prop_assert_eq!(plan.tile(&vec![0; linear_short], &mut tiled), Err(refused));
            prop_assert!(tiled.iter().all(|byte| *byte == 7));
            prop_assert!(plan.tile(&linear, &mut tiled).is_ok());
        } else {
            prop_assert_eq!(plan.detile(&[], &mut []), Ok(()));
        }
    }

    #[test]
    fn any_numbers_at_all_give_a_plan_or_an_error(
        (pitch, rows) in (extremes(), extremes()),
        rect in (extremes(), extremes(), extremes(), extremes()),
        (offset, linear_pitch) in (extremes(), extremes()),
    ) {
        for tiling in [Tiling::X, Tiling::Y] {
            let Ok(surface) = TiledSurface::try_new(tiling, Swizzle::Bit9_10_11, pitch, rows) else { continue };
            let _ = (surface.offset_of(rect.0, rect.1), surface.position_of(rect.2));
            let rect = Rect { x: rect.0, y: rect.1, width: rect.2, height: rect.3 };
            for convert in [Convert::AsIs, Convert::BgrxRgba] {
                let Ok(plan) = surface.plan(rect, LinearLayout { offset, pitch: linear_pitch }, convert) else {
                    continue;
                };
                prop_assert!(rect.x + rect.width <= pitch && rect.y + rect.height <= rows);
                // Only a copy of nothing needs no buffer.
                let refused = plan.detile(&[], &mut []).is_err();
                prop_assert_eq!(refused, rect.width != 0 && rect.height != 0);
            }
        }
    }
}

/// Distances in units of `step`, most of them whole lanes, as the fast stores need them.
fn starts(step: u64) -> impl Strategy<Value = u64> {
    prop_oneof![3 => (0..=8_u64).prop_map(|lanes| lanes * 16), 1 => (0..=30_u64).prop_map(move |n| n * step)]
}

proptest! {
    // A case takes a second's tenth, where those above take a thousandth.
    #![proptest_config(xengt_tests::cases(40))]

    /// Copies so large that they go past the caches, at every alignment of both buffers.
    #[test]
    fn detile_of_a_screen_gives_the_manuals_byte_and_touches_nothing_else(
        tiling in prop_oneof![Just(Tiling::X), Just(Tiling::Y)],
        swizzle in select(&SWIZZLES[..]),
        convert in prop_oneof![Just(Convert::AsIs), Just(Convert::BgrxRgba)],
        (x, cut_right, y, cut_bottom) in (starts(4), starts(4), 0..5_u64, 0..5_u64),
        (offset, gap) in (starts(1), starts(1)),
        seed in any::<u64>(),
    ) {
        let (pitch, rows) = (5120, 300);
        let rect = Rect { x, y, width: pitch - cut_right - x, height: rows - cut_bottom - y };
        let linear = LinearLayout { offset, pitch: rect.width.next_multiple_of(16) + gap };
        let case = Case { tiling, swizzle, pitch, rows, rect, linear, convert };
        let source = random_bytes(usize::try_from(case.surface().bytes()).unwrap(), seed);
        let before = random_bytes(case.linear_len(70), !seed);
        let mut expected = before.clone();
        case.bytes(|at, to| {
            let lane = (to - usize::try_from(linear.offset).unwrap()) % usize::try_from(linear.pitch).unwrap() % 4;
            // The pixel's bytes lie together in tiled memory too.
            expected[to] = case.converted(&source, |byte| at - lane + byte, lane);
        });
        let mut linear = before;
        let plan = case.surface().plan(case.rect, case.linear, case.convert).unwrap();
        plan.detile(&source, &mut linear).unwrap();
        prop_assert!(linear == expected);
    }
}

/// Numbers near the ends of every width that matters.
fn extremes() -> impl Strategy<Value = u64> {
    let near = |edge: u64| (0..=512_u64).prop_map(move |delta| edge.wrapping_add(delta).wrapping_sub(256));
    prop_oneof![
        0..5000_u64,
        (0..40_u64).prop_map(|tiles| tiles * 512),
        near(1 << 32),
        near(1 << 62),
        near(0),
        (0..64_u32).prop_map(|bit| 1 << bit),
        any::<u64>(),
    ]
}

#[test]
fn every_rectangle_of_small_surfaces_round_trips() {
    // Column ends around every granule and tile edge, row ends around every group of rows.
    for (tiling, columns, rows) in [
        (Tiling::X, &[0, 1, 63, 64, 65, 448, 511, 512, 513, 960, 1023, 1024][..], &[0, 1, 7, 8, 9, 16][..]),
        (
            Tiling::Y,
            &[0, 1, 15, 16, 17, 64, 112, 127, 128, 129, 255, 256][..],
            &[0, 1, 3, 4, 31, 32, 33, 64][..],
        ),
    ] {
        for (swizzle, bits) in SWIZZLES {
            let pitch = 2 * tiling.width();
            let surface = TiledSurface::try_new(tiling, swizzle, pitch, 2 * tiling.rows()).unwrap();
            let source = random_bytes(usize::try_from(surface.bytes()).unwrap(), 42);
            for (x, right) in columns.iter().flat_map(|x| columns.iter().map(move |right| (*x, *right))) {
                for (y, bottom) in rows.iter().flat_map(|y| rows.iter().map(move |bottom| (*y, *bottom))) {
                    let (Some(width), Some(height)) =
                        (u64::checked_sub(right, x), u64::checked_sub(bottom, y))
                    else {
                        continue;
                    };
                    let case = Case {
                        tiling,
                        swizzle: (swizzle, bits),
                        pitch,
                        rows: 2 * tiling.rows(),
                        rect: Rect { x, y, width, height },
                        linear: LinearLayout { offset: 3, pitch: width + 5 },
                        convert: Convert::AsIs,
                    };
                    let mut linear = vec![0; case.linear_len(0)];
                    let plan = surface.plan(case.rect, case.linear, case.convert).unwrap();
                    plan.detile(&source, &mut linear).unwrap();
                    case.bytes(|at, to| assert_eq!(linear[to], source[at], "{case:?}"));
                    let mut back = source.clone();
                    case.bytes(|at, _| back[at] = !source[at]);
                    plan.tile(&linear, &mut back).unwrap();
                    assert!(back == source, "{case:?}");
                }
            }
        }
    }
}
