//! `vgtctl gtt translate`.

use libxengt::addr::{AddrError, DomId, Gpa, GuestGma, HostGma, PhysAddr, PpgttAddr};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::gtt::{
    Ggtt, GgttSource, GraphicsAddr, GttAddr, MemoryGgtt, Ppgtt, Run, Translation, WalkBudget, WalkError,
};
use libxengt::host::Host;
use libxengt::inspect::VirtualGgtt;
use libxengt::memory::{GuestMemory, MemoryErrorReason};
use libxengt::platform::Generation;
use libxengt::window::Window;
use serde_json::{Value, json};

use super::machine::Machine;
use super::tables::{HostWide, Memory, Source};
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
    let source = Source::of(options)?;
    let window = if source.is_by_address() { None } else { host.control().get(domid)?.window };
    let (spec, generation) = tables::spec_for(host, options, &source)?;
    let len = range.map(|(len, _)| len);
    let limit = range.map_or(usize::MAX, |(_, limit)| limit);
    let memory = match source {
        Source::Own(_) => return Err(tables::no_domains()),
        Source::Host => None,
        Source::Array { .. } | Source::Ppgtt(_) => Some(tables::guest_memory(host, domid)?),
        // Only to see whether anything is where an entry leads.
        Source::Virtual => tables::guest_memory(host, domid).ok(),
    };
    let guests = len.is_none() && !matches!(source, Source::Host);
    let machine = guests.then(|| Machine::of(host, domid));
    let mut answer = Answer { memory: memory.as_ref(), machine, window, limit, ..Answer::default() };
    match (source, memory.as_ref()) {
        (Source::Ppgtt(root), Some(memory)) => {
            let root = root.map_or_else(|| tables::announced(host, domid), Ok)?;
            answer.process(&Ppgtt::new(memory, root, spec), addresses, len)?;
        }
        (Source::Array { at, entries }, Some(memory)) => {
            let entries = MemoryGgtt::new(memory, at, entries);
            answer.global(&Ggtt::new(entries, spec), GuestGma::try_new, addresses, len)?;
        }
        (Source::Host, _) => {
            let table = tables::host_table(host, spec)?;
            answer.global(&table, HostGma::try_new, addresses, len)?;
        }
        (Source::Virtual | Source::Ppgtt(_) | Source::Array { .. } | Source::Own(_), _) => {
            let entries = VirtualGgtt::open(host.root(), domid)?;
            answer.global(&Ggtt::new(entries, spec), GuestGma::try_new, addresses, len)?;
        }
    }
    answer.report(Some(domid), options.space, generation)
}

/// Addresses of the host's own tables.
pub(super) fn host_wide(
    host: &Host,
    options: &Tables,
    range: Option<(u64, usize)>,
    addresses: &[u64],
) -> Result<Report, Failure> {
    let (table, generation) = tables::host_wide(host, options)?;
    let limit = range.map_or(usize::MAX, |(_, limit)| limit);
    let mut answer = Answer { limit, ..Answer::default() };
    let len = range.map(|(len, _)| len);
    match table {
        HostWide::Global(table) => answer.global(&table, HostGma::try_new, addresses, len)?,
        HostWide::Process { memory, root, spec } => {
            answer.process(&Ppgtt::new(&memory, root, spec), addresses, len)?;
        }
    }
    answer.report(None, options.space, generation)
}

/// The space's name in JSON and options.
pub(super) fn space_name(space: Space) -> &'static str {
    match space {
        Space::Ggtt => "ggtt",
        Space::Ppgtt => "ppgtt",
        Space::Host => "host",
        Space::HostPpgtt => "host-ppgtt",
    }
}

/// `addr`, if it is a guest's.
fn guest_physical<A: PhysAddr>(addr: A) -> Option<Gpa> {
    (runs::memory::<A>() == "gpa").then(|| Gpa::from_truncated(addr.get()))
}

fn out_of_space(error: AddrError) -> Failure {
    Failure::new(exit_code::USAGE, error)
        .hint("--space ppgtt and host-ppgtt take addresses of 48 bits, the others of 32")
}

#[derive(Default)]
struct Answer<'m> {
    memory: Option<&'m Memory>,
    machine: Option<Machine>,
    window: Option<Window>,
    text: String,
    json: Vec<Value>,
    limit: usize,
    cut: bool,
    /// Whether any address led anywhere.
    found: bool,
    code: u8,
}

impl Answer<'_> {
    fn report(
        mut self,
        domid: Option<DomId>,
        space: Space,
        generation: Generation,
    ) -> Result<Report, Failure> {
        if self.cut {
            self.code = exit_code::WARNINGS;
            self.text.push_str("cut short by --limit\n");
        }
        let why = self.machine.as_ref().and_then(Machine::why_unknown);
        if let Some(why) = why.filter(|_| self.found) {
            self.text.push_str(&format!("machine addresses are unknown: {why}\n"));
        }
        let json = json!({
            "domid": domid.map(DomId::get),
            "space": space_name(space),
            "generation": tables::generation_name(generation),
            "results": self.json,
            "machine": self.machine.as_ref().map(|_| json!({ "known": why.is_none(), "why": why })),
            "cut": self.cut,
        });
        Ok(Report::done(self.text, json)?.with_code(self.code))
    }

    fn global<V: GttAddr, S: GgttSource>(
        &mut self,
        table: &Ggtt<V, S>,
        address: impl Fn(u64) -> Result<V, AddrError>,
        addresses: &[u64],
        len: Option<u64>,
    ) -> Result<(), Failure> {
        for raw in addresses {
            let gma = address(*raw).map_err(out_of_space)?;
            match len {
                None => self.single(gma, table.translate(gma)),
                Some(len) => self.range(table.translate_range(gma, len)?),
            }
        }
        Ok(())
    }

    fn process<M: GuestMemory>(
        &mut self,
        table: &Ppgtt<'_, M>,
        addresses: &[u64],
        len: Option<u64>,
    ) -> Result<(), Failure> {
        for raw in addresses {
            let va = PpgttAddr::try_new(*raw).map_err(out_of_space)?;
            match len {
                None => self.single(va, table.translate(va)),
                Some(len) => self.range(table.translate_range(va, len, WalkBudget::default())?),
            }
        }
        Ok(())
    }

    fn single<V: GraphicsAddr, A: PhysAddr>(&mut self, va: V, result: Result<Translation<A>, WalkError>) {
        let found = match result {
            Ok(found) => found,
            Err(error) => {
                self.worsen(exit_code::of(match error.kind() {
                    kind @ (ErrorKind::NotFound | ErrorKind::InvalidInput) => kind,
                    _ => ErrorKind::Failed,
                }));
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
        self.found = true;
        let mut tell = |key: &str, value: Value| {
            json.as_object_mut().map(|members| members.insert(key.to_owned(), value));
        };
        let there = self.there(found.addr);
        if let Some(there) = there {
            tell("backed", there.is_ok().into());
        }
        if let Some(Err(nothing)) = there {
            line.push_str(&format!(" -> no memory ({nothing})"));
            self.worsen(exit_code::WARNINGS);
        } else if let Some(maddr) = self.maddr(found.addr) {
            line.push_str(&format!(" -> maddr {maddr}"));
            tell("maddr", maddr.into());
        }
        line.push_str(&format!(", {} page, {}", found.page_size, runs::access(found.access)));
        if let Some(host) = self.host_gma(va) {
            line.push_str(&format!(", host gma {host}"));
            tell("host_gma", host.into());
        }
        self.text.push_str(&line);
        self.text.push('\n');
        self.json.push(json);
    }

    /// The worst of several answers is the one that a script must see.
    fn worsen(&mut self, code: u8) {
        const BY_WEIGHT: [u8; 5] = [
            exit_code::DONE,
            exit_code::WARNINGS,
            exit_code::NOT_FOUND,
            exit_code::USAGE,
            exit_code::FAILURE,
        ];
        let weight = |code| BY_WEIGHT.iter().position(|known| *known == code);
        if weight(code) > weight(self.code) {
            self.code = code;
        }
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

    /// Whether the guest has memory at `addr`, and why not, where that can be seen.
    fn there<A: PhysAddr>(&self, addr: A) -> Option<Result<(), &'static str>> {
        let gpa = guest_physical(addr)?;
        match self.memory?.read(gpa, &mut [0]).map_err(|error| error.reason) {
            Ok(()) => Some(Ok(())),
            Err(MemoryErrorReason::Hole) => Some(Err("a hole, or ballooned out")),
            Err(MemoryErrorReason::Beyond) => Some(Err("beyond the end of the guest's")),
            Err(reason) => {
                log::warn!("whether there is memory at gpa {gpa} cannot be found out: {reason}");
                None
            }
        }
    }

    /// The machine address behind a guest's, where it is known.
    fn maddr<A: PhysAddr>(&self, addr: A) -> Option<String> {
        let gpa = guest_physical(addr)?;
        match self.machine.as_ref()?.frame(gpa.frame()) {
            Ok(frame) => Some(hex(frame?.addr().get() + gpa.page_offset())),
            Err(error) => {
                log::warn!("the machine address of gpa {gpa} cannot be found out: {error}");
                None
            }
        }
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
