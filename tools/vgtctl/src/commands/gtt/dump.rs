//! `vgtctl gtt dump`.

use libxengt::addr::{DomId, GuestGma, PhysAddr};
use libxengt::gtt::{Ggtt, GraphicsAddr, MemoryGgtt, Ppgtt, Run, Target, WalkBudget};
use libxengt::host::Host;
use libxengt::inspect::VirtualGgtt;
use libxengt::memory::GuestMemory;
use libxengt::platform::Generation;
use serde_json::{Value, json};

use super::tables::{HostWide, Source};
use super::translate::space_name;
use super::{runs, tables};
use crate::cli::{Space, Tables};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, size};

/// How much of the tables is to be listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    no_scratch: bool,
    limit: usize,
}

impl Wanted {
    pub(super) fn of(options: &Tables, no_scratch: bool, limit: usize) -> Result<Self, Failure> {
        if no_scratch && !matches!(options.space, Space::Ppgtt | Space::HostPpgtt) {
            return Err(Failure::new(exit_code::USAGE, "--no-scratch is for PPGTTs")
                .hint("add --space ppgtt, or leave it out"));
        }
        Ok(Self { no_scratch, limit })
    }
}

pub(super) fn run(host: &Host, domid: DomId, options: &Tables, wanted: Wanted) -> Result<Report, Failure> {
    let source = Source::of(options)?;
    let window = if source.is_by_address() { None } else { host.control().get(domid)?.window };
    let (spec, generation) = tables::spec_for(host, options, &source)?;
    let mut listing = Listing::new(wanted);
    match source {
        Source::Virtual => {
            listing.take(Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid)?, spec).dump());
        }
        Source::Array { at, entries } => {
            let memory = tables::guest_memory(host, domid)?;
            listing.take(Ggtt::<GuestGma, _>::new(MemoryGgtt::new(&memory, at, entries), spec).dump());
        }
        Source::Ppgtt(root) => {
            let memory = tables::guest_memory(host, domid)?;
            let root = root.map_or_else(|| tables::announced(host, domid), Ok)?;
            listing.process(&Ppgtt::new(&memory, root, spec));
        }
        Source::Own(_) => return Err(tables::no_domains()),
        Source::Host => {
            let table = tables::host_table(host, spec)?;
            let Some(window) = window else {
                return Err(Failure::new(
                    exit_code::UNSUPPORTED,
                    "this kernel does not show the vGPU's window in the host's GGTT",
                )
                .hint("use --space ggtt"));
            };
            for slice in [window.aperture(), window.hidden()] {
                let mapped = table.translate_range(slice.host_base(), slice.size())?;
                listing.take(mapped.filter(|run| run.target != Target::Hole));
            }
        }
    }
    listing.report(Some(domid), options.space, generation)
}

/// The host's own tables: the whole global one, whoever uses it, or a process's.
pub(super) fn host_wide(host: &Host, options: &Tables, wanted: Wanted) -> Result<Report, Failure> {
    let (table, generation) = tables::host_wide(host, options)?;
    let mut listing = Listing::new(wanted);
    match table {
        HostWide::Global(table) => listing.take(table.dump()),
        HostWide::Process { memory, root, spec } => listing.process(&Ppgtt::new(&memory, root, spec)),
    }
    listing.report(None, options.space, generation)
}

#[derive(Default)]
struct Listing {
    limit: usize,
    no_scratch: bool,
    text: String,
    json: Vec<Value>,
    mapped: u64,
    faults: u64,
    cut: bool,
}

impl Listing {
    fn new(Wanted { no_scratch, limit }: Wanted) -> Self {
        Self { limit, no_scratch, ..Self::default() }
    }

    fn process<M: GuestMemory>(&mut self, table: &Ppgtt<'_, M>) {
        let budget = WalkBudget::default();
        if self.no_scratch { self.take(table.dump_unique(budget)) } else { self.take(table.dump(budget)) }
    }

    fn take<V: GraphicsAddr, A: PhysAddr>(&mut self, runs: impl Iterator<Item = Run<V, A>>) {
        for run in runs {
            if self.json.len() >= self.limit {
                self.cut = true;
                return;
            }
            if runs::is_fault(&run) {
                self.faults += 1;
            } else {
                self.mapped = self.mapped.saturating_add(run.len);
            }
            self.text.push_str(&runs::line(&run));
            self.json.push(runs::json(&run));
        }
    }

    fn report(
        mut self,
        domid: Option<DomId>,
        space: Space,
        generation: Generation,
    ) -> Result<Report, Failure> {
        let cut = if self.cut { ", cut short by --limit" } else { "" };
        self.text.push_str(&format!(
            "{} runs, {} mapped, {} faults{cut}\n",
            self.json.len(),
            size(self.mapped),
            self.faults
        ));
        let code = if self.faults > 0 || self.cut { exit_code::WARNINGS } else { exit_code::DONE };
        let json = json!({
            "domid": domid.map(DomId::get),
            "space": space_name(space),
            "generation": tables::generation_name(generation),
            "runs": self.json,
            "mapped_bytes": self.mapped,
            "faults": self.faults,
            "cut": self.cut,
        });
        Ok(Report::done(self.text, json)?.with_code(code))
    }
}
