//! Which contexts ran, and what their page tables hold: for whoever compares that with what a driver says.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt::Write;

use libxengt::addr::{Maddr, PpgttAddr};
use libxengt::gtt::{Ppgtt, Root, gen9};
use libxengt::memory::{GuestMemory, MemoryError};

use super::EngineId;
use super::state::Descriptor;
use crate::bits::index;
use crate::device::Device;

/// How many contexts are remembered.
const CONTEXTS: usize = 32;
/// How many tables one report reads, and how many lines it has at most: the tables are the driver's.
const TABLES: usize = 4096;
const LEAVES: usize = 1 << 16;
/// Entries of a table.
const ENTRIES: usize = 512;

const PRESENT: u64 = 1;
/// In a page directory's entry or one above: it maps a page itself.
const LARGE: u64 = 1 << 7;
/// In a page directory's entry: its table maps pages of 64 KB.
const PAGES_64K: u64 = 1 << 11;
/// Bits 38 to 12 of an entry.
const ADDRESS: u64 = (1 << 39) - (1 << 12);

/// A context, as it was loaded.
#[derive(Debug, Clone, Copy)]
struct Ran {
    engine: EngineId,
    context: Descriptor,
    tables: Root<Maddr>,
}

/// The contexts that ran last, the latest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(VecDeque<Ran>);

impl Device {
    /// Notes that an engine has loaded a context.
    pub(super) fn note_context(&mut self, engine: EngineId, context: Descriptor) {
        let tables = self.page_tables(engine);
        let History(ran) = self.history_mut();
        ran.retain(|one| one.engine != engine || one.context.image() != context.image());
        ran.truncate(CONTEXTS - 1);
        ran.push_front(Ran { engine, context, tables });
    }

    /// The contexts that ran, the latest first, one a line; only those that map `address` to more than scratch, if one
    /// is given.
    #[must_use]
    pub fn contexts_report(&self, address: Option<PpgttAddr>) -> String {
        let maps = |ran: &&Ran| match (address, ran.tables) {
            (Some(at), Root::Pml4(root)) => self.uses(root, at.get()),
            (Some(at), tables) => Ppgtt::new(self.memory(), tables, gen9::MMU).translate(at).is_ok(),
            (None, _) => true,
        };
        let History(ran) = self.history();
        let line = |ran: &Ran| {
            let tables = match ran.tables {
                Root::Pml4(root) => format!("pml4 {:#x}", root.get()),
                Root::Pdps(pdps) => format!("pdps {:x?}", pdps.map(|pdp| pdp.map_or(0, Maddr::get))),
            };
            format!("{tables} lrca {:#x} {}\n", ran.context.image().get(), ran.engine.name())
        };
        ran.iter().filter(maps).map(line).collect()
    }

    /// The leaves of the four-level tables at `root`, one a line: graphics address, entry, bytes.
    ///
    /// This reads the tables by itself, not as the library walks them. Entries that their table holds more than once
    /// are left out: i915 lets every unused one lead to a scratch page, through one table per level.
    ///
    /// # Errors
    /// A text, if the tables do not end in the bounds.
    pub fn ppgtt_report(&self, root: Maddr) -> Result<String, String> {
        let mut leaves = Leaves { device: self, tables: 0, lines: 0, report: String::new() };
        leaves.table(root.get() & ADDRESS, 3, 0, false)?;
        Ok(leaves.report)
    }

    /// Whether the four-level tables at `root` map `address` by entries that are in use.
    fn uses(&self, root: Maddr, address: u64) -> bool {
        let (mut table, mut pages_64k) = (root.get() & ADDRESS, false);
        for level in (0..4).rev() {
            let Ok(entries) = self.used_entries(table, pages_64k) else { return false };
            let shift = if pages_64k { 16 } else { 12 + 9 * level };
            let entry = entries.get(index(address >> shift) % entries.len()).copied().unwrap_or(0);
            if entry == 0 || level == 0 || entry & LARGE != 0 {
                return entry != 0;
            }
            (table, pages_64k) = (entry & ADDRESS, level == 1 && entry & PAGES_64K != 0);
        }
        false
    }

    /// The entries of the table at `at`, those not in use as 0. In a table of larger pages every 16th counts.
    fn used_entries(&self, at: u64, pages_64k: bool) -> Result<Vec<u64>, MemoryError> {
        let mut words = [0; ENTRIES];
        self.memory().read_words(Maddr::from_truncated(at), &mut words)?;
        let mut entries: Vec<u64> = words.into_iter().step_by(if pages_64k { 16 } else { 1 }).collect();
        let mut sorted = entries.clone();
        sorted.sort_unstable();
        for entry in &mut entries {
            let first = sorted.partition_point(|other| other < entry);
            if *entry & PRESENT == 0 || sorted.get(first + 1) == Some(entry) {
                *entry = 0;
            }
        }
        Ok(entries)
    }
}

struct Leaves<'d> {
    device: &'d Device,
    tables: usize,
    lines: usize,
    report: String,
}

impl Leaves<'_> {
    /// The table at `at`, `level` levels above the page tables, whose first entry is that of address `start`.
    fn table(&mut self, at: u64, level: u32, start: u64, pages_64k: bool) -> Result<(), String> {
        self.tables += 1;
        if self.tables > TABLES || self.lines > LEAVES {
            return Err(format!("more than {TABLES} tables or {LEAVES} leaves"));
        }
        let read = self.device.used_entries(at, pages_64k);
        let entries = read.map_err(|error| format!("the table of {start:#x}: {error}"))?;
        let bytes = if pages_64k { 1 << 16 } else { 1_u64 << (12 + 9 * level) };
        let addresses = (0..).map(|entry| start + entry * bytes);
        for (entry, address) in entries.into_iter().zip(addresses).filter(|(entry, _)| *entry != 0) {
            if level > 0 && entry & LARGE == 0 {
                self.table(entry & ADDRESS, level - 1, address, level == 1 && entry & PAGES_64K != 0)?;
                continue;
            }
            self.lines += 1;
            // Writing to a string cannot fail.
            let _ = writeln!(self.report, "{address:#x} {entry:#x} {bytes:#x}");
        }
        Ok(())
    }
}
