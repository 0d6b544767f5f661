//! Shadow tables: they lead where the guest's tables and the frame map lead together, and never further.
#![expect(clippy::expect_used, reason = "tests state what they expect; a failed expectation is their result")]

use libxengt::addr::{Gfn, Gpa, Maddr, Mfn, PpgttAddr};
use libxengt::gtt::{
    Fault, FlatGfnMap, GfnMap, Ppgtt, Root, ShadowError, ShadowReport, WalkBudget, gen9, reshadow_page_table,
    shadow,
};
use libxengt::memory::FlatMemory;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use xengt_tests::gtt_machine::{Store, Stretches};
use xengt_tests::gtt_tables::{address, tables};

type Memory = FlatMemory<Gpa, Vec<u64>>;

const BUDGET: WalkBudget = WalkBudget { tables: 1 << 13 };

/// A frame map of a few stretches, some long and aligned enough for large pages.
fn map() -> impl Strategy<Value = Stretches> {
    let len = select(&[1_u64, 7, 16, 512, 513, 1 << 18, 1 << 33][..]);
    let mfn = (select(&[0_u32, 4, 9, 18][..]), 0..1_u64 << 33).prop_map(|(shift, mfn)| mfn >> shift << shift);
    proptest::collection::vec((len, prop_oneof![Just(0_u64), 1..9_u64], mfn), 1..12).prop_map(|parts| {
        let mut next = 0;
        let stretch = |(len, gap, mfn)| {
            let first = next + gap;
            next = first + len;
            (first, len, mfn)
        };
        Stretches(parts.into_iter().map(stretch).collect())
    })
}

/// Whether the shadow at `va` is the guest's translation put through the map, and permits no more.
fn agrees<A: libxengt::memory::GuestMemory<Addr = Maddr>>(
    guest: &Ppgtt<'_, Memory>,
    map: &Stretches,
    host: &Ppgtt<'_, A>,
    va: PpgttAddr,
) -> Result<(), TestCaseError> {
    let found = host.translate(va);
    let expected = guest.translate(va).ok();
    let expected = expected.and_then(|page| {
        let mfn = map.mfn(page.addr.frame())?;
        Some((page, mfn.addr().get() + page.addr.page_offset()))
    });
    match expected {
        None => prop_assert_eq!(found.expect_err("not mapped").fault, Fault::NotPresent),
        Some((page, addr)) => {
            let found = found.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(found.addr.get(), addr);
            prop_assert_eq!(found.access, page.access);
            prop_assert!(found.page_size <= page.page_size);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(xengt_tests::cases(1024))]

    #[test]
    fn shadow_leads_where_guest_and_map_lead_together(
        words in tables(),
        map in map(),
        vas in proptest::collection::vec(address(48), 32),
    ) {
        let memory = Memory::new(words);
        let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
        let mut store = Store::failing_after(usize::MAX);
        match shadow(&guest, &map, &mut store, BUDGET) {
            Ok(made) => {
                prop_assert_eq!(made.tables().len(), store.live.len());
                let machine = store.memory();
                let host = Ppgtt::new(&machine, *made.root(), gen9::MMU);
                for va in vas {
                    agrees(&guest, &map, &host, PpgttAddr::new(va))?;
                }
                made.release(&mut store);
            }
            Err(error) => prop_assert_eq!(error, ShadowError::BudgetSpent { tables: BUDGET.tables }),
        }
        prop_assert!(store.live.is_empty());
    }

    #[test]
    fn three_level_shadow_leads_where_guest_and_map_lead_together(
        words in tables(),
        map in map(),
        vas in proptest::collection::vec(address(32), 32),
    ) {
        let memory = Memory::new(words);
        let root = Root::from_pdp_registers([0x1000, 0, 0x2000, 0x1000]);
        let guest = Ppgtt::new(&memory, root, gen9::MMU);
        let mut store = Store::failing_after(usize::MAX);
        let made = shadow(&guest, &map, &mut store, BUDGET).unwrap();
        let machine = store.memory();
        let host = Ppgtt::new(&machine, *made.root(), gen9::MMU);
        for va in vas {
            agrees(&guest, &map, &host, PpgttAddr::new(va))?;
        }
        made.release(&mut store);
        prop_assert!(store.live.is_empty());
    }

    #[test]
    fn no_shadow_entry_has_a_flag_that_no_guest_entry_has(words in tables(), map in map(), flags: u64) {
        // Bits 6 to 1 and 62 to 52 of all guest entries come out of `flags`, so nothing else may appear.
        const CHECKED: u64 = 0x7e | 0x7ff << 52;
        let words = words.into_iter().map(|word| word & (!CHECKED | flags)).collect();
        let memory = Memory::new(words);
        let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
        let mut store = Store::failing_after(usize::MAX);
        if let Ok(made) = shadow(&guest, &map, &mut store, BUDGET) {
            for word in &store.words {
                prop_assert_eq!(word & CHECKED & !flags, 0, "{:#x}, flags {:#x}", word, flags);
                // What the GPU ignores is not copied: a guest's notes have no business in dom0's tables.
                prop_assert_eq!(word & (0xfff << 52 | 0x760), 0, "{:#x}", word);
            }
            made.release(&mut store);
        }
    }

    #[test]
    fn failure_at_any_call_gives_every_table_back(words in tables(), map in map(), left in 0..40_usize) {
        let memory = Memory::new(words);
        let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
        let mut store = Store::failing_after(left);
        if let Ok(made) = shadow(&guest, &map, &mut store, WalkBudget { tables: 2000 }) {
            made.release(&mut store);
        }
        prop_assert!(store.live.is_empty());
    }

    #[test]
    fn random_words_are_shadowed_within_the_budget(words in proptest::collection::vec(any::<u64>(), 4 * 512)) {
        for mask in [u64::MAX, 0x3fff, 0x3f7f] {
            let memory = Memory::new(words.iter().map(|word| word & mask).collect());
            let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
            let mut store = Store::failing_after(usize::MAX);
            let map = Stretches(vec![(0, 2, 9)]);
            if let Ok(made) = shadow(&guest, &map, &mut store, WalkBudget { tables: 60 }) {
                prop_assert!(made.report().first_dropped.len() <= ShadowReport::KEPT);
                prop_assert!(made.tables().len() <= 60);
                made.release(&mut store);
            }
            prop_assert!(store.live.is_empty());
        }
    }

    #[test]
    fn updated_page_table_is_the_one_built_afresh(
        old in proptest::collection::vec(0..0x20_0000_u64, 512),
        changes in proptest::collection::vec((0..512_usize, any::<u64>()), 0..20),
        mfns in proptest::collection::vec(prop_oneof![9 => 0..1_u64 << 36, 1 => Just(Mfn::MAX.get())], 400),
    ) {
        let map = FlatGfnMap(mfns.into_iter().map(Mfn::new).collect::<Vec<_>>());
        let table = |words: Vec<u64>| <[u64; 512]>::try_from(words).unwrap();
        let old = table(old);
        let mut new = old;
        for (index, entry) in changes {
            new[index] = entry;
        }
        let fresh = |guest: &[u64; 512]| {
            let mut made = [0; 512];
            let mut report = ShadowReport::default();
            // All entries differ from those of an empty table, except the ones whose shadow is 0 anyway.
            reshadow_page_table(&gen9::MMU, &map, &[0; 512], guest, &mut made, &mut report);
            made
        };
        let mut shadow = fresh(&old);
        let mut report = ShadowReport::default();
        let changed = reshadow_page_table(&gen9::MMU, &map, &old, &new, &mut shadow, &mut report);
        prop_assert_eq!(changed, old.iter().zip(&new).filter(|(old, new)| old != new).count());
        prop_assert_eq!(shadow, fresh(&new));
        for (entry, word) in new.iter().zip(shadow) {
            let mfn = map.mfn(Gfn::new((entry >> 12) & 0x3_ffff_ffff)).map(Mfn::get);
            let valid = entry & 1 == 1 && (entry >> 46) & 0x3f == 0 && mfn.is_some_and(|mfn| mfn < 1 << 34);
            prop_assert_eq!(word, if valid { entry & 0x9f | mfn.unwrap() << 12 } else { 0 });
        }
    }
}

#[test]
fn self_referencing_root_is_shadowed_once_per_level() {
    let memory = Memory::new(vec![0x3; 512]);
    let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
    let mut store = Store::failing_after(usize::MAX);
    let map = Stretches(vec![(0, 1, 77)]);
    let made = shadow(&guest, &map, &mut store, WalkBudget { tables: 8 }).unwrap();
    assert_eq!(made.tables().len(), 4);
    assert_eq!(made.report().pages, 512);
    made.release(&mut store);
    assert!(store.live.is_empty());
}

#[test]
fn large_page_stays_large_only_if_the_machine_allows_it() {
    let mut words = vec![0; 3 * 512];
    words[0] = 0x1003;
    words[512] = 0x2003;
    words[513] = 0x4000_0083;
    words[2 * 512] = 0x20_0083;
    words[2 * 512 + 1] = 0x40_0081 | 1 << 12;
    let memory = Memory::new(words);
    let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
    // The first 2 MiB page is contiguous and aligned; of the second frame 5 is missing and the rest shifted.
    let map = Stretches(vec![(0x200, 0x200, 0x1_0000), (0x400, 5, 0x901), (0x406, 0x1fa, 0x2_0000)]);
    let mut store = Store::failing_after(usize::MAX);
    let made = shadow(&guest, &map, &mut store, BUDGET).unwrap();
    let machine = store.memory();
    let host = Ppgtt::new(&machine, *made.root(), gen9::MMU);
    let large = host.translate(PpgttAddr::new(0x123)).unwrap();
    assert_eq!((large.addr.get(), large.page_size.bytes()), (0x1000_0123, 2 << 20));
    let small = host.translate(PpgttAddr::new(0x20_4123)).unwrap();
    assert_eq!((small.addr.get(), small.page_size.bytes()), (0x90_5123, 4096));
    assert_eq!((small.access.writable, small.access.ppat.get()), (false, 4));
    assert_eq!(host.translate(PpgttAddr::new(0x20_5000)).unwrap_err().fault, Fault::NotPresent);
    // Frame 5, and all 262,144 of the 1 GiB page, which the guest does not have.
    assert_eq!(made.report().dropped, 1 + (1 << 18));
    assert_eq!(made.report().first_dropped.len(), ShadowReport::KEPT);
    made.release(&mut store);
}
