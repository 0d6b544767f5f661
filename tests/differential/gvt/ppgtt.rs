//! Walks and shadow tables of the PPGTTs that a driver writes.

use std::cell::Cell;

use libxengt::addr::{Gpa, Maddr, PpgttAddr};
use libxengt::gtt::{Fault, MmuSpec, PageSize, Ppgtt, Root, Translation, WalkBudget, gen8, gen9, shadow};
use libxengt::memory::{FlatMemory, GuestMemory};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use xengt_opponent_gvt::{self as opponent, FIRST_SHADOW_MFN, Host};
use xengt_tests::gtt_machine::{Store, Stretches};
use xengt_tests::gtt_tables::address;
use xengt_tests::gtt_valid::{DIRECTORIES, FRAMES_MAPPED, PML4, valid_tables};

use super::{Machine, gvt, skipped};

/// A guest's tables and where its space starts.
#[derive(Debug, Clone)]
struct Case {
    words: Vec<u64>,
    pdps: Option<[u64; 4]>,
    vas: Vec<u64>,
    host: Host,
}

impl Case {
    fn spec(&self) -> MmuSpec {
        if self.host.generation == 9 { gen9::MMU } else { gen8::MMU }
    }

    fn root(&self) -> Root<Gpa> {
        self.pdps.map_or(Root::from_pml4_register(PML4 << 12), Root::from_pdp_registers)
    }

    fn their_root(&self) -> opponent::Root {
        self.pdps.map_or(opponent::Root::L4(PML4 << 12), opponent::Root::L3)
    }

    fn entry(&self, table: u64, index: u64) -> u64 {
        self.words[usize::try_from((table & 0xffff_f000) >> 3 | index & 0x1ff).unwrap()]
    }

    /// The slot of the table of 64 KiB pages that the low bits of `va` count out, if such a table covers it.
    fn slot_64k(&self, va: u64) -> Option<u64> {
        let present = |entry| Some(entry).filter(|entry| entry & 1 == 1);
        let directory = match self.pdps {
            Some(pdps) => Some(pdps[usize::try_from(va >> 30).unwrap()]).filter(|pdp| *pdp != 0)?,
            None => self.entry(present(self.entry(PML4 << 12, va >> 39))?, va >> 30),
        };
        let directory = if self.pdps.is_some() { directory } else { present(directory)? };
        let pde = present(self.entry(directory, va >> 21))?;
        let is_64k = self.host.generation == 9 && pde & 0x880 == 0x800;
        is_64k.then(|| self.entry(pde, va >> 12))
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let pdp = (0..4_usize, 0..8_u64)
        .prop_map(|(i, flags)| DIRECTORIES.get(i).map_or(0, |frame| frame << 12 | flags));
    let pdps = proptest::option::of([pdp.clone(), pdp.clone(), pdp.clone(), pdp]);
    (valid_tables(), pdps, any::<bool>(), any::<bool>()).prop_flat_map(|(words, pdps, is_gen9, pages_2m)| {
        let generation = if is_gen9 { 9 } else { 8 };
        let host = Host { generation, pages_2m, ..Host::default() };
        let vas = proptest::collection::vec(address(if pdps.is_some() { 32 } else { 48 }), 64);
        vas.prop_map(move |vas| Case { words: words.clone(), pdps, vas, host })
    })
}

/// What GVT-g says where we say `ours`, or why it cannot be said.
fn check(
    case: &Case,
    va: u64,
    ours: Option<Translation<Gpa>>,
    theirs: Option<u64>,
) -> Result<(), TestCaseError> {
    if let Some(slot) = case.slot_64k(va) {
        // GVT-g looks at the slot of the address itself and not at the first of its group of 16, as the GPU
        // does, and then drops bits 15:12 of the address: it is right in the first 4 KiB of each page.
        let answer = (slot & 1 == 1).then_some(slot & 0x3fff_ffff_0000 | va & 0xfff);
        prop_assert_eq!(theirs, answer);
        if va & 0xf000 == 0 {
            prop_assert_eq!(theirs, ours.map(|page| page.addr.get()));
        }
        return Ok(());
    }
    match ours {
        // GVT-g walks its shadow tables. Where it kept the page whole, it takes the page for a table that is
        // not there; where it split the page, it answers with the machine's address of the shadow table.
        Some(page) if page.page_size == PageSize::Size2M => match theirs {
            None => prop_assert!(case.host.pages_2m),
            Some(theirs) => {
                prop_assert!(!case.host.pages_2m);
                prop_assert!(theirs >> 12 >= FIRST_SHADOW_MFN, "{theirs:#x} is a guest's after all");
                prop_assert_eq!(theirs & 0xfff, va & 0xfff);
            }
        },
        page => prop_assert_eq!(theirs, page.map(|page| page.addr.get())),
    }
    Ok(())
}

/// The translation, where "not present" is the only reason for none.
fn translate<M: GuestMemory>(
    ppgtt: &Ppgtt<'_, M>,
    va: u64,
) -> Result<Option<Translation<M::Addr>>, TestCaseError> {
    match ppgtt.translate(PpgttAddr::new(va)) {
        Ok(page) => Ok(Some(page)),
        Err(error) if error.fault == Fault::NotPresent => Ok(None),
        Err(error) => Err(TestCaseError::fail(format!("{va:#x}: {error}"))),
    }
}

#[test]
fn walk_finds_the_addresses_that_gvt_finds() {
    if skipped() {
        return;
    }
    let seen = [const { Cell::new(0_u32) }; 4];
    proptest!(xengt_tests::cases(2048), |(case in cases())| {
        let mut gvt = gvt(&case.words, case.host);
        gvt.shadow(case.their_root()).unwrap();
        let memory = FlatMemory::<Gpa, _>::new(&case.words);
        let ppgtt = Ppgtt::new(&memory, case.root(), case.spec());
        for va in &case.vas {
            let ours = translate(&ppgtt, *va)?;
            check(&case, *va, ours, gvt.ppgtt(*va))?;
            let kind = &seen[ours.map_or(0, |page| match page.page_size {
                PageSize::Size4K => 1,
                PageSize::Size64K => 2,
                _ => 3,
            })];
            kind.set(kind.get() + 1);
        }
    });
    assert!(seen.iter().all(|seen| seen.get() > 0), "holes and pages of each size: {seen:?}");
}

/// Our root of GVT-g's shadow tables.
fn shadow_root(four_levels: bool, roots: [u64; 4]) -> Root<Maddr> {
    if four_levels { Root::from_pml4_register(roots[0]) } else { Root::from_pdp_registers(roots) }
}

#[test]
fn shadow_leads_where_the_shadow_of_gvt_leads() {
    if skipped() {
        return;
    }
    let map = Stretches(vec![(0, FRAMES_MAPPED, 0)]);
    let mapped = Cell::new(0_u32);
    proptest!(xengt_tests::cases(1024), |(case in cases())| {
        let mut gvt = gvt(&case.words, case.host);
        gvt.shadow(case.their_root()).unwrap();
        let theirs = Machine::of(&gvt);
        let theirs = Ppgtt::new(&theirs, shadow_root(case.pdps.is_none(), gvt.shadow_roots()), gen9::MMU);
        let memory = FlatMemory::<Gpa, _>::new(&case.words);
        let guest = Ppgtt::new(&memory, case.root(), case.spec());
        let mut store = Store::failing_after(usize::MAX);
        let made = shadow(&guest, &map, &mut store, WalkBudget::default()).unwrap();
        prop_assert_eq!(made.report().dropped, 0);
        let machine = store.memory();
        let ours = Ppgtt::new(&machine, *made.root(), case.spec());
        for va in &case.vas {
            let (ours, theirs) = (translate(&ours, *va)?, translate(&theirs, *va)?);
            let found = |page: Translation<Maddr>| (page.addr, page.access);
            prop_assert_eq!(ours.map(found), theirs.map(found), "{:#x}", va);
            mapped.set(mapped.get() + u32::from(ours.is_some()));
        }
        made.release(&mut store);
    });
    assert!(mapped.get() > 0, "{mapped:?} pages");
}
