//! Which contexts ran, and what their page tables hold: for whoever compares that with what a driver says.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt::Write;

use libxengt::addr::{Maddr, PpgttAddr};
use libxengt::gtt::{Ppgtt, Root, gen9};
use libxengt::memory::GuestMemory;

use super::EngineId;
use super::state::Descriptor;
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

    /// The contexts that ran, the latest first, one a line; only those that map `address`, if one is given.
    #[must_use]
    pub fn contexts_report(&self, address: Option<PpgttAddr>) -> String {
        let maps = |ran: &&Ran| {
            address.is_none_or(|at| Ppgtt::new(self.memory(), ran.tables, gen9::MMU).translate(at).is_ok())
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
        let mut words = [0; ENTRIES];
        let read = self.device.memory().read_words(Maddr::from_truncated(at), &mut words);
        read.map_err(|error| format!("the table of {start:#x}: {error}"))?;
        let span = 1_u64 << (12 + 9 * level);
        // In a table of larger pages every 16th entry counts.
        let step = if pages_64k { 16 } else { 1 };
        let entries: Vec<u64> = words.iter().copied().step_by(step).collect();
        let mut sorted = entries.clone();
        sorted.sort_unstable();
        for (entry, address) in entries.into_iter().zip((start..).step_by(step << (12 + 9 * level))) {
            let first = sorted.partition_point(|other| *other < entry);
            let repeated = sorted.get(first + 1) == Some(&entry);
            if entry & PRESENT == 0 || repeated {
                continue;
            }
            if level > 0 && entry & LARGE == 0 {
                self.table(entry & ADDRESS, level - 1, address, level == 1 && entry & PAGES_64K != 0)?;
                continue;
            }
            self.lines += 1;
            let bytes = if pages_64k { span * 16 } else { span };
            // Writing to a string cannot fail.
            let _ = writeln!(self.report, "{address:#x} {entry:#x} {bytes:#x}");
        }
        Ok(())
    }
}
