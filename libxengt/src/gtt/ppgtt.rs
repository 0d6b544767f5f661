//! Per-process GTT: three or four levels of tables.

use super::entry::{IPS_64K, PAGE_SIZE_BIT, PRESENT, WRITABLE};
use super::error::{Fault, WalkError};
use super::mapping::{Access, Ppat, Run, Target, Translation, WalkBudget};
use super::pieces::Pieces;
use super::runs::merge;
use super::spec::{Entry, Level, MmuSpec, PageSize};
use crate::addr::{PAGE_SIZE, PhysAddr, PpgttAddr};
use crate::memory::GuestMemory;

/// Where the walk starts, as the context's registers say (`CTX_PDP0_LDW` and on, i915 `gt/intel_lrc_reg.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root<A> {
    /// Four levels, 48-bit space: the address of the PML4.
    Pml4(A),
    /// Three levels, 32-bit space: the addresses of up to four page directories, 1 GiB each.
    ///
    /// The registers have no present bit; GVT-g takes a register of 0 as absent (`gen8_gtt_test_present`).
    Pdps([Option<A>; 4]),
}

impl<A: PhysAddr> Root<A> {
    /// Four levels, from the PDP0 register.
    #[must_use]
    pub fn from_pml4_register(pdp0: u64) -> Self {
        Self::Pml4(A::from_truncated(pdp0 & !(PAGE_SIZE - 1)))
    }

    /// Three levels, from the registers PDP0 to PDP3.
    #[must_use]
    pub fn from_pdp_registers(pdps: [u64; 4]) -> Self {
        Self::Pdps(pdps.map(|pdp| (pdp != 0).then(|| A::from_truncated(pdp & !(PAGE_SIZE - 1)))))
    }

    /// The size of the space in bytes.
    #[must_use]
    pub const fn space(&self) -> u64 {
        match self {
            Self::Pml4(_) => 1 << 48,
            Self::Pdps(_) => 1 << 32,
        }
    }
}

/// The table that a walk for one address starts in.
pub(super) enum Top {
    Table { level: Level, addr: u64 },
    Absent { span: u64 },
}

/// A per-process GTT over the memory that holds its tables.
///
/// Over a guest's memory the addresses that come out are the guest's ([`Gpa`](crate::addr::Gpa)); over the
/// machine's, where GVT-g keeps its shadow tables, they are the machine's ([`Maddr`](crate::addr::Maddr)).
#[derive(Debug)]
pub struct Ppgtt<'m, M: GuestMemory> {
    memory: &'m M,
    root: Root<M::Addr>,
    spec: MmuSpec,
}

impl<M: GuestMemory> Clone for Ppgtt<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: GuestMemory> Copy for Ppgtt<'_, M> {}

#[inline]
pub(super) const fn writable(entry: u64) -> bool {
    entry & WRITABLE != 0
}

impl<'m, M: GuestMemory> Ppgtt<'m, M> {
    /// The space that `root` spans, its tables read from `memory` as `spec` says. Nothing is read yet.
    #[must_use]
    pub const fn new(memory: &'m M, root: Root<M::Addr>, spec: MmuSpec) -> Self {
        Self { memory, root, spec }
    }

    /// The root.
    #[must_use]
    pub const fn root(&self) -> &Root<M::Addr> {
        &self.root
    }

    /// The generation.
    #[must_use]
    pub const fn spec(&self) -> &MmuSpec {
        &self.spec
    }

    /// The memory that holds the tables.
    #[must_use]
    pub const fn memory(&self) -> &'m M {
        self.memory
    }

    /// The size of the space in bytes.
    #[must_use]
    pub const fn space(&self) -> u64 {
        self.root.space()
    }

    /// Where the walk for `va`, which lies in the space, starts.
    #[inline]
    pub(super) fn top(&self, va: u64) -> Top {
        match &self.root {
            Root::Pml4(addr) => Top::Table { level: Level::Pml4, addr: addr.get() },
            Root::Pdps(pdps) => match pdps.get(Level::Pdp.index(va)) {
                Some(Some(addr)) => Top::Table { level: Level::Pd, addr: addr.get() },
                _ => Top::Absent { span: 1 << Level::Pdp.shift() },
            },
        }
    }

    /// Where `va` leads.
    ///
    /// The answer comes from one entry per level, each read once for it.
    ///
    /// # Errors
    /// [`WalkError`]: not present ([`ErrorKind::NotFound`](crate::error::ErrorKind::NotFound)), outside the
    /// space, a table that cannot be read, or an entry that no driver should write.
    #[inline]
    pub fn translate(&self, va: PpgttAddr) -> Result<Translation<M::Addr>, WalkError> {
        self.plain(va.get()).map_or_else(|| self.walk(va), Ok)
    }

    /// The commonest walk, four levels down to a valid 4 KiB page, with one test per level; `None` whenever
    /// anything is not as common as that, and nothing that was read is used then.
    #[inline]
    fn plain(&self, va: u64) -> Option<Translation<M::Addr>> {
        let Root::Pml4(root) = &self.root else { return None };
        // Entries with address bits the GPU does not have are left to the general walk, so one mask that is
        // known at compile time serves every generation, and proves the alignment of every read.
        const FRAME: u64 = ((1 << 52) - 1) & !(PAGE_SIZE - 1);
        let beyond = self.spec.beyond_bits();
        let read = |table: u64, level: Level| {
            let at = table | ((va >> level.shift()) & 0x1ff) << 3;
            self.memory.read_u64(M::Addr::from_truncated(at)).ok()
        };
        let special = PRESENT | PAGE_SIZE_BIT | beyond;
        let pml4e = read(root.get(), Level::Pml4)?;
        if pml4e & special != PRESENT {
            return None;
        }
        let pdpe = read(pml4e & FRAME, Level::Pdp)?;
        if pdpe & special != PRESENT {
            return None;
        }
        let pde = read(pdpe & FRAME, Level::Pd)?;
        if pde & (special | IPS_64K) != PRESENT {
            return None;
        }
        let pte = read(pde & FRAME, Level::Pt)?;
        if pte & (PRESENT | beyond) != PRESENT {
            return None;
        }
        let access = Access { writable: writable(pml4e & pdpe & pde & pte), ppat: Ppat::of_4k(pte) };
        Some(translation(pte & FRAME, PageSize::Size4K, va, access))
    }

    /// The walk for everything.
    #[inline(never)]
    fn walk(&self, va: PpgttAddr) -> Result<Translation<M::Addr>, WalkError> {
        let raw = va.get();
        let mut walk = Walk { ppgtt: self, va: raw, writable: WRITABLE };
        let table = match &self.root {
            Root::Pml4(addr) => {
                let table = match walk.step(Level::Pml4, addr.get(), false)? {
                    Step::Table { addr, .. } => addr,
                    Step::Done(done) => return Ok(done),
                };
                match walk.step(Level::Pdp, table, false)? {
                    Step::Table { addr, .. } => addr,
                    Step::Done(done) => return Ok(done),
                }
            }
            Root::Pdps(_) => self.directory(raw)?,
        };
        let (table, pages_64k) = match walk.step(Level::Pd, table, false)? {
            Step::Table { addr, pages_64k } => (addr, pages_64k),
            Step::Done(done) => return Ok(done),
        };
        match walk.step(Level::Pt, table, pages_64k)? {
            Step::Done(done) => Ok(done),
            // A page table's entries point to no table: `MmuSpec::read` never says so.
            Step::Table { .. } => Err(walk.error(Level::Pt, table, None, Fault::NotPresent)),
        }
    }

    /// The page directory of a three-level space that covers `va`.
    fn directory(&self, va: u64) -> Result<u64, WalkError> {
        let error = |index, fault| WalkError { va, level: Level::Pdp, table: 0, index, entry: None, fault };
        if va >= self.space() {
            return Err(error(0, Fault::BeyondSpace { size: self.space() }));
        }
        match self.top(va) {
            Top::Table { addr, .. } => Ok(addr),
            Top::Absent { .. } => {
                let index = u32::try_from(Level::Pdp.index(va)).unwrap_or(0);
                Err(error(index, Fault::NotPresent))
            }
        }
    }

    /// Where the `len` bytes from `start` on lead: runs that cover them exactly, in order.
    ///
    /// Tables are copied 512 entries at a time, each once; no more than `budget` of them. When that is
    /// spent, the last run is a [`Fault::BudgetSpent`] over all the rest.
    ///
    /// # Errors
    /// [`WalkError`] with [`Fault::BeyondSpace`] if the range does not end in the space. A range may end
    /// exactly where the space does.
    pub fn translate_range(
        &self,
        start: PpgttAddr,
        len: u64,
        budget: WalkBudget,
    ) -> Result<impl Iterator<Item = Run<PpgttAddr, M::Addr>> + use<'m, M>, WalkError> {
        self.pieces(start, len, budget).map(merge)
    }

    /// Everything but holes of the whole space, lazily: what is mapped, and what cannot be walked.
    ///
    /// Ends within `budget` whatever the tables hold; a walk that had to stop early says so in its last run.
    pub fn dump(&self, budget: WalkBudget) -> impl Iterator<Item = Run<PpgttAddr, M::Addr>> + use<'m, M> {
        merge(Pieces::new(*self, 0, self.space(), budget))
            .filter(|run: &Run<_, _>| run.target != Target::Hole)
    }

    /// [`Self::dump`] without scratch: entries that their table holds more than once count as absent.
    ///
    /// i915 leaves no entry of its tables empty: those it does not use lead to one scratch page, the upper ones through
    /// one table per level, so that nearly all of the space is mapped (`gen8_init_scratch`, i915 `gt/gen8_ppgtt.c`).
    /// What such a table maps on purpose more than once is left out, too; a single entry that leads to scratch is not.
    pub fn dump_unique(
        &self,
        budget: WalkBudget,
    ) -> impl Iterator<Item = Run<PpgttAddr, M::Addr>> + use<'m, M> {
        merge(Pieces::unique(*self, budget)).filter(|run: &Run<_, _>| run.target != Target::Hole)
    }

    pub(super) fn pieces(
        &self,
        start: PpgttAddr,
        len: u64,
        budget: WalkBudget,
    ) -> Result<Pieces<'m, M>, WalkError> {
        let size = self.space();
        if size.checked_sub(start.get()).is_none_or(|rest| len > rest) {
            let fault = Fault::BeyondSpace { size };
            return Err(WalkError {
                va: start.get(),
                level: Level::Pml4,
                table: 0,
                index: 0,
                entry: None,
                fault,
            });
        }
        Ok(Pieces::new(*self, start.get(), len, budget))
    }
}

/// One walk for one address.
struct Walk<'p, 'm, M: GuestMemory> {
    ppgtt: &'p Ppgtt<'m, M>,
    va: u64,
    /// The writable bits of all entries so far, together.
    writable: u64,
}

enum Step<A> {
    Table { addr: u64, pages_64k: bool },
    Done(Translation<A>),
}

impl<M: GuestMemory> Walk<'_, '_, M> {
    #[cold]
    fn error(&self, level: Level, table: u64, entry: Option<u64>, fault: Fault) -> WalkError {
        let index = u32::try_from(level.index(self.va)).unwrap_or(0);
        WalkError { va: self.va, level, table, index, entry, fault }
    }

    #[inline(always)]
    fn step(&mut self, level: Level, table: u64, pages_64k: bool) -> Result<Step<M::Addr>, WalkError> {
        let covering = if pages_64k { self.va & !0xffff } else { self.va };
        let at = table | ((covering >> level.shift()) & 0x1ff) << 3;
        let entry = match self.ppgtt.memory.read_u64(M::Addr::from_truncated(at)) {
            Ok(entry) => entry,
            Err(error) => return Err(self.error(level, table, None, Fault::Memory(error))),
        };
        self.writable &= entry;
        match self.ppgtt.spec.read(level, entry, pages_64k) {
            Ok(Entry::Table { addr, pages_64k }) => Ok(Step::Table { addr, pages_64k }),
            Ok(Entry::Leaf { addr, size, ppat }) => {
                let access = Access { writable: writable(self.writable), ppat };
                Ok(Step::Done(translation(addr, size, self.va, access)))
            }
            Err(fault) => Err(self.error(level, table, Some(entry), fault)),
        }
    }
}

#[inline]
pub(super) fn translation<A: PhysAddr>(page: u64, size: PageSize, va: u64, access: Access) -> Translation<A> {
    let offset = va & (size.bytes() - 1);
    Translation {
        addr: A::from_truncated(page | offset),
        page_size: size,
        access,
        remaining: size.bytes() - offset,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ppgtt, Root};
    use crate::addr::{Gpa, PpgttAddr};
    use crate::error::{Diagnose, ErrorKind};
    use crate::gtt::{Fault, Level, PageSize, Target, WalkBudget, gen8, gen9};
    use crate::memory::FlatMemory;

    type Memory = FlatMemory<Gpa, Vec<u64>>;

    fn memory(entries: &[(usize, usize, u64)]) -> Memory {
        let mut words = vec![0; 8 * 512];
        for (frame, index, entry) in entries {
            words[frame * 512 + index] = *entry;
        }
        Memory::new(words)
    }

    fn runs(ppgtt: &Ppgtt<'_, Memory>, start: u64, len: u64) -> Vec<(u64, u64, Option<u64>)> {
        let runs = ppgtt.translate_range(PpgttAddr::new(start), len, WalkBudget::default()).unwrap();
        runs.map(|run| match run.target {
            Target::Mapped { addr, .. } => (run.start.get(), run.len, Some(addr.get())),
            Target::Hole => (run.start.get(), run.len, None),
            Target::Fault(error) => panic!("{error}"),
        })
        .collect()
    }

    #[test]
    fn dump_unique_finds_what_lies_between_tables_full_of_scratch() {
        // Frames 5, 6 and 7 are the scratch page table, directory and pointer table; 0x9000 is the scratch page.
        let fill = |frame: usize, entry: u64| (0..512).map(move |index| (frame, index, entry));
        let mut entries: Vec<_> = [fill(1, 0x7003), fill(2, 0x6003), fill(3, 0x5003), fill(4, 0x9003)]
            .into_iter()
            .chain([fill(5, 0x9003), fill(6, 0x5003), fill(7, 0x6003)])
            .flatten()
            .collect();
        entries.extend([(1, 511, 0x2003), (2, 3, 0x3003), (3, 0, 0x4003), (4, 8, 0xa003), (4, 9, 0xb003)]);
        entries.extend([(3, 2, 0x20_0083)]);
        let memory = memory(&entries);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let all: Vec<_> = ppgtt.dump_unique(WalkBudget { tables: 4 }).collect();
        let start = 511 << 39 | 3 << 30;
        let found = all.iter().map(|run| match run.target {
            Target::Mapped { addr, .. } => (run.start.get() - start, run.len, addr.get()),
            other => panic!("{other:?}"),
        });
        assert!(found.eq([(0x8000, 0x2000, 0xa000), (0x40_0000, 0x20_0000, 0x20_0000)]), "{all:?}");
        assert!(ppgtt.dump(WalkBudget { tables: 5000 }).last().is_some_and(|run| run.start.get() < 1 << 39));
    }

    #[test]
    fn dump_unique_counts_every_16th_entry_of_large_pages() {
        // The others are not the GPU's to read, and here they repeat.
        let mut entries: Vec<_> = (0..512).map(|index| (4, index, 0x3_0003)).collect();
        entries.extend([(1, 0, 0x2003), (2, 0, 0x3003), (3, 0, 0x4003 | 1 << 11)]);
        entries.extend((0..512).step_by(16).map(|index| (4, index, 0)));
        entries.extend([(4, 16, 0x3_0003), (4, 32, 0x4_0003), (4, 48, 0x8_0003), (4, 64, 0x8_0003)]);
        let memory = memory(&entries);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let all: Vec<_> =
            ppgtt.dump_unique(WalkBudget::default()).map(|run| (run.start.get(), run.len)).collect();
        assert_eq!(all, [(0x1_0000, 0x2_0000)]);
    }

    #[test]
    fn four_levels_reach_every_page_size() {
        let memory = memory(&[
            (1, 0, 0x2003),
            (2, 0, 0x3003),
            (2, 1, 0x4000_0083),
            (3, 0, 0x4003),
            (3, 1, 0x20_0000 | 1 << 12 | 0x83),
            (3, 2, 0x5003 | 1 << 11),
            (4, 7, 0x7_7003),
            (5, 16, 0x12_0089),
            (5, 17, 0xdead_0001),
        ]);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let found = |va| ppgtt.translate(PpgttAddr::new(va)).unwrap();
        assert_eq!((found(0x7abc).addr, found(0x7abc).page_size), (Gpa::new(0x7_7abc), PageSize::Size4K));
        let large = found(0x20_1234);
        assert_eq!((large.addr, large.page_size), (Gpa::new(0x20_1234), PageSize::Size2M));
        assert_eq!(large.access.ppat.get(), 4);
        let medium = found(0x41_1234);
        assert_eq!((medium.addr, medium.page_size), (Gpa::new(0x12_1234), PageSize::Size64K));
        assert_eq!((medium.access.ppat.get(), medium.access.writable), (5, false));
        assert_eq!(medium.remaining, 0x1_0000 - 0x1234);
        assert_eq!(found(0x7fff_ffff).addr, Gpa::new(0x7fff_ffff));
        assert_eq!(found(0x7fff_ffff).remaining, 1);

        assert_eq!(
            runs(&ppgtt, 0x40_f000, 0x1_2000),
            [(0x40_f000, 0x1000, None), (0x41_0000, 0x1_0000, Some(0x12_0000)), (0x42_0000, 0x1000, None)]
        );
        let gen8 = Ppgtt::new(&memory, *ppgtt.root(), gen8::MMU);
        assert_eq!(gen8.translate(PpgttAddr::new(0x41_1234)).unwrap().addr, Gpa::new(0xdead_0234));
    }

    #[test]
    fn large_and_small_pages_in_a_row_are_one_run() {
        let memory =
            memory(&[(1, 0, 0x2003), (2, 0, 0x3003), (3, 0, 0x4003), (3, 1, 0x20_0083), (4, 511, 0x1f_f003)]);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        assert_eq!(runs(&ppgtt, 0x1f_f800, 0x1000), [(0x1f_f800, 0x1000, Some(0x1f_f800))]);
        let all = runs(&ppgtt, 0, 1 << 48);
        assert_eq!(all[1], (0x1f_f000, 0x20_1000, Some(0x1f_f000)));
        assert_eq!(all.len(), 3);
        assert_eq!(ppgtt.dump(WalkBudget::default()).count(), 1);
    }

    #[test]
    fn three_levels_end_at_4_gib() {
        let memory = memory(&[(1, 511, 0x2003), (2, 511, 0x9003)]);
        let root = Root::from_pdp_registers([0, 0, 0, 0x1000]);
        let ppgtt = Ppgtt::new(&memory, root, gen9::MMU);
        let last = ppgtt.translate(PpgttAddr::new(0xffff_ffff)).unwrap();
        assert_eq!((last.addr, last.remaining), (Gpa::new(0x9fff), 1));
        assert_eq!(runs(&ppgtt, 0xffff_f000, 0x1000), [(0xffff_f000, 0x1000, Some(0x9000))]);
        assert_eq!(runs(&ppgtt, 0, 1 << 32)[0], (0, 0xffff_f000, None));
        let absent = ppgtt.translate(PpgttAddr::ZERO).unwrap_err();
        assert_eq!((absent.kind(), absent.level), (ErrorKind::NotFound, Level::Pdp));
        let beyond = ppgtt.translate(PpgttAddr::new(1 << 32)).unwrap_err();
        assert_eq!(beyond.fault, Fault::BeyondSpace { size: 1 << 32 });
        let beyond = ppgtt.translate_range(PpgttAddr::new(1), 1 << 32, WalkBudget::default());
        assert_eq!(beyond.err().unwrap().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn every_refusal_names_level_table_and_entry() {
        let memory = memory(&[
            (1, 0, 0x2003),
            (1, 1, 0x2083),
            (1, 2, 0x8003),
            (2, 0, 0x4010_0083),
            (2, 1, 0x3003),
            (3, 0, 0x20_2083),
            (3, 1, 0x4803),
            (4, 0, 0x1003),
            (4, 16, 1 << 46 | 3),
        ]);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
        let refused = |va| ppgtt.translate(PpgttAddr::new(va)).unwrap_err();
        let reserved = |bits| Fault::Reserved { bits };
        assert_eq!(refused(1 << 39).fault, reserved(0x80));
        assert_eq!(refused(0).fault, reserved(0x10_0000));
        assert_eq!(refused(1 << 30).fault, reserved(0x2000));
        let small = refused((1 << 30) + 0x20_0000);
        assert_eq!((small.fault, small.level, small.table), (reserved(0x1000), Level::Pt, 0x4000));
        let wide = refused((1 << 30) + 0x21_0000);
        assert_eq!(wide.fault, Fault::BeyondHaw { bits: 1 << 46, haw: 46 });
        assert_eq!((wide.index, wide.entry), (16, Some(1 << 46 | 3)));
        let unread = refused(2 << 39);
        assert_eq!((unread.level, unread.table, unread.entry), (Level::Pdp, 0x8000, None));
        assert!(matches!(unread.fault, Fault::Memory(_)));
    }

    #[test]
    fn table_that_is_its_own_child_ends_with_the_budget() {
        let memory = Memory::new(vec![0x3; 512]);
        let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::ZERO), gen9::MMU);
        let last = ppgtt.dump(WalkBudget { tables: 50 }).last().unwrap();
        let Target::Fault(error) = last.target else { panic!("{last:?}") };
        assert_eq!(error.fault, Fault::BudgetSpent { tables: 50 });
        assert_eq!(last.start.get() + last.len, 1 << 48);
    }
}
