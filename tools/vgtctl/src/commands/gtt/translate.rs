//! `vgtctl gtt translate`.

use libxengt::addr::{DomId, Gpa, GuestGma, HostGma, PhysAddr, PpgttAddr};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::gtt::{Ggtt, GraphicsAddr, Ppgtt, Run, Translation, WalkBudget, WalkError};
use libxengt::host::Host;
use libxengt::inspect::VirtualGgtt;
use libxengt::p2m::P2m;
use libxengt::window::Window;
use serde_json::{Value, json};

use super::{runs, tables};
use crate::cli::{Space, Tables};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, hex};

/// `range` is how many bytes from each address on, and how many runs of them at most.
pub(super) fn run(
    host: &Host,
    domid: DomId,
    options: &Tables,
    range: Option<(u64, usize)>,
    addresses: &[u64],
) -> Result<Report, Failure> {
    let vgpu = host.control().get(domid)?;
    let spec = tables::spec(host)?;
    let len = range.map(|(len, _)| len);
    let limit = range.map_or(usize::MAX, |(_, limit)| limit);
    let mut answer = Answer { p2m: p2m(host, domid), window: vgpu.window, limit, ..Answer::default() };
    match options.space {
        Space::Ggtt => {
            let table = Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid)?, spec);
            for raw in addresses {
                let gma = GuestGma::try_new(*raw).map_err(out_of_space)?;
                match len {
                    None => answer.single(gma, table.translate(gma)),
                    Some(len) => answer.range(table.translate_range(gma, len)?),
                }
            }
        }
        Space::Ppgtt => {
            let memory = tables::guest_memory(host, domid)?;
            let table = Ppgtt::new(&memory, tables::root(host, domid, options)?, spec);
            for raw in addresses {
                let va = PpgttAddr::try_new(*raw).map_err(out_of_space)?;
                match len {
                    None => answer.single(va, table.translate(va)),
                    Some(len) => answer.range(table.translate_range(va, len, WalkBudget::default())?),
                }
            }
        }
        Space::Host => {
            let table = Ggtt::<HostGma, _>::new(host.gpu()?.map_mmio()?, spec);
            for raw in addresses {
                let gma = HostGma::try_new(*raw).map_err(out_of_space)?;
                match len {
                    None => answer.single(gma, table.translate(gma)),
                    Some(len) => answer.range(table.translate_range(gma, len)?),
                }
            }
        }
    }
    if answer.cut {
        answer.code = exit_code::WARNINGS;
        answer.text.push_str("cut short by --limit\n");
    }
    let json = json!({
        "domid": domid.get(),
        "space": space_name(options.space),
        "results": answer.json,
        "cut": answer.cut,
    });
    Ok(Report::done(answer.text, json)?.with_code(answer.code))
}

/// The space's name in JSON and options.
pub(super) fn space_name(space: Space) -> &'static str {
    match space {
        Space::Ggtt => "ggtt",
        Space::Ppgtt => "ppgtt",
        Space::Host => "host",
    }
}

fn out_of_space(error: libxengt::addr::AddrError) -> Failure {
    Failure::new(exit_code::USAGE, error).hint("--space ppgtt takes addresses of 48 bits, the others of 32")
}

/// The guest's map, where the host tells it without a hypervisor call: a simulated one does.
fn p2m(host: &Host, domid: DomId) -> Option<P2m> {
    host.sim()?.guest_p2m(domid).ok()
}

#[derive(Default)]
struct Answer {
    p2m: Option<P2m>,
    window: Option<Window>,
    text: String,
    json: Vec<Value>,
    limit: usize,
    cut: bool,
    code: u8,
}

impl Answer {
    fn single<V: GraphicsAddr, A: PhysAddr>(&mut self, va: V, result: Result<Translation<A>, WalkError>) {
        let found = match result {
            Ok(found) => found,
            Err(error) => {
                let not_found = error.kind() == ErrorKind::NotFound;
                // The worst of several answers is the one a script must see.
                self.code = if not_found && self.code != exit_code::FAILURE {
                    exit_code::NOT_FOUND
                } else {
                    exit_code::FAILURE
                };
                self.text.push_str(&format!("{error}\n"));
                self.json.push(json!({ "address": hex(va.get()), "error": error.to_string() }));
                return;
            }
        };
        let mut line = format!("{:#x} -> {} {:#x}", va.get(), runs::memory::<A>(), found.addr.get());
        let mut json = json!({
            "address": hex(va.get()),
            runs::memory::<A>(): hex(found.addr.get()),
            "page": found.page_size.to_string(),
            "writable": found.access.writable,
            "ppat": found.access.ppat.get(),
            "bytes_to_page_end": found.remaining,
        });
        if let Some((mfn, members)) = self.machine(found.addr).zip(json.as_object_mut()) {
            line.push_str(&format!(" -> maddr {mfn}"));
            members.insert("maddr".to_owned(), mfn.into());
        }
        line.push_str(&format!(", {} page, {}", found.page_size, runs::access(found.access)));
        if let Some((host, members)) = self.host_gma(va).zip(json.as_object_mut()) {
            line.push_str(&format!(", host gma {host}"));
            members.insert("host_gma".to_owned(), host.into());
        }
        self.text.push_str(&line);
        self.text.push('\n');
        self.json.push(json);
    }

    fn range<V: GraphicsAddr, A: PhysAddr>(&mut self, runs: impl Iterator<Item = Run<V, A>>) {
        for run in runs {
            if self.json.len() >= self.limit {
                self.cut = true;
                return;
            }
            if runs::is_fault(&run) {
                self.code = exit_code::WARNINGS;
            }
            self.text.push_str(&runs::line(&run));
            self.json.push(runs::json(&run));
        }
    }

    /// The machine address behind a guest's, where the map is known.
    fn machine<A: PhysAddr>(&self, addr: A) -> Option<String> {
        if runs::memory::<A>() != "gpa" {
            return None;
        }
        let gpa = Gpa::from_truncated(addr.get());
        let mfn = self.p2m.as_ref()?.mfn(gpa.frame())?;
        Some(hex(mfn.addr().get() + gpa.page_offset()))
    }

    /// The host's number for a guest's GGTT address, where the window is known.
    fn host_gma<V: GraphicsAddr>(&self, va: V) -> Option<String> {
        if std::any::TypeId::of::<V>() != std::any::TypeId::of::<GuestGma>() {
            return None;
        }
        let gma = GuestGma::try_new(va.get()).ok()?;
        Some(hex(self.window.as_ref()?.g2h(gma).ok()?.get()))
    }
}
