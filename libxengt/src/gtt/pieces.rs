//! The pieces of a range as the tables hold them, before neighbours are merged.

use super::contiguous::{absent, ascending};
use super::entry::PRESENT;
use super::error::{Fault, WalkError};
use super::mapping::{Access, Ppat, WalkBudget};
use super::ppgtt::{Ppgtt, Top};
use super::spec::{ENTRIES, Entry, Level, PageSize};
use crate::addr::{PAGE_SHIFT, PAGE_SIZE, PhysAddr};
use crate::memory::GuestMemory;

/// What a piece leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum What<A> {
    /// Contiguous memory that entries of one table name, `entry` the first of them.
    Mapped {
        addr: A,
        access: Access,
        size: PageSize,
        entry: u64,
    },
    Hole,
    Fault(WalkError),
}

/// Addresses that the same table, or the same upper entry, answers alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<A> {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) what: What<A>,
}

/// A copy of the part of a table that the range needs.
struct Copied {
    /// Which table it is: the part of the graphics address that its index does not cover.
    tag: Option<u64>,
    addr: u64,
    writable: bool,
    pages_64k: bool,
    words: [u64; ENTRIES],
}

impl Copied {
    const EMPTY: Self = Self { tag: None, addr: 0, writable: false, pages_64k: false, words: [0; ENTRIES] };
}

/// The region a table of `level` covers, as a number: what is left of `va` above its indices.
#[inline]
const fn region(level: Level, va: u64) -> u64 {
    va >> (level.shift() + 9)
}

/// Walks a range of a PPGTT table by table; each table is copied once while the range passes through it.
pub(super) struct Pieces<'m, M: GuestMemory> {
    ppgtt: Ppgtt<'m, M>,
    at: u64,
    left: u64,
    budget: WalkBudget,
    spent: u64,
    /// Whether entries that their table holds more than once count as absent.
    unique: bool,
    /// Page table, page directory, pointer table, PML4. On the heap: 16 KiB are too many to move about.
    copies: Box<[Copied; 4]>,
}

/// Why the walk stopped before an entry could be looked at.
enum Stop {
    /// At this address nothing more can be known until `span` bytes on.
    Here { span: u64, what: Option<WalkError> },
    /// At this address the whole rest is given up.
    Rest(WalkError),
}

impl<'m, M: GuestMemory> Pieces<'m, M> {
    /// The `len` bytes from `at` on, which the caller has checked to lie in the space.
    pub(super) fn new(ppgtt: Ppgtt<'m, M>, at: u64, len: u64, budget: WalkBudget) -> Self {
        let copies = Box::new([Copied::EMPTY; 4]);
        Self { ppgtt, at, left: len, budget, spent: 0, unique: false, copies }
    }

    /// All of the space, without entries that their table holds more than once.
    pub(super) fn unique(ppgtt: Ppgtt<'m, M>, budget: WalkBudget) -> Self {
        Self { unique: true, ..Self::new(ppgtt, 0, ppgtt.space(), budget) }
    }

    fn copy(&self, level: Level) -> &Copied {
        let [pt, pd, pdp, pml4] = &*self.copies;
        match level {
            Level::Pt | Level::Ggtt => pt,
            Level::Pd => pd,
            Level::Pdp => pdp,
            Level::Pml4 => pml4,
        }
    }

    fn copy_mut(&mut self, level: Level) -> &mut Copied {
        let [pt, pd, pdp, pml4] = &mut *self.copies;
        match level {
            Level::Pt | Level::Ggtt => pt,
            Level::Pd => pd,
            Level::Pdp => pdp,
            Level::Pml4 => pml4,
        }
    }

    fn error(&self, level: Level, table: u64, entry: Option<u64>, fault: Fault) -> WalkError {
        let index = u32::try_from(level.index(self.at)).unwrap_or(0);
        WalkError { va: self.at, level, table, index, entry, fault }
    }

    /// Copies the part of the table at `addr` that the range reaches.
    fn load(&mut self, level: Level, addr: u64, writable: bool, pages_64k: bool) -> Result<(), Stop> {
        if self.spent >= self.budget.tables {
            let fault = Fault::BudgetSpent { tables: self.budget.tables };
            return Err(Stop::Rest(self.error(level, addr, None, fault)));
        }
        self.spent += 1;
        let tag = region(level, self.at);
        let last = self.at + (self.left - 1);
        let first = if pages_64k { level.index(self.at) & !15 } else { level.index(self.at) };
        let end = if region(level, last) == tag { level.index(last) + 1 } else { ENTRIES };
        let from = M::Addr::from_truncated(addr | u64::try_from(first).unwrap_or(0) << 3);
        let memory = self.ppgtt.memory();
        let unique = self.unique;
        let copy = self.copy_mut(level);
        copy.tag = None;
        let read = match copy.words.get_mut(first..end) {
            Some(words) => memory.read_words(from, words),
            None => Ok(()),
        };
        match read {
            Ok(()) => {
                if unique {
                    drop_repeated(&mut copy.words, if pages_64k { 16 } else { 1 });
                }
                copy.tag = Some(tag);
                copy.addr = addr;
                copy.writable = writable;
                copy.pages_64k = pages_64k;
                Ok(())
            }
            Err(error) => {
                let what = Some(self.error(level, addr, None, Fault::Memory(error)));
                Err(Stop::Here { span: 1 << (level.shift() + 9), what })
            }
        }
    }

    /// The lowest table that is copied already and covers the address; else the topmost, freshly copied.
    fn enter(&mut self) -> Result<Level, Stop> {
        for level in [Level::Pt, Level::Pd, Level::Pdp, Level::Pml4] {
            if self.copy(level).tag == Some(region(level, self.at)) {
                return Ok(level);
            }
        }
        match self.ppgtt.top(self.at) {
            Top::Table { level, addr } => self.load(level, addr, true, false).map(|()| level),
            Top::Absent { span } => Err(Stop::Here { span, what: None }),
        }
    }

    /// The piece at the current address, if it is 4 KiB pages of the page table copied last: nearly all are.
    #[inline]
    fn plain(&mut self) -> Option<Piece<M::Addr>> {
        let [table, ..] = &*self.copies;
        if table.pages_64k || table.tag != Some(region(Level::Pt, self.at)) {
            return None;
        }
        let spec = self.ppgtt.spec();
        let entries = table.words.get(Level::Pt.index(self.at)..)?;
        let entry = *entries.first()?;
        if entry & (PRESENT | spec.beyond_bits()) != PRESENT {
            return None;
        }
        let page = entry & spec.address_bits();
        let offset = self.at & (PAGE_SIZE - 1);
        // Past the last address bit the next frame is no neighbour.
        let frames = (((1 << spec.haw()) - page) >> PAGE_SHIFT).min((self.left + offset).div_ceil(PAGE_SIZE));
        let frames = usize::try_from(frames).unwrap_or(usize::MAX).min(entries.len());
        let same = ascending(entries.get(..frames)?, spec.leaf_4k_bits());
        let len = ((u64::try_from(same).unwrap_or(1) << PAGE_SHIFT) - offset).min(self.left);
        let access =
            Access { writable: table.writable && super::ppgtt::writable(entry), ppat: Ppat::of_4k(entry) };
        let addr = M::Addr::from_truncated(page | offset);
        let what = What::Mapped { addr, access, size: PageSize::Size4K, entry };
        let start = self.at;
        self.at += len;
        self.left -= len;
        Some(Piece { start, len, what })
    }

    /// The piece at the current address.
    fn piece(&mut self) -> Result<(u64, What<M::Addr>), Stop> {
        let mut level = self.enter()?;
        let spec = *self.ppgtt.spec();
        loop {
            let copy = self.copy(level);
            let index = level.index(self.at);
            let head = if copy.pages_64k { index & !15 } else { index };
            let entries = copy.words.get(head..).unwrap_or_default();
            let entry = entries.first().copied().unwrap_or(0);
            match spec.read(level, entry, copy.pages_64k) {
                Ok(Entry::Table { addr, pages_64k }) => {
                    let writable = copy.writable && super::ppgtt::writable(entry);
                    let Some(below) = level.below() else { break };
                    self.load(below, addr, writable, pages_64k)?;
                    level = below;
                }
                Ok(Entry::Leaf { addr, size, ppat }) => {
                    let access = Access { writable: copy.writable && super::ppgtt::writable(entry), ppat };
                    let offset = self.at & (size.bytes() - 1);
                    let addr = M::Addr::from_truncated(addr | offset);
                    return Ok((size.bytes() - offset, What::Mapped { addr, access, size, entry }));
                }
                Err(Fault::NotPresent) => {
                    let span = if copy.pages_64k {
                        PageSize::Size64K.bytes()
                    } else {
                        u64::try_from(absent(entries)).unwrap_or(1) << level.shift()
                    };
                    let unit = if copy.pages_64k { PageSize::Size64K.bytes() } else { 1 << level.shift() };
                    return Ok((span - (self.at & (unit - 1)), What::Hole));
                }
                Err(fault) => {
                    let error = self.error(level, copy.addr, Some(entry), fault);
                    let unit = if copy.pages_64k { PageSize::Size64K.bytes() } else { 1 << level.shift() };
                    return Ok((unit - (self.at & (unit - 1)), What::Fault(error)));
                }
            }
        }
        Err(Stop::Here { span: 1, what: None })
    }
}

/// Makes entries absent that are there more than once; of every `step` of them the first counts.
fn drop_repeated(words: &mut [u64; ENTRIES], step: usize) {
    let mut sorted = *words;
    let mut count = 0;
    for (slot, word) in sorted.iter_mut().zip(words.iter().step_by(step)) {
        *slot = *word;
        count += 1;
    }
    let sorted = sorted.get_mut(..count).unwrap_or_default();
    sorted.sort_unstable();
    for word in words.iter_mut().step_by(step) {
        let first = sorted.partition_point(|other| other < word);
        if sorted.get(first + 1) == Some(word) {
            *word = 0;
        }
    }
}

impl<M: GuestMemory> Iterator for Pieces<'_, M> {
    type Item = Piece<M::Addr>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if let Some(piece) = self.plain() {
            return Some(piece);
        }
        let (len, what) = self.piece().unwrap_or_else(|stop| match stop {
            Stop::Here { span, what } => {
                (span - (self.at & (span - 1)), what.map_or(What::Hole, What::Fault))
            }
            Stop::Rest(error) => (self.left, What::Fault(error)),
        });
        let len = len.min(self.left);
        let piece = Piece { start: self.at, len, what };
        self.at += len;
        self.left -= len;
        Some(piece)
    }
}
