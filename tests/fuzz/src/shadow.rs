//! Shadow tables of hostile guest tables: they must not lead out of the guest's frames, whatever it wrote.
#![forbid(unsafe_code)]

use libxengt::addr::{Gfn, Gpa, Maddr, Mfn};
use libxengt::gtt::{Fault, Finding, FrameSet, GfnMap, Ppgtt, StoreError, Table, TableStore, Target};
use libxengt::gtt::{WalkBudget, shadow};
use libxengt::memory::FlatMemory;

/// What the guest has: (first gfn, frames, first mfn). Its tables can name far more.
const STRETCHES: [(u64, u64, u64); 3] = [(0, 5, 0x1_0000), (0x100, 16, 0x1_0100), (0x200, 512, 0x1_0201)];
/// Enough for most inputs; the others show that giving up gives all tables back.
const BUDGET: WalkBudget = WalkBudget { tables: 48 };

struct Frames;

impl GfnMap for Frames {
    fn mfn(&self, gfn: Gfn) -> Option<Mfn> {
        STRETCHES.iter().find_map(|(first, frames, mfn)| {
            let offset = gfn.get().checked_sub(*first).filter(|offset| offset < frames)?;
            Some(Mfn::new(mfn + offset))
        })
    }
}

/// Machine memory from frame 0 on, for tables only.
#[derive(Default)]
struct Store {
    words: Vec<u64>,
    live: usize,
}

impl TableStore for Store {
    fn alloc(&mut self) -> Result<Mfn, StoreError> {
        if self.words.len() >= 64 * 512 {
            return Err(StoreError::Full);
        }
        let frame = Mfn::from_truncated(u64::try_from(self.words.len() / 512).expect("few"));
        // What is never written leads to a frame that is nobody's.
        self.words.extend([0xbad_b000_0003; 512]);
        self.live += 1;
        Ok(frame)
    }

    fn write_table(&mut self, table: Mfn, entries: &Table) -> Result<(), StoreError> {
        let start = usize::try_from(table.get()).expect("few") * 512;
        self.words[start..start + 512].copy_from_slice(&entries[..]);
        Ok(())
    }

    fn free(&mut self, _table: Mfn) {
        self.live -= 1;
    }
}

/// Shadows `guest`, and audits the shadow.
pub(crate) fn shadow_stays_inside(guest: &Ppgtt<'_, FlatMemory<Gpa, Vec<u64>>>) {
    let mut store = Store::default();
    let Ok(made) = shadow(guest, &Frames, &mut store, BUDGET) else {
        assert_eq!(store.live, 0, "tables leaked");
        return;
    };
    let memory = FlatMemory::<Maddr, _>::new(store.words.clone());
    let host = Ppgtt::new(&memory, *made.root(), *guest.spec());

    let pages = FrameSet::from_ranges(STRETCHES.map(|(_, frames, mfn)| (Mfn::new(mfn), frames)));
    let tables = FrameSet::from_ranges(made.tables().iter().map(|table| (*table, 1)));
    for finding in host.audit_pages(BUDGET, &pages).chain(host.audit_tables(BUDGET, &tables)) {
        let gave_up = matches!(finding, Finding::Unresolved { error, .. }
            if matches!(error.fault, Fault::BudgetSpent { .. }));
        assert!(gave_up, "{finding:?}");
    }
    for run in host.dump(BUDGET) {
        let Target::Mapped { addr, access } = run.target else { continue };
        let theirs = guest.translate(run.start).expect("what the guest did not map has no shadow");
        assert_eq!(Frames.mfn(theirs.addr.frame()), Some(addr.frame()), "{run:?}");
        assert!(theirs.access.writable || !access.writable, "the shadow lets more than the guest: {run:?}");
    }
    made.release(&mut store);
    assert_eq!(store.live, 0, "tables leaked");
}
