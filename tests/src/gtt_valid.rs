//! PPGTTs as a driver writes them: every table has one role, and no entry a bit that must be zero.

use proptest::prelude::{Strategy, any};

/// Frames of memory that the tables live in.
pub const FRAMES: usize = 13;

/// The frame of the PML4, and of a page directory for each quarter of a three-level space.
pub const PML4: u64 = 1;
/// The page directories.
pub const DIRECTORIES: [u64; 3] = [4, 5, 6];

/// Where off-by-one errors live: the ends of a table and of groups of 16.
const EDGES: [usize; 9] = [0, 1, 15, 16, 17, 31, 496, 510, 511];

/// Mapped frames lie below this one.
pub const FRAMES_MAPPED: u64 = 1 << 33;

/// The entry that `dice` makes of `target`: mostly present, flags in bits 1 to 6, some of the ignored bits.
const fn entry(dice: u64, target: u64) -> u64 {
    let present = if dice.is_multiple_of(10) { 0 } else { 1 };
    target | present | dice >> 8 & 0x77e | dice & 0x7ff << 52
}

/// A page's address of `shift` aligned bits, anywhere below [`FRAMES_MAPPED`].
const fn page(dice: u64, shift: u32) -> u64 {
    (((dice >> 17) % (FRAMES_MAPPED << 12)) >> shift) << shift
}

/// Writes what `dice` says at `index` of the table in `frame`, whose role its number says.
fn put(table: &mut [u64], frame: usize, index: usize, dice: u64) {
    let one_of = |first: u64, count: u64| (first + (dice >> 20) % count) << 12;
    let pat = dice >> 40 & 0x80;
    let entry_at = match frame {
        1 => entry(dice, one_of(2, 2)),
        2 | 3 => entry(dice, one_of(4, 3)),
        4..=6 => match dice >> 60 {
            0..6 => entry(dice, one_of(7, 3)),
            6..12 => entry(dice, one_of(10, 3) | 0x800),
            _ => entry(dice, page(dice, 21) | 0x80 | pat << 5),
        },
        7..=9 => entry(dice, page(dice, 12) | pat),
        // Tables of 64 KiB pages: a group as i915 fills it, or its first entry alone, and strays elsewhere.
        _ if index.is_multiple_of(16) => {
            let first = entry(dice, page(dice, 16) | pat);
            if dice >> 63 == 0 {
                for (slot, offset) in table.iter_mut().skip(index).take(16).zip((0..).step_by(0x1000)) {
                    *slot = first + offset;
                }
            }
            first
        }
        _ => entry(dice, page(dice, 12) | pat),
    };
    if let Some(slot) = table.get_mut(index) {
        *slot = entry_at;
    }
}

/// Words of [`FRAMES`] frames: a PML4 in 1, pointer tables in 2 and 3, directories in 4 to 6, tables of 4 KiB
/// pages in 7 to 9, of 64 KiB pages in 10 to 12. Pages are of 4 KiB, 64 KiB and 2 MiB.
pub fn valid_tables() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(any::<u64>(), FRAMES * EDGES.len()).prop_map(|dice| {
        let mut words = vec![0; FRAMES * 512];
        for ((frame, table), dice) in words.chunks_mut(512).enumerate().zip(dice.chunks(EDGES.len())) {
            for (index, dice) in EDGES.iter().zip(dice) {
                if frame > 0 {
                    put(table, frame, *index, *dice);
                }
            }
        }
        words
    })
}
