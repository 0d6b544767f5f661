//! `vgtctl gtt dump`.

use libxengt::addr::{DomId, GuestGma, HostGma, PhysAddr};
use libxengt::gtt::{Ggtt, GraphicsAddr, Ppgtt, Run, Target, WalkBudget};
use libxengt::host::Host;
use libxengt::inspect::VirtualGgtt;
use serde_json::{Value, json};

use super::translate::space_name;
use super::{runs, tables};
use crate::cli::{Space, Tables};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, size};

pub(super) fn run(host: &Host, domid: DomId, options: &Tables, limit: usize) -> Result<Report, Failure> {
    let vgpu = host.control().get(domid)?;
    let spec = tables::spec(host)?;
    let mut listing = Listing { limit, ..Listing::default() };
    match options.space {
        Space::Ggtt => {
            listing.take(Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid)?, spec).dump());
        }
        Space::Ppgtt => {
            let memory = tables::guest_memory(host, domid)?;
            let table = Ppgtt::new(&memory, tables::root(host, domid, options)?, spec);
            listing.take(table.dump(WalkBudget::default()));
        }
        Space::Host => {
            let table = Ggtt::<HostGma, _>::new(host.gpu()?.map_mmio()?, spec);
            let Some(window) = vgpu.window else {
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
    listing.report(domid, options.space)
}

#[derive(Default)]
struct Listing {
    limit: usize,
    text: String,
    json: Vec<Value>,
    mapped: u64,
    faults: u64,
    cut: bool,
}

impl Listing {
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

    fn report(mut self, domid: DomId, space: Space) -> Result<Report, Failure> {
        let cut = if self.cut { ", cut short by --limit" } else { "" };
        self.text.push_str(&format!(
            "{} runs, {} mapped, {} faults{cut}\n",
            self.json.len(),
            size(self.mapped),
            self.faults
        ));
        let code = if self.faults > 0 || self.cut { exit_code::WARNINGS } else { exit_code::DONE };
        let json = json!({
            "domid": domid.get(),
            "space": space_name(space),
            "runs": self.json,
            "mapped_bytes": self.mapped,
            "faults": self.faults,
            "cut": self.cut,
        });
        Ok(Report::done(self.text, json)?.with_code(code))
    }
}
