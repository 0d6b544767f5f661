//! The global GTT: one level, one entry per 4 KiB.

use core::marker::PhantomData;

use super::contiguous::{absent, ascending};
use super::entry::PRESENT;
use super::error::{Fault, WalkError};
use super::mapping::{Access, Run, Target, Translation};
use super::pieces::{Piece, What};
use super::ppgtt::translation;
use super::runs::merge;
use super::source::GgttSource;
use super::space::GttAddr;
use super::spec::{ENTRIES, Level, MmuSpec, PageSize};
use crate::addr::{PAGE_SHIFT, PAGE_SIZE, PhysAddr};

/// A global GTT over the source of its entries.
///
/// `V` says whose: [`GuestGma`](crate::addr::GuestGma) for the virtual one of a guest, whose entries hold
/// guest frames, and [`HostGma`](crate::addr::HostGma) for the GPU's, whose entries hold machine frames.
#[derive(Debug, Clone, Copy)]
pub struct Ggtt<V, S> {
    source: S,
    spec: MmuSpec,
    space: PhantomData<V>,
}

impl<V: GttAddr, S: GgttSource> Ggtt<V, S> {
    /// The table whose entries `source` gives, read as `spec` says. Nothing is read yet.
    #[must_use]
    pub const fn new(source: S, spec: MmuSpec) -> Self {
        Self { source, spec, space: PhantomData }
    }

    /// The source of the entries.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// The size of the space in bytes: 4 KiB per entry, at most 4 GiB.
    #[must_use]
    pub fn space(&self) -> u64 {
        u64::from(self.source.entries()).min(1 << 20) << PAGE_SHIFT
    }

    /// Where `va` leads.
    ///
    /// # Errors
    /// [`WalkError`]: not present ([`ErrorKind::NotFound`](crate::error::ErrorKind::NotFound)), outside the
    /// space, an entry that cannot be read or names an address that the GPU does not have.
    pub fn translate(&self, va: V) -> Result<Translation<V::Target>, WalkError> {
        let raw = va.get();
        if raw >= self.space() {
            return Err(self.error(raw, None, Fault::BeyondSpace { size: self.space() }));
        }
        let entry = match self.source.read_pte(index(raw)) {
            Ok(entry) => entry,
            Err(error) => return Err(self.error(raw, None, Fault::Memory(error))),
        };
        let page = self.page(entry).map_err(|fault| self.error(raw, Some(entry), fault))?;
        Ok(translation(page, PageSize::Size4K, raw, Access::GGTT))
    }

    /// Where the `len` bytes from `start` on lead: runs that cover them exactly, in order.
    ///
    /// The table has at most 2^20 entries, so this needs no budget.
    ///
    /// # Errors
    /// [`WalkError`] with [`Fault::BeyondSpace`] if the range does not end in the space. A range may end
    /// exactly where the space does.
    pub fn translate_range(
        &self,
        start: V,
        len: u64,
    ) -> Result<impl Iterator<Item = Run<V, V::Target>>, WalkError> {
        self.pieces(start, len).map(merge)
    }

    /// Everything but holes of the whole space, lazily.
    pub fn dump(&self) -> impl Iterator<Item = Run<V, V::Target>> {
        merge(Pieces::new(self, 0, self.space())).filter(|run: &Run<_, _>| run.target != Target::Hole)
    }

    pub(super) fn pieces(&self, start: V, len: u64) -> Result<Pieces<'_, V, S>, WalkError> {
        let size = self.space();
        if size.checked_sub(start.get()).is_none_or(|rest| len > rest) {
            return Err(self.error(start.get(), None, Fault::BeyondSpace { size }));
        }
        Ok(Pieces::new(self, start.get(), len))
    }

    /// The page that a present entry names.
    fn page(&self, entry: u64) -> Result<u64, Fault> {
        if entry & (PRESENT | self.spec.beyond_bits()) == PRESENT {
            Ok(entry & self.spec.address_bits())
        } else {
            Err(self.spec.refuse(entry))
        }
    }

    fn error(&self, va: u64, entry: Option<u64>, fault: Fault) -> WalkError {
        WalkError { va, level: Level::Ggtt, table: 0, index: index(va), entry, fault }
    }
}

/// The entry that covers `va`: at most 2^20, because a graphics address of a global GTT has 32 bits.
fn index(va: u64) -> u32 {
    u32::try_from(va >> PAGE_SHIFT).unwrap_or(u32::MAX)
}

/// Walks a range of a global GTT, 512 entries copied at a time.
pub(super) struct Pieces<'g, V, S> {
    ggtt: &'g Ggtt<V, S>,
    at: u64,
    left: u64,
    /// Entries from the current address on are at `next..filled`.
    chunk: Box<[u64; ENTRIES]>,
    next: usize,
    filled: usize,
    /// Entries to read one by one, because reading them together was refused.
    singly: usize,
}

impl<'g, V: GttAddr, S: GgttSource> Pieces<'g, V, S> {
    fn new(ggtt: &'g Ggtt<V, S>, at: u64, left: u64) -> Self {
        Self { ggtt, at, left, chunk: Box::new([0; ENTRIES]), next: 0, filled: 0, singly: 0 }
    }

    /// Copies the next entries.
    fn fill(&mut self) -> Result<(), WalkError> {
        (self.next, self.filled) = (0, 0);
        if self.singly == 0 {
            let pages = (self.left + (self.at & (PAGE_SIZE - 1))).div_ceil(PAGE_SIZE);
            let wanted = usize::try_from(pages).unwrap_or(ENTRIES).min(ENTRIES);
            let out = self.chunk.get_mut(..wanted).unwrap_or_default();
            if self.ggtt.source.read_ptes(index(self.at), out).is_ok() {
                self.filled = wanted;
                return Ok(());
            }
            // One refused entry must not hide its neighbours.
            self.singly = wanted;
        }
        self.singly -= 1;
        match self.ggtt.source.read_pte(index(self.at)) {
            Ok(entry) => {
                self.chunk[0] = entry;
                self.filled = 1;
                Ok(())
            }
            Err(error) => Err(self.ggtt.error(self.at, None, Fault::Memory(error))),
        }
    }

    fn piece(&mut self) -> (u64, What<V::Target>) {
        if self.next == self.filled
            && let Err(error) = self.fill()
        {
            return (PAGE_SIZE, What::Fault(error));
        }
        let entries = self.chunk.get(self.next..self.filled).unwrap_or_default();
        let entry = entries.first().copied().unwrap_or(0);
        let spec = &self.ggtt.spec;
        let (same, what) = match self.ggtt.page(entry) {
            Ok(page) => {
                // Past the last address bit the next frame is no neighbour.
                let frames = usize::try_from(((1 << spec.haw()) - page) >> PAGE_SHIFT).unwrap_or(usize::MAX);
                let entries = entries.get(..frames.min(entries.len())).unwrap_or_default();
                let bits = PRESENT | spec.address_bits() | spec.beyond_bits();
                let addr = V::Target::from_truncated(page | (self.at & (PAGE_SIZE - 1)));
                let mapped = What::Mapped { addr, access: Access::GGTT, size: PageSize::Size4K, entry };
                (ascending(entries, bits), mapped)
            }
            Err(Fault::NotPresent) => (absent(entries), What::Hole),
            Err(fault) => (1, What::Fault(self.ggtt.error(self.at, Some(entry), fault))),
        };
        self.next += same;
        (u64::try_from(same).unwrap_or(1) << PAGE_SHIFT, what)
    }
}

impl<V: GttAddr, S: GgttSource> Iterator for Pieces<'_, V, S> {
    type Item = Piece<V::Target>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let start = self.at;
        let (span, what) = self.piece();
        let len = (span - (start & (PAGE_SIZE - 1))).min(self.left);
        self.at += len;
        self.left -= len;
        Some(Piece { start, len, what })
    }
}

#[cfg(test)]
mod tests {
    use super::Ggtt;
    use crate::addr::{Gpa, GuestGma, HostGma, Maddr};
    use crate::error::{Diagnose, ErrorKind};
    use crate::gtt::{Access, Fault, GgttSource, PageSize, Run, Target, gen9};
    use crate::memory::{MemoryError, MemoryErrorReason};

    fn mapped<A>(addr: A) -> Target<A> {
        Target::Mapped { addr, access: Access::GGTT }
    }

    #[test]
    fn guest_table_leads_to_guest_memory_and_host_table_to_the_machines() {
        let entries = [0x7000_0001_u64, 0, 0x9000_0fff];
        let guest = Ggtt::<GuestGma, _>::new(&entries[..], gen9::MMU);
        let found = guest.translate(GuestGma::new(0x123)).unwrap();
        assert_eq!((found.addr, found.page_size), (Gpa::new(0x7000_0123), PageSize::Size4K));
        assert_eq!(found.remaining, 0x1000 - 0x123);
        let host = Ggtt::<HostGma, _>::new(&entries[..], gen9::MMU);
        assert_eq!(host.translate(HostGma::new(0x2fff)).unwrap().addr, Maddr::new(0x9000_0fff));

        let hole = guest.translate(GuestGma::new(0x1000)).unwrap_err();
        assert_eq!((hole.kind(), hole.index, hole.entry), (ErrorKind::NotFound, 1, Some(0)));
        let beyond = guest.translate(GuestGma::new(0x3000)).unwrap_err();
        assert_eq!(beyond.fault, Fault::BeyondSpace { size: 0x3000 });
    }

    #[test]
    fn runs_merge_and_stop_where_the_table_stops() {
        let mut entries = vec![0; 1030];
        for (slot, frame) in entries.iter_mut().skip(500).take(40).zip(0x80..) {
            *slot = frame << 12 | 1;
        }
        entries[1029] = 1 << 46 | 1;
        let ggtt = Ggtt::<HostGma, _>::new(&entries[..], gen9::MMU);
        let runs: Vec<_> = ggtt.translate_range(HostGma::new(0x1f_4800), 0x21_1800).unwrap().collect();
        let run = |start, len, target| Run { start: HostGma::new(start), len, target };
        assert_eq!(runs[0], run(0x1f_4800, 40 * 0x1000 - 0x800, mapped(Maddr::new(0x8_0800))));
        assert_eq!(runs[1], run(0x21_c000, 489 * 0x1000, Target::Hole));
        assert!(
            matches!(runs[2].target, Target::Fault(e) if e.fault == Fault::BeyondHaw { bits: 1 << 46, haw: 46 })
        );
        assert_eq!(runs.len(), 3);
        assert_eq!(ggtt.dump().count(), 2);
        assert!(ggtt.translate_range(HostGma::new(0x40_5000), 0x1001).is_err());
        assert!(ggtt.translate_range(HostGma::new(0x1000), u64::MAX).is_err());
        assert_eq!(ggtt.translate_range(HostGma::new(0x40_6000), 0).unwrap().count(), 0);
    }

    #[derive(Debug)]
    struct Full;

    impl GgttSource for Full {
        fn entries(&self) -> u32 {
            u32::MAX
        }
        fn read_pte(&self, index: u32) -> Result<u64, MemoryError> {
            if index == 700 {
                let (at, reason) = (700 * 8, MemoryErrorReason::Os(5));
                return Err(MemoryError { at, len: 8, reason });
            }
            Ok(u64::from(index) << 12 | 1)
        }
    }

    #[test]
    fn full_4_gib_are_walked_and_a_refused_entry_hides_only_itself() {
        let ggtt = Ggtt::<HostGma, _>::new(Full, gen9::MMU);
        assert_eq!(ggtt.space(), 1 << 32);
        let runs: Vec<_> = ggtt.dump().collect();
        assert_eq!(runs.len(), 3);
        assert_eq!((runs[0].len, runs[1].len), (700 << 12, 1 << 12));
        assert!(matches!(runs[1].target, Target::Fault(_)));
        assert_eq!(runs[2].target, mapped(Maddr::new(701 << 12)));
        assert_eq!(runs[2].start.get() + runs[2].len, 1 << 32);
        assert!(ggtt.translate(HostGma::MAX).is_ok());
    }
}
