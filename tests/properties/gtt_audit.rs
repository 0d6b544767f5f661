//! The audit finds what was planted, all of it and nothing else.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests state what they expect; a failed expectation is their result"
)]

use std::collections::{BTreeMap, BTreeSet};

use libxengt::addr::{HostGma, Maddr, Mfn, PpgttAddr};
use libxengt::gtt::{Finding, FrameSet, Ggtt, Ppgtt, Root, WalkBudget, gen9};
use libxengt::memory::FlatMemory;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

/// Frames the guest owns in these properties: some ranges below 2^20.
fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
    proptest::collection::vec((0..1_u64 << 20, 1..0x400_u64), 1..20)
}

fn set(ranges: &[(u64, u64)]) -> FrameSet<Mfn> {
    FrameSet::from_ranges(ranges.iter().map(|(first, len)| (Mfn::new(*first), *len)))
}

fn owned(ranges: &[(u64, u64)], frame: u64) -> bool {
    ranges.iter().any(|(first, len)| (*first..first + len).contains(&frame))
}

/// Entries that lead to owned frames, contiguous or not, with holes; some run on into foreign frames, and
/// `planted` lead anywhere.
fn entries() -> impl Strategy<Value = (Vec<(u64, u64)>, Vec<u64>)> {
    let strokes = proptest::collection::vec((any::<u64>(), any::<u64>(), 1..100_u64, 0..5_u8), 5..60);
    let planted = proptest::collection::vec((0..1500_usize, 0..1_u64 << 22), 0..12);
    (ranges(), strokes, planted).prop_map(|(ranges, strokes, planted)| {
        let mut entries = Vec::new();
        for (which, offset, count, kind) in strokes {
            let (first, len) = ranges[usize::try_from(which).unwrap() % ranges.len()];
            let start = first + offset % len;
            // Some strokes run past the end of what is owned, as a driver's length error would.
            let end = if kind == 1 { start + count } else { (start + count).min(first + len) };
            for frame in start..end {
                entries.push(if kind == 0 { 0 } else { frame << 12 | 3 });
            }
        }
        for (index, frame) in planted {
            if let Some(entry) = entries.get_mut(index) {
                *entry = frame << 12 | 1;
            }
        }
        (ranges, entries)
    })
}

/// The pages of the findings: graphics page to frame. Fails on anything unresolved.
fn pages<V>(
    findings: impl Iterator<Item = Finding<V, Mfn>>,
    number: impl Fn(V) -> u64,
) -> BTreeMap<u64, (u64, u64)> {
    let mut pages = BTreeMap::new();
    for finding in findings {
        let Finding::Outside(violation) = finding else { panic!("unresolved") };
        let first = number(violation.address) >> 12;
        for i in 0..violation.len >> 12 {
            let frame = violation.frame.get() + i;
            assert!(pages.insert(first + i, (frame, violation.entry + (i << 12))).is_none());
        }
    }
    pages
}

fn expected(
    ranges: &[(u64, u64)],
    entries: &[u64],
    window: std::ops::Range<u64>,
) -> BTreeMap<u64, (u64, u64)> {
    let present = (0..).zip(entries).filter(|(page, entry)| window.contains(page) && *entry & 1 == 1);
    let outside = present.filter(|(_, entry)| !owned(ranges, *entry >> 12));
    outside.map(|(page, entry)| (page, (entry >> 12, *entry))).collect()
}

proptest! {
    #![proptest_config(xengt_tests::cases(1024))]

    #[test]
    fn global_gtt_audit_finds_exactly_the_planted_entries((ranges, entries) in entries(), cut in any::<(u64, u64)>()) {
        let ggtt = Ggtt::<HostGma, _>::new(&entries[..], gen9::MMU);
        let size = u64::try_from(entries.len()).unwrap();
        let (first, last) = (cut.0 % (size + 1), cut.1 % (size + 1));
        let window = first.min(last)..first.max(last);
        let start = HostGma::new((window.start << 12).min(HostGma::MAX.get()));
        let allowed = set(&ranges);
        let found = ggtt.audit(start, (window.end - window.start) << 12, &allowed).unwrap();
        prop_assert_eq!(pages(found, HostGma::get), expected(&ranges, &entries, window));
    }

    #[test]
    fn ppgtt_audit_finds_exactly_the_planted_pages((ranges, entries) in entries()) {
        let count = entries.len().div_ceil(512);
        let mut words = vec![0; 3 * 512];
        words[0] = 0x1003;
        words[512] = 0x2003;
        for (index, slot) in words[1024..1024 + count].iter_mut().enumerate() {
            *slot = u64::try_from(index + 3).unwrap() << 12 | 3;
        }
        words.extend(&entries);
        words.resize((3 + count) * 512, 0);
        let memory = FlatMemory::<Maddr, _>::new(words);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Maddr::ZERO), gen9::MMU);
        let allowed = set(&ranges);
        let found = ppgtt.audit_pages(WalkBudget::default(), &allowed);
        prop_assert_eq!(pages(found, PpgttAddr::get), expected(&ranges, &entries, 0..u64::MAX));

        // The tables themselves, all but one allowed: that one is found, unless it is a parent's child only.
        let tables = u64::try_from(3 + count).unwrap();
        for foreign in 0..tables {
            let own = FrameSet::from_ranges([(Mfn::new(0), foreign), (Mfn::new(foreign + 1), tables)]);
            let found: Vec<_> = ppgtt.audit_tables(WalkBudget::default(), &own).collect();
            prop_assert!(
                matches!(found[..], [Finding::Outside(violation)] if violation.frame.get() == foreign),
                "{foreign}: {found:?}"
            );
        }
        let all = FrameSet::from_ranges([(Mfn::new(0), tables)]);
        prop_assert_eq!(ppgtt.audit_tables(WalkBudget::default(), &all).count(), 0);
    }

    #[test]
    fn audits_of_random_words_end_within_the_budget(words in proptest::collection::vec(any::<u64>(), 4 * 512)) {
        let allowed = set(&[(0, 2)]);
        for mask in [u64::MAX, 0x3fff, 0x3f7f] {
            let memory = FlatMemory::<Maddr, _>::new(words.iter().map(|word| word & mask).collect::<Vec<_>>());
            let ppgtt = Ppgtt::new(&memory, Root::Pml4(Maddr::ZERO), gen9::MMU);
            let budget = WalkBudget { tables: 20 };
            prop_assert!(ppgtt.audit_pages(budget, &allowed).count() <= 21 * 513);
            prop_assert!(ppgtt.audit_tables(budget, &allowed).count() <= 21 * 513);
        }
    }

    #[test]
    fn frame_set_is_the_union_of_its_ranges(
        ranges in proptest::collection::vec((0..200_u64, 0..20_u64), 0..12),
        first in 0..230_u64,
        count in 0..60_u64,
    ) {
        let frames = set(&ranges);
        let naive: BTreeSet<u64> = ranges.iter().flat_map(|(first, len)| *first..first + len).collect();
        prop_assert_eq!(frames.len(), u64::try_from(naive.len()).unwrap());
        prop_assert_eq!(frames.contains(Mfn::new(first)), naive.contains(&first));
        let outside = (first..first + count).find(|frame| !naive.contains(frame));
        let expected = outside.map(|at| {
            let len = (at..first + count).take_while(|frame| !naive.contains(frame)).count();
            (Mfn::new(at), u64::try_from(len).unwrap())
        });
        prop_assert_eq!(frames.first_outside(Mfn::new(first), count), expected);
    }
}
