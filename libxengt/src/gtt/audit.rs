//! The audit: does everything that a table maps lie where it may?
//!
//! The tables are the only barrier between guests, so an audit that trusts none of them is the proof that
//! the barrier stands: the GPU's global GTT inside a vGPU's window, and each shadow PPGTT, may lead to that
//! guest's frames and nothing else; and the tables themselves must lie where no guest can write.

use super::FrameSet;
use super::entry::PRESENT;
use super::error::{Fault, WalkError};
use super::ggtt::Ggtt;
use super::mapping::WalkBudget;
use super::pieces::{Piece, What};
use super::ppgtt::{Ppgtt, Root};
use super::source::GgttSource;
use super::space::{GraphicsAddr, GttAddr};
use super::spec::{ENTRIES, Entry, Level, PageSize, Table};
use crate::addr::{Frame, PAGE_SHIFT, PAGE_SIZE, PhysAddr, PpgttAddr};
use crate::memory::GuestMemory;

/// Graphics addresses that lead, or a table pointer that leads, to frames outside the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation<V, F> {
    /// The first graphics address concerned.
    pub address: V,
    /// How many bytes of graphics space.
    pub len: u64,
    /// The entry that says so; the bits that the GPU ignores may be those of a neighbour. For a root, which
    /// is a register, its address.
    pub entry: u64,
    /// The first frame outside the set.
    pub frame: F,
}

/// What an audit objects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding<V, F> {
    /// It leads outside the set.
    Outside(Violation<V, F>),
    /// A present entry that does not resolve, a table that cannot be read, or the end of the budget: nothing
    /// can be said of these addresses.
    Unresolved {
        /// The first graphics address concerned.
        address: V,
        /// How many bytes of graphics space.
        len: u64,
        /// Why.
        error: WalkError,
    },
}

impl<V: GttAddr, S: GgttSource> Ggtt<V, S> {
    /// Everything in the window of `len` bytes from `start` on that leads outside `allowed`, in order.
    ///
    /// # Errors
    /// [`WalkError`] with [`Fault::BeyondSpace`] if the window does not end in the space.
    pub fn audit<'a>(
        &'a self,
        start: V,
        len: u64,
        allowed: &'a FrameSet<<V::Target as PhysAddr>::Frame>,
    ) -> Result<impl Iterator<Item = Finding<V, <V::Target as PhysAddr>::Frame>> + 'a, WalkError> {
        Ok(self.pieces(start, len)?.flat_map(|piece| findings(piece, allowed)))
    }
}

impl<'m, M: GuestMemory> Ppgtt<'m, M> {
    /// Every page of the space that lies outside `allowed`, in order.
    pub fn audit_pages<'a>(
        &self,
        budget: WalkBudget,
        allowed: &'a FrameSet<<M::Addr as PhysAddr>::Frame>,
    ) -> impl Iterator<Item = Finding<PpgttAddr, <M::Addr as PhysAddr>::Frame>> + use<'a, 'm, M> {
        let pieces = self.pieces(PpgttAddr::ZERO, self.space(), budget).into_iter().flatten();
        pieces.flat_map(|piece| findings(piece, allowed))
    }

    /// Every table of the space, from the root down, that lies outside `allowed`, in order.
    ///
    /// What an outside table holds is not looked at: whoever owns that frame can change it.
    pub fn audit_tables<'a>(
        &self,
        budget: WalkBudget,
        allowed: &'a FrameSet<<M::Addr as PhysAddr>::Frame>,
    ) -> impl Iterator<Item = Finding<PpgttAddr, <M::Addr as PhysAddr>::Frame>> + use<'a, 'm, M> {
        TableAudit::new(*self, budget, allowed)
    }
}

/// The parts of `piece` that lead outside `allowed`: at most one more than `allowed` has ranges.
fn findings<V: GraphicsAddr, A: PhysAddr>(
    piece: Piece<A>,
    allowed: &FrameSet<A::Frame>,
) -> impl Iterator<Item = Finding<V, A::Frame>> {
    let end = piece.start + piece.len;
    let mut at = piece.start;
    core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        match piece.what {
            What::Hole => None,
            What::Fault(error) => {
                at = end;
                let address = V::from_truncated(piece.start);
                Some(Finding::Unresolved { address, len: piece.len, error })
            }
            What::Mapped { addr, size, entry, .. } => {
                // Frames and graphics pages keep step: both are counted from the page the piece starts in.
                let page = |va: u64| (va >> PAGE_SHIFT) - (piece.start >> PAGE_SHIFT);
                let first = addr.frame().checked_add(page(at))?;
                let (frame, frames) = allowed.first_outside(first, page(end - 1) + 1 - page(at))?;
                let skipped = frame.get() - first.get();
                let start = (at & !(PAGE_SIZE - 1)) + (skipped << PAGE_SHIFT);
                let stop = (start + (frames << PAGE_SHIFT)).min(end);
                let start = start.max(at);
                at = stop;
                let entry = match size {
                    PageSize::Size4K => entry.wrapping_add(page(start) << PAGE_SHIFT),
                    _ => entry,
                };
                let address = V::from_truncated(start);
                Some(Finding::Outside(Violation { address, len: stop - start, entry, frame }))
            }
        }
    })
}

/// A table above the page tables, half looked through.
struct Open {
    level: Level,
    addr: u64,
    /// The graphics address of the table's first entry.
    base: u64,
    next: usize,
    words: Box<Table>,
}

struct TableAudit<'a, 'm, M: GuestMemory> {
    ppgtt: Ppgtt<'m, M>,
    allowed: &'a FrameSet<<M::Addr as PhysAddr>::Frame>,
    budget: WalkBudget,
    spent: u64,
    /// Roots not looked at yet, the next one last.
    roots: Vec<(Level, u64, u64)>,
    /// At most three: PML4, pointer table, page directory.
    open: Vec<Open>,
}

type Found<M> = Finding<PpgttAddr, <<M as GuestMemory>::Addr as PhysAddr>::Frame>;

impl<'a, 'm, M: GuestMemory> TableAudit<'a, 'm, M> {
    fn new(
        ppgtt: Ppgtt<'m, M>,
        budget: WalkBudget,
        allowed: &'a FrameSet<<M::Addr as PhysAddr>::Frame>,
    ) -> Self {
        let roots = match ppgtt.root() {
            Root::Pml4(addr) => vec![(Level::Pml4, addr.get(), 0)],
            Root::Pdps(pdps) => [3, 2, 1, 0]
                .into_iter()
                .zip(pdps.iter().rev())
                .filter_map(|(i, pdp)| Some((Level::Pd, (*pdp)?.get(), i << Level::Pdp.shift())))
                .collect(),
        };
        Self { ppgtt, allowed, budget, spent: 0, roots, open: Vec::new() }
    }

    /// Checks the table at `addr`, of `level`, for graphics addresses from `base` on, and opens it.
    fn visit(&mut self, level: Level, addr: u64, base: u64, entry: u64) -> Option<Found<M>> {
        let len = 1 << (level.shift() + 9);
        let address = PpgttAddr::from_truncated(base);
        let frame = M::Addr::from_truncated(addr).frame();
        if !self.allowed.contains(frame) {
            return Some(Finding::Outside(Violation { address, len, entry, frame }));
        }
        if level == Level::Pt {
            return None;
        }
        let error = |fault| WalkError { va: base, level, table: addr, index: 0, entry: None, fault };
        if self.spent >= self.budget.tables {
            self.open.clear();
            self.roots.clear();
            let error = error(Fault::BudgetSpent { tables: self.budget.tables });
            return Some(Finding::Unresolved { address, len: self.ppgtt.space() - base, error });
        }
        self.spent += 1;
        let mut words = Box::new([0; ENTRIES]);
        match self.ppgtt.memory().read_words(frame.addr(), &mut *words) {
            Ok(()) => {
                self.open.push(Open { level, addr, base, next: 0, words });
                None
            }
            Err(refused) => Some(Finding::Unresolved { address, len, error: error(Fault::Memory(refused)) }),
        }
    }
}

impl<M: GuestMemory> Iterator for TableAudit<'_, '_, M> {
    type Item = Found<M>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(table) = self.open.last_mut() else {
                let (level, addr, base) = self.roots.pop()?;
                if let Some(finding) = self.visit(level, addr, base, addr) {
                    return Some(finding);
                }
                continue;
            };
            let Some(entry) = table.words.get(table.next).copied() else {
                self.open.pop();
                continue;
            };
            let (level, addr, index) = (table.level, table.addr, table.next);
            let base = table.base + (u64::try_from(index).unwrap_or(0) << level.shift());
            table.next += 1;
            if entry & PRESENT == 0 {
                continue;
            }
            let finding = match (self.ppgtt.spec().read(level, entry, false), level.below()) {
                (Ok(Entry::Table { addr, .. }), Some(below)) => self.visit(below, addr, base, entry),
                (Ok(_), _) => None,
                (Err(fault), _) => {
                    let index = u32::try_from(index).unwrap_or(0);
                    let error = WalkError { va: base, level, table: addr, index, entry: Some(entry), fault };
                    let address = PpgttAddr::from_truncated(base);
                    Some(Finding::Unresolved { address, len: 1 << level.shift(), error })
                }
            };
            if finding.is_some() {
                return finding;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Violation};
    use crate::addr::{HostGma, Maddr, Mfn, PpgttAddr};
    use crate::gtt::{Fault, FrameSet, Ggtt, Ppgtt, Root, WalkBudget, gen9};
    use crate::memory::FlatMemory;

    #[test]
    fn planted_page_is_found_and_its_neighbours_are_not() {
        let mut entries: Vec<u64> = (0x100..0x200).map(|frame| frame << 12 | 1).collect();
        entries[7] = 0x300 << 12 | 1;
        let ggtt = Ggtt::<HostGma, _>::new(&entries[..], gen9::MMU);
        let allowed = FrameSet::from_ranges([(Mfn::new(0x100), 0xff)]);
        let found: Vec<_> = ggtt.audit(HostGma::ZERO, 0x10_0000, &allowed).unwrap().collect();
        let outside = |page: u64, frame: u64| {
            let (address, entry) = (HostGma::new(page << 12), frame << 12 | 1);
            Finding::Outside(Violation { address, len: 0x1000, entry, frame: Mfn::new(frame) })
        };
        assert_eq!(found, [outside(7, 0x300), outside(0xff, 0x1ff)]);
        assert_eq!(ggtt.audit(HostGma::new(0x8000), 0x8000, &allowed).unwrap().count(), 0);
        let partial: Vec<_> = ggtt.audit(HostGma::new(0x7800), 0x10, &allowed).unwrap().collect();
        let Finding::Outside(violation) = partial[0] else { panic!() };
        assert_eq!((violation.address, violation.len), (HostGma::new(0x7800), 0x10));
    }

    #[test]
    fn table_in_a_foreign_frame_is_found_and_not_entered() {
        let mut words = vec![0; 6 * 512];
        for (frame, index, entry) in
            [(1, 0, 0x2003), (1, 5, 0x83), (2, 0, 0x3003), (2, 1, 0x4003), (3, 9, 0x5003), (4, 0, 0x9003)]
        {
            words[frame * 512 + index] = entry;
        }
        let memory = FlatMemory::<Maddr, _>::new(words);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Maddr::new(0x1000)), gen9::MMU);
        let allowed = FrameSet::from_ranges([(Mfn::new(1), 3)]);
        let found: Vec<_> = ppgtt.audit_tables(WalkBudget::default(), &allowed).collect();
        let outside = |address, len, entry, frame| {
            let (address, frame) = (PpgttAddr::new(address), Mfn::new(frame));
            Finding::Outside(Violation { address, len, entry, frame })
        };
        assert_eq!(found[0], outside(9 << 21, 1 << 21, 0x5003, 5));
        assert_eq!(found[1], outside(1 << 30, 1 << 30, 0x4003, 4));
        assert!(
            matches!(found[2], Finding::Unresolved { error, .. } if error.fault == Fault::Reserved { bits: 0x80 })
        );
        assert_eq!(found.len(), 3);
        let found: Vec<_> = ppgtt.audit_tables(WalkBudget { tables: 2 }, &allowed).collect();
        assert!(matches!(found[..], [Finding::Unresolved { len, .. }] if len == 1 << 48));
    }
}
