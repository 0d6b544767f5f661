//! Strategies for PPGTT tables: mostly plausible, partly hostile, and addresses that meet their entries.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "tests state what they expect; a failed expectation is their result"
)]

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Frames of memory that generated tables live in.
pub const FRAMES: usize = 8;

/// Indices where off-by-one errors live: the ends of a table and of the first group of 16.
const EDGES: [usize; 8] = [0, 1, 15, 16, 17, 31, 510, 511];

fn index() -> impl Strategy<Value = usize> {
    prop_oneof![8 => select(&EDGES[..]), 1 => 0..512_usize]
}

/// An entry: pointer to a table (rarely one that is not there), page of any size, or anything.
fn entry() -> impl Strategy<Value = u64> {
    let flags = || {
        let low = prop_oneof![9 => Just(1_u64), 1 => Just(0)];
        (low, any::<u64>()).prop_map(|(present, bits)| present | bits & 0xb7e)
    };
    let frames = u64::try_from(FRAMES).expect("fits");
    let table = (0..=frames, flags()).prop_map(|(frame, flags)| frame << 12 | flags);
    let align = select(&[12_u32, 16, 21, 30][..]);
    let page = (align, 0..1_u64 << 34, flags(), any::<bool>(), any::<bool>()).prop_map(
        |(shift, frame, flags, large, pat)| {
            let addr = (frame % (1 << (34 + 12 - shift))) << shift;
            addr | flags | u64::from(large) << 7 | u64::from(pat && large) << 12
        },
    );
    prop_oneof![8 => table, 6 => page, 1 => any::<u64>()]
}

/// Words of [`FRAMES`] tables: entries at the edges, some repeated, some counting up as contiguous pages do.
pub fn tables() -> impl Strategy<Value = Vec<u64>> {
    let count = select(&[1_usize, 1, 1, 3, 16, 40, 512][..]);
    let step = select(&[0_u64, 1 << 12, 1 << 12, 1 << 16, 1 << 21][..]);
    let stroke = (0..FRAMES, index(), count, entry(), step);
    proptest::collection::vec(stroke, 1..32).prop_map(|strokes| {
        let mut words = vec![0; FRAMES * 512];
        for (frame, first, count, entry, step) in strokes {
            let mut entry = entry;
            for slot in words[frame * 512..(frame + 1) * 512].iter_mut().skip(first).take(count) {
                *slot = entry;
                entry = entry.wrapping_add(step);
            }
        }
        words
    })
}

/// A graphics address of `bits` bits, its index at each level likely an edge.
pub fn address(bits: u32) -> impl Strategy<Value = u64> {
    let offset = prop_oneof![Just(0), Just(0xfff), 0..0x1000_u64];
    ([index(), index(), index(), index()], offset).prop_map(move |(indices, offset)| {
        let page = indices.iter().fold(0, |va, index| va << 9 | u64::try_from(*index).expect("fits"));
        (page << 12 | offset) & ((1 << bits) - 1)
    })
}
