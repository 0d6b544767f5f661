//! Walks: held against the manual's interpreter, and ranges against single walks.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests state what they expect; a failed expectation is their result"
)]

use libxengt::addr::{Gpa, PpgttAddr};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::gtt::{Fault, MmuSpec, Ppgtt, Root, Run, Target, WalkBudget, gen8, gen9};
use libxengt::memory::FlatMemory;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use xengt_tests::gtt_prm::{Answer, Prm};
use xengt_tests::gtt_tables::{address, tables};

type Memory = FlatMemory<Gpa, Vec<u64>>;

fn spec(is_gen9: bool) -> MmuSpec {
    if is_gen9 { gen9::MMU } else { gen8::MMU }
}

const BUDGET: WalkBudget = WalkBudget { tables: 1 << 20 };

/// Whether the walker says what the manual says.
fn agree(ppgtt: &Ppgtt<'_, Memory>, va: u64, expected: Answer) -> Result<(), TestCaseError> {
    let found = ppgtt.translate(PpgttAddr::new(va));
    match expected {
        Answer::Page { addr, size, writable, ppat } => {
            let found = found.map_err(|error| TestCaseError::fail(format!("{va:#x}: {error}")))?;
            prop_assert_eq!(found.addr.get(), addr);
            prop_assert_eq!(found.page_size.bytes(), size);
            prop_assert_eq!(found.access.writable, writable);
            prop_assert_eq!(u64::from(found.access.ppat.get()), ppat);
            prop_assert_eq!(found.remaining, size - va % size);
        }
        Answer::Absent => {
            let error = found.expect_err("absent");
            prop_assert_eq!(error.fault, Fault::NotPresent);
            prop_assert_eq!(error.kind(), ErrorKind::NotFound);
            prop_assert_eq!(error.va, va);
        }
        Answer::Broken => {
            let error = found.expect_err("broken");
            prop_assert!(!matches!(error.fault, Fault::NotPresent), "{error}");
            prop_assert!(error.kind() != ErrorKind::NotFound, "{error}");
        }
    }
    Ok(())
}

fn pdps() -> impl Strategy<Value = [Option<u64>; 4]> {
    proptest::array::uniform4(proptest::option::weighted(0.8, 0..=8_u64))
}

fn root3(pdps: [Option<u64>; 4]) -> Root<Gpa> {
    Root::Pdps(pdps.map(|frame| frame.map(|frame| Gpa::new(frame << 12))))
}

/// What a single walk says, in a range's words.
fn single(ppgtt: &Ppgtt<'_, Memory>, va: u64) -> Target<Gpa> {
    match ppgtt.translate(PpgttAddr::new(va)) {
        Ok(found) => Target::Mapped { addr: found.addr, access: found.access },
        Err(error) if error.fault == Fault::NotPresent => Target::Hole,
        Err(error) => Target::Fault(error),
    }
}

/// Whether the byte `offset` into `run` is what the single walk says of it.
fn holds(ppgtt: &Ppgtt<'_, Memory>, run: &Run<PpgttAddr, Gpa>, offset: u64) -> Result<(), TestCaseError> {
    let va = run.start.get() + offset;
    match (run.target, single(ppgtt, va)) {
        (Target::Mapped { addr, access }, single) => {
            prop_assert_eq!(
                single,
                Target::Mapped { addr: Gpa::new(addr.get() + offset), access },
                "{:#x}",
                va
            );
        }
        (Target::Hole, single) => prop_assert_eq!(single, Target::Hole, "{:#x}", va),
        (Target::Fault(run), Target::Fault(single)) => {
            prop_assert_eq!((run.level, run.table, run.entry), (single.level, single.table, single.entry));
            let memory = |fault| matches!(fault, Fault::Memory(_));
            prop_assert!(run.fault == single.fault || memory(run.fault) && memory(single.fault));
        }
        (run, single) => prop_assert!(false, "{va:#x}: {run:?} but {single:?}"),
    }
    Ok(())
}

/// Whether `next` should have been part of `run`.
fn same_run(run: &Run<PpgttAddr, Gpa>, next: &Run<PpgttAddr, Gpa>) -> bool {
    match (run.target, next.target) {
        (Target::Mapped { addr, access }, Target::Mapped { addr: next, access: next_access }) => {
            access == next_access && addr.get() + run.len == next.get()
        }
        (Target::Hole, Target::Hole) => true,
        _ => false,
    }
}

fn covers(ppgtt: &Ppgtt<'_, Memory>, start: u64, len: u64) -> Result<(), TestCaseError> {
    let runs: Vec<_> = ppgtt.translate_range(PpgttAddr::new(start), len, BUDGET).unwrap().collect();
    let mut at = start;
    for run in &runs {
        prop_assert_eq!(run.start.get(), at);
        prop_assert!(run.len > 0);
        for offset in (0..run.len.min(0x40_0000)).step_by(0x1000).chain([run.len - 1]) {
            holds(ppgtt, run, offset)?;
        }
        at += run.len;
    }
    prop_assert_eq!(at, start + len);
    for pair in runs.windows(2) {
        prop_assert!(!same_run(&pair[0], &pair[1]), "{pair:?} should be one");
    }
    Ok(())
}

proptest! {
    #![proptest_config(xengt_tests::cases(4096))]

    #[test]
    fn four_level_walk_says_what_the_manual_says(
        words in tables(),
        vas in proptest::collection::vec(address(48), 16),
        is_gen9: bool,
    ) {
        let prm = Prm::new(&words, is_gen9);
        let memory = Memory::new(words);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), spec(is_gen9));
        for va in vas {
            agree(&ppgtt, va, prm.four_levels(0, va))?;
        }
    }

    #[test]
    fn three_level_walk_says_what_the_manual_says(
        words in tables(),
        pdps in pdps(),
        vas in proptest::collection::vec(address(32), 16),
        is_gen9: bool,
    ) {
        let prm = Prm::new(&words, is_gen9);
        let memory = Memory::new(words);
        let ppgtt = Ppgtt::new(&memory, root3(pdps), spec(is_gen9));
        for va in vas {
            agree(&ppgtt, va, prm.three_levels(pdps, va))?;
        }
    }
}

proptest! {
    #![proptest_config(xengt_tests::cases(2048))]

    #[test]
    fn range_is_the_union_of_its_single_walks(
        words in tables(),
        start in address(48),
        len in 0..0x60_0000_u64,
        is_gen9: bool,
    ) {
        let memory = Memory::new(words);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), spec(is_gen9));
        covers(&ppgtt, start, len.min((1 << 48) - start))?;
    }

    #[test]
    fn three_level_range_is_the_union_of_its_single_walks(
        words in tables(),
        pdps in pdps(),
        start in address(32),
        len in 0..0x60_0000_u64,
    ) {
        let memory = Memory::new(words);
        let ppgtt = Ppgtt::new(&memory, root3(pdps), gen9::MMU);
        covers(&ppgtt, start, len.min((1 << 32) - start))?;
    }

    #[test]
    fn dump_holds_exactly_what_single_walks_find(
        words in tables(),
        vas in proptest::collection::vec(address(48), 32),
    ) {
        let memory = Memory::new(words);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
        let runs: Vec<_> = ppgtt.dump(WalkBudget { tables: 400 }).collect();
        for run in &runs {
            if !matches!(run.target, Target::Fault(error) if matches!(error.fault, Fault::BudgetSpent { .. })) {
                holds(&ppgtt, run, 0)?;
                holds(&ppgtt, run, run.len - 1)?;
            }
        }
        for va in vas {
            let index = runs.partition_point(|run| run.start.get() + run.len <= va);
            match runs.get(index).filter(|run| run.start.get() <= va) {
                Some(Run { target: Target::Fault(error), .. })
                    if matches!(error.fault, Fault::BudgetSpent { .. }) => {}
                Some(run) => holds(&ppgtt, run, va - run.start.get())?,
                None => prop_assert_eq!(single(&ppgtt, va), Target::Hole),
            }
        }
    }

    #[test]
    fn range_past_the_end_is_refused_and_up_to_it_is_not(start in address(48), more in 1..u64::MAX / 2) {
        let memory = Memory::new(vec![0; 512]);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
        let rest = (1 << 48) - start;
        prop_assert!(ppgtt.translate_range(PpgttAddr::new(start), rest, BUDGET).is_ok());
        let error = ppgtt.translate_range(PpgttAddr::new(start), rest + more, BUDGET).err().unwrap();
        prop_assert_eq!(error.fault, Fault::BeyondSpace { size: 1 << 48 });
        prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn random_words_end_within_the_budget(words in proptest::collection::vec(any::<u64>(), 4 * 512)) {
        // Random addresses hardly ever hit memory; keep the flags and point everything into it.
        for mask in [u64::MAX, 0xffff | 1 << 63, 0x3fff, 0x3f7f] {
            let memory = Memory::new(words.iter().map(|word| word & mask).collect());
            for root in [Root::Pml4(Gpa::ZERO), root3([Some(0), Some(1), Some(9), None])] {
                let ppgtt = Ppgtt::new(&memory, root, gen9::MMU);
                let budget = WalkBudget { tables: 20 };
                let runs = ppgtt.dump(budget).count();
                prop_assert!(runs <= 21 * 512 + 1, "{runs}");
            }
        }
    }
}

/// Page tables at the first and last index of each level, every page of them mapped.
#[test]
fn every_combination_of_edge_indices_translates_in_four_levels() {
    const EDGES: [u64; 4] = [0, 1, 510, 511];
    // One table per level is enough: its edge entries all point to the same table below.
    let mut words = vec![0; 5 * 512];
    for table in 1..=3_usize {
        for index in EDGES {
            let next = u64::try_from(table).unwrap() + 1;
            words[table * 512 + usize::try_from(index).unwrap()] = next << 12 | 3;
        }
    }
    for index in EDGES {
        words[4 * 512 + usize::try_from(index).unwrap()] = (0x1000 + index) << 12 | 3;
    }
    let memory = Memory::new(words);
    let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
    let mut seen = 0;
    for a in 0..512 {
        for (b, c, d) in EDGES.iter().flat_map(|b| EDGES.iter().flat_map(move |c| EDGES.map(|d| (*b, *c, d))))
        {
            let va = a << 39 | b << 30 | c << 21 | d << 12;
            let found = ppgtt.translate(PpgttAddr::new(va | 0xfff));
            if EDGES.contains(&a) {
                let found = found.unwrap();
                assert_eq!((found.addr.get(), found.remaining), ((0x1000 + d) << 12 | 0xfff, 1));
                seen += 1;
            } else {
                assert_eq!(found.unwrap_err().fault, Fault::NotPresent);
            }
        }
    }
    assert_eq!(seen, 256);
    // The pages at indices 511 and 0 are neighbours in graphics space and not in memory.
    let dumped: u64 = ppgtt.dump(BUDGET).map(|run| run.len >> 12).sum();
    assert_eq!(dumped, 256);
    let top = (1 << 48) - 0x2000;
    let last: Vec<_> = ppgtt.translate_range(PpgttAddr::new(top), 0x2000, BUDGET).unwrap().collect();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].start.get() + last[0].len, 1 << 48);
}
