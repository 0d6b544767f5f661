//! How far a stretch of entries goes on as it began.

use super::entry::PRESENT;
use crate::addr::PAGE_SIZE;

/// Entries that are compared at once: enough to keep vector units busy, few enough to waste little.
const BLOCK: usize = 16;

/// How many of `entries`, counted from the first, each name the frame after the one before, with the same
/// bits of `relevant` otherwise. At least 1, unless `entries` is empty.
///
/// The caller sees to it that the frames named cannot run out of address bits.
#[inline]
pub(super) fn ascending(entries: &[u64], relevant: u64) -> usize {
    let [first, second, ..] = entries else { return entries.len() };
    // Scattered frames differ here already, and are common.
    if (second ^ first.wrapping_add(PAGE_SIZE)) & relevant != 0 {
        return 1;
    }
    let mut expected = *first;
    let mut same = 0;
    for block in entries.chunks_exact(BLOCK) {
        let mut differs = 0;
        let mut next = expected;
        for entry in block {
            differs |= entry ^ next;
            next = next.wrapping_add(PAGE_SIZE);
        }
        if differs & relevant != 0 {
            break;
        }
        expected = next;
        same += BLOCK;
    }
    for entry in entries.iter().skip(same) {
        if (entry ^ expected) & relevant != 0 {
            break;
        }
        expected = expected.wrapping_add(PAGE_SIZE);
        same += 1;
    }
    same
}

/// How many of `entries`, counted from the first, are not present.
#[inline]
pub(super) fn absent(entries: &[u64]) -> usize {
    let mut same = 0;
    for block in entries.chunks_exact(BLOCK) {
        if block.iter().fold(0, |seen, entry| seen | entry) & PRESENT != 0 {
            break;
        }
        same += BLOCK;
    }
    same + entries.iter().skip(same).take_while(|entry| *entry & PRESENT == 0).count()
}

#[cfg(test)]
mod tests {
    use super::{absent, ascending};

    const RELEVANT: u64 = ((1 << 46) - 1) & !0xf00;

    #[test]
    fn stretch_ends_exactly_where_one_entry_differs() {
        let whole: Vec<u64> = (0..100).map(|i| 0x5000_0003 + i * 0x1000).collect();
        assert_eq!(ascending(&whole, RELEVANT), 100);
        assert_eq!(ascending(&[], RELEVANT), 0);
        for at in 1..100 {
            for bit in [0, 1, 7, 12, 45] {
                let mut broken = whole.clone();
                broken[at] ^= 1 << bit;
                assert_eq!(ascending(&broken, RELEVANT), at, "bit {bit}");
            }
            let mut ignored = whole.clone();
            ignored[at] ^= 0x100;
            assert_eq!(ascending(&ignored, RELEVANT), 100);
        }
    }

    #[test]
    fn holes_end_at_the_first_present_entry() {
        let mut entries = vec![0xffe; 70];
        assert_eq!(absent(&entries), 70);
        for at in (0..70).rev() {
            entries[at] |= 1;
            assert_eq!(absent(&entries), at);
        }
    }
}
