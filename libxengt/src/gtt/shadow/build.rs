//! Building: the guest's tables from the root down, each once, children before parents.

use std::collections::HashMap;

use super::map::GfnMap;
use super::page_table::{address, table_4k, table_64k};
use super::report::{DropReason, ShadowReport};
use super::store::{ShadowError, TableStore};
use crate::addr::{Gpa, Maddr, Mfn, PAGE_SHIFT};
use crate::gtt::entry::{IPS_64K, PCD, PRESENT, PWT, USER, WRITABLE};
use crate::gtt::error::{Fault, WalkError};
use crate::gtt::mapping::WalkBudget;
use crate::gtt::ppgtt::{Ppgtt, Root};
use crate::gtt::spec::{ENTRIES, Entry, Level, MmuSpec, Table};
use crate::memory::{GuestMemory, MemoryError};

/// What an entry that points to a table keeps of the guest's.
const KEPT_TABLE: u64 = PRESENT | WRITABLE | USER | PWT | PCD;

/// Finished shadow tables.
///
/// Dropping it frees nothing, because only the store can: give it to [`Self::release`] when the GPU no
/// longer uses the tables.
#[derive(Debug)]
#[must_use = "the tables stay allocated until they are released"]
pub struct Shadow {
    root: Root<Maddr>,
    tables: Vec<Mfn>,
    report: ShadowReport,
}

impl Shadow {
    /// The root, of the same kind as the guest's.
    #[must_use]
    pub const fn root(&self) -> &Root<Maddr> {
        &self.root
    }

    /// The frames of all tables, children before parents.
    #[must_use]
    pub fn tables(&self) -> &[Mfn] {
        &self.tables
    }

    /// What was written and what was left out.
    #[must_use]
    pub const fn report(&self) -> &ShadowReport {
        &self.report
    }

    /// Gives all tables back to `store`, parents first.
    pub fn release<S: TableStore>(self, store: &mut S) {
        release(&self.tables, store);
    }
}

fn release<S: TableStore>(tables: &[Mfn], store: &mut S) {
    for table in tables.iter().rev() {
        store.free(*table);
    }
}

/// Builds shadow tables for `guest` in `store`, its frames looked up in `map`.
///
/// Each guest table is shadowed once for each level it is used at, however often it is pointed to, so tables
/// that point to themselves end. A table is written whole, and only then does one that points to it exist.
/// Large pages stay large where their machine frames are contiguous and aligned, and are split otherwise.
/// What cannot be shadowed is left not present and is in the [`ShadowReport`].
///
/// `budget` bounds the work: tables read and written, and one more for every 512 frames of a large page.
///
/// # Errors
/// [`ShadowError`]; every table that was allocated has then been given back to `store`.
pub fn shadow<M, G, S>(
    guest: &Ppgtt<'_, M>,
    map: &G,
    store: &mut S,
    budget: WalkBudget,
) -> Result<Shadow, ShadowError>
where
    M: GuestMemory<Addr = Gpa>,
    G: GfnMap,
    S: TableStore,
{
    let spec = *guest.spec();
    let report = ShadowReport::default();
    let memo = HashMap::new();
    let mut builder = Builder { spec, map, store, budget, spent: 0, memo, tables: Vec::new(), report };
    match builder.root(guest) {
        Ok(root) => Ok(Shadow { root, tables: builder.tables, report: builder.report }),
        Err(error) => {
            release(&builder.tables, builder.store);
            Err(error)
        }
    }
}

/// A guest table that has been shadowed: where, and whether as a table of 64 KiB pages.
#[derive(Clone, Copy)]
struct Made {
    table: Mfn,
    pages_64k: bool,
}

pub(super) struct Builder<'b, G, S> {
    pub(super) spec: MmuSpec,
    pub(super) map: &'b G,
    store: &'b mut S,
    budget: WalkBudget,
    spent: u64,
    /// By guest table, level and the page size its PDE announced. As large as the budget at most.
    memo: HashMap<(u64, Level, bool), Result<Made, MemoryError>>,
    tables: Vec<Mfn>,
    pub(super) report: ShadowReport,
}

impl<G: GfnMap, S: TableStore> Builder<'_, G, S> {
    fn root<M: GuestMemory<Addr = Gpa>>(&mut self, guest: &Ppgtt<'_, M>) -> Result<Root<Maddr>, ShadowError> {
        let mut top = |level, addr: Gpa, va| {
            let refused = |error| {
                let fault = Fault::Memory(error);
                ShadowError::Root(WalkError { va, level, table: addr.get(), index: 0, entry: None, fault })
            };
            let made = self.table(guest.memory(), level, addr.get(), false)?;
            made.map(|made| made.table.addr()).map_err(refused)
        };
        Ok(match guest.root() {
            Root::Pml4(addr) => Root::Pml4(top(Level::Pml4, *addr, 0)?),
            Root::Pdps(pdps) => {
                let mut roots = [None; 4];
                for ((slot, pdp), gib) in roots.iter_mut().zip(pdps).zip(0..) {
                    if let Some(addr) = pdp {
                        *slot = Some(top(Level::Pd, *addr, gib << Level::Pdp.shift())?);
                    }
                }
                Root::Pdps(roots)
            }
        })
    }

    /// Takes `tables` tables' worth of work off the budget.
    pub(super) fn charge(&mut self, tables: u64) -> Result<(), ShadowError> {
        self.spent = self.spent.saturating_add(tables);
        if self.spent > self.budget.tables {
            return Err(ShadowError::BudgetSpent { tables: self.budget.tables });
        }
        Ok(())
    }

    /// Writes a finished table into a new frame.
    pub(super) fn put(&mut self, entries: &Table) -> Result<Mfn, ShadowError> {
        self.charge(1)?;
        let table = self.store.alloc()?;
        self.tables.push(table);
        if address(&self.spec, table).is_none() {
            let limit = 1 << (self.spec.haw() - PAGE_SHIFT);
            return Err(ShadowError::TableBeyondHaw { table, limit });
        }
        self.store.write_table(table, entries)?;
        Ok(table)
    }

    /// Shadows the guest table at `addr`, unless that has been done. The inner error is the guest's.
    fn table<M: GuestMemory<Addr = Gpa>>(
        &mut self,
        memory: &M,
        level: Level,
        addr: u64,
        pages_64k: bool,
    ) -> Result<Result<Made, MemoryError>, ShadowError> {
        let key = (addr, level, pages_64k);
        if let Some(made) = self.memo.get(&key) {
            return Ok(*made);
        }
        self.charge(1)?;
        let mut guest = [0; ENTRIES];
        let read = memory.read_words(Gpa::from_truncated(addr).frame().addr(), &mut guest);
        let made = match read {
            Err(error) => Err(error),
            Ok(()) => Ok(self.made(memory, level, &guest, pages_64k)?),
        };
        self.memo.insert(key, made);
        Ok(made)
    }

    fn made<M: GuestMemory<Addr = Gpa>>(
        &mut self,
        memory: &M,
        level: Level,
        guest: &Table,
        pages_64k: bool,
    ) -> Result<Made, ShadowError> {
        let mut out = [0; ENTRIES];
        let mut kept_64k = false;
        match level.below() {
            None if pages_64k => {
                kept_64k = table_64k(&self.spec, self.map, guest, &mut out, &mut self.report);
            }
            None => table_4k(&self.spec, self.map, guest, &mut out, &mut self.report),
            Some(below) => {
                for (slot, entry) in out.iter_mut().zip(guest).filter(|(_, entry)| *entry & PRESENT != 0) {
                    *slot = self.upper(memory, level, below, *entry)?;
                }
            }
        }
        let table = self.put(&out)?;
        Ok(Made { table, pages_64k: kept_64k })
    }

    /// The shadow of a present entry above the page tables.
    fn upper<M: GuestMemory<Addr = Gpa>>(
        &mut self,
        memory: &M,
        level: Level,
        below: Level,
        entry: u64,
    ) -> Result<u64, ShadowError> {
        let fault = match self.spec.read(level, entry, false) {
            Ok(Entry::Leaf { addr, size, .. }) => return self.large(size, addr, (level, entry)),
            Ok(Entry::Table { addr, pages_64k }) => match self.table(memory, below, addr, pages_64k)? {
                Ok(made) => {
                    let ips = if made.pages_64k { IPS_64K } else { 0 };
                    return Ok(entry & KEPT_TABLE | ips | made.table.addr().get());
                }
                Err(error) => Fault::Memory(error),
            },
            Err(fault) => fault,
        };
        self.report.drop_entry(level, entry, DropReason::Fault(fault));
        Ok(0)
    }
}
