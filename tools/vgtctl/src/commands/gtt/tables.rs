//! The tables that the options name.

use libxengt::addr::{DomId, Gpa, HostGma, Maddr, PAGE_SIZE};
use libxengt::bar::Mmio;
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::gtt::{Ggtt, MmuSpec, Root, gen8, gen9};
use libxengt::host::Host;
use libxengt::inspect::MmioImage;
use libxengt::memory::{GuestMemory, MemoryError};
use libxengt::platform::Generation;
use libxengt::pvinfo::G2v;
use libxengt::sim::FileMemory;
use libxengt::xen::{LiveMemory, OwnMemory, Xen, XenError};

use crate::cli::{self, Space, Tables};
use crate::exit_code;
use crate::failure::Failure;

/// Where a walk takes its entries from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// The vGPU's global GTT, which dom0's kernel keeps.
    Virtual,
    /// A global GTT in guest memory.
    Array { at: Gpa, entries: u32 },
    /// A PPGTT in guest memory; without a root the one that the guest announced last.
    Ppgtt(Option<Root<Gpa>>),
    /// The host's global GTT.
    Host,
    /// A PPGTT of the host's own driver, in dom0's memory.
    Own(Root<Maddr>),
}

impl Source {
    /// What the options name together.
    pub(super) fn of(options: &Tables) -> Result<Self, Failure> {
        let usage = |message: &str, hint: &str| Err(Failure::new(exit_code::USAGE, message).hint(hint));
        let root = named_root(options)?;
        match (options.space, root, options.table) {
            (Space::Ppgtt, root, None) => Ok(Self::Ppgtt(root)),
            (Space::HostPpgtt, Some(root), None) => Ok(Self::Own(in_machine(root))),
            (Space::HostPpgtt, None, None) => {
                usage("which of the host's PPGTTs?", "name its root with --pml4 or --pdp")
            }
            (_, Some(_), _) => usage("--pml4 and --pdp name a PPGTT", "add --space ppgtt"),
            (Space::Ggtt, None, None) => Ok(Self::Virtual),
            (Space::Host, None, None) => Ok(Self::Host),
            (Space::Ggtt, None, Some(at)) if !at.is_aligned(8) => {
                let message = format!("--table {at} is not the address of an entry");
                usage(&message, "entries lie at multiples of 8")
            }
            (Space::Ggtt, None, Some(at)) => {
                let entries = options.table_entries;
                if at.checked_add((u64::from(entries) * 8).saturating_sub(1)).is_none() {
                    let message = format!("--table {at} ends beyond the last guest physical address");
                    return usage(&message, "name a lower address, or fewer bytes with --table-bytes");
                }
                Ok(Self::Array { at, entries })
            }
            (_, None, Some(_)) => usage(
                "--table is a global GTT in guest memory",
                "take it with --space ggtt; a PPGTT's root is --pml4 or --pdp",
            ),
        }
    }

    /// Whether all is in memory at addresses that are given: then no vGPU and no GPU is needed.
    pub(super) fn is_by_address(&self) -> bool {
        matches!(self, Self::Array { .. } | Self::Ppgtt(Some(_)) | Self::Own(_))
    }
}

/// The host's global GTT.
pub(super) fn host_table(host: &Host, spec: MmuSpec) -> Result<Ggtt<HostGma, Mmio>, Failure> {
    Ok(Ggtt::new(host.gpu()?.map_mmio()?, spec))
}

/// Tables that belong to no domain.
pub(super) enum HostWide {
    /// The host's global GTT, all of it.
    Global(Ggtt<HostGma, Mmio>),
    /// A process's, in dom0's memory.
    Process { memory: OwnMemory, root: Root<Maddr>, spec: MmuSpec },
}

/// What the options name without a domain.
pub(super) fn host_wide(host: &Host, options: &Tables) -> Result<(HostWide, Generation), Failure> {
    let source = Source::of(options)?;
    let (spec, generation) = match source {
        Source::Host | Source::Own(_) => spec_for(host, options, &source)?,
        Source::Virtual | Source::Array { .. } | Source::Ppgtt(_) => {
            return Err(Failure::new(exit_code::USAGE, "which domain?")
                .hint("give --domid or --domain; --space host without them is the whole table of the host"));
        }
    };
    let table = match source {
        Source::Own(root) => HostWide::Process { memory: own_memory(host)?, root, spec },
        _ => HostWide::Global(host_table(host, spec)?),
    };
    Ok((table, generation))
}

/// The host's PPGTTs belong to its own processes.
pub(super) fn no_domains() -> Failure {
    Failure::new(exit_code::USAGE, "--space host-ppgtt is the host's own, and no domain's")
        .hint("leave --domid and --domain out, or take --space ppgtt")
}

/// Memory of dom0 itself.
fn own_memory(host: &Host) -> Result<OwnMemory, Failure> {
    if host.sim().is_some() {
        let message = "the simulated host has no driver with page tables of its own";
        return Err(Failure::new(exit_code::UNSUPPORTED, message).hint("--space host is its global table"));
    }
    Ok(OwnMemory::new(&Xen::open(host.root()).map_err(no_xen)?))
}

/// How this host's GPU reads its tables.
pub(in crate::commands) fn spec(host: &Host) -> Result<MmuSpec, Failure> {
    Ok(read_by(host.gpu()?.generation()?))
}

/// How the tables are to be read, and by which generation's rules that is.
pub(super) fn spec_for(
    host: &Host,
    options: &Tables,
    source: &Source,
) -> Result<(MmuSpec, Generation), Failure> {
    let generation = match options.generation {
        Some(cli::Generation::Gen8) => Generation::Gen8,
        Some(cli::Generation::Gen9) => Generation::Gen9,
        None => match host.gpu().map_err(Failure::from).and_then(|gpu| Ok(gpu.generation()?)) {
            Ok(generation) => generation,
            Err(failure) if source.is_by_address() => {
                log::info!("taking the tables for Gen9 ones: {}", failure.message);
                Generation::Gen9
            }
            Err(failure) => return Err(failure),
        },
    };
    Ok((read_by(generation), generation))
}

fn read_by(generation: Generation) -> MmuSpec {
    match generation {
        Generation::Gen8 => gen8::MMU,
        Generation::Gen9 => gen9::MMU,
    }
}

/// A generation in JSON and options.
pub(super) fn generation_name(generation: Generation) -> String {
    generation.to_string().to_lowercase()
}

/// A guest's memory: a simulated guest's file, or a running guest's frames.
#[derive(Debug)]
pub(in crate::commands) enum Memory {
    File(FileMemory),
    Live(LiveMemory),
}

impl GuestMemory for Memory {
    type Addr = Gpa;

    fn read_u64(&self, at: Gpa) -> Result<u64, MemoryError> {
        match self {
            Self::File(memory) => memory.read_u64(at),
            Self::Live(memory) => memory.read_u64(at),
        }
    }

    fn read_words(&self, at: Gpa, out: &mut [u64]) -> Result<(), MemoryError> {
        match self {
            Self::File(memory) => memory.read_words(at, out),
            Self::Live(memory) => memory.read_words(at, out),
        }
    }

    fn read(&self, at: Gpa, out: &mut [u8]) -> Result<(), MemoryError> {
        match self {
            Self::File(memory) => memory.read(at, out),
            Self::Live(memory) => memory.read(at, out),
        }
    }
}

/// A guest's memory.
pub(in crate::commands) fn guest_memory(host: &Host, domid: DomId) -> Result<Memory, Failure> {
    if let Some(sim) = host.sim() {
        return Ok(Memory::File(sim.guest_memory(domid)?));
    }
    let xen = Xen::open(host.root()).map_err(no_xen)?;
    // A PV guest's frame numbers are the machine's: what is read there would be right by accident.
    if xen.domain_kind(domid).is_ok_and(|kind| !kind.hvm) {
        let message = format!("domain {domid} is not HVM: it has no guest physical memory");
        return Err(Failure::new(exit_code::UNSUPPORTED, message).hint("name an HVM domain"));
    }
    Ok(Memory::Live(LiveMemory::new(&xen, domid)?))
}

/// That there is no Xen says nothing of any domain.
pub(super) fn no_xen(error: XenError) -> Failure {
    let absent = error.kind() == ErrorKind::NotFound;
    let failure = Failure::from(error);
    if absent { Failure { code: exit_code::UNSUPPORTED, ..failure } } else { failure }
}

/// The PPGTT's root in the options.
fn named_root(options: &Tables) -> Result<Option<Root<Gpa>>, Failure> {
    let hint = "page tables lie at multiples of 0x1000";
    let unaligned = |option: &str, at: Gpa| {
        Failure::new(exit_code::USAGE, format!("{option} {at} is not the address of a page")).hint(hint)
    };
    if let Some(pml4) = options.pml4 {
        return if pml4.is_aligned(PAGE_SIZE) {
            Ok(Some(Root::Pml4(pml4)))
        } else {
            Err(unaligned("--pml4", pml4))
        };
    }
    if let Some(at) = options.pdp.iter().find(|at| !at.is_aligned(PAGE_SIZE)) {
        return Err(unaligned("--pdp", *at));
    }
    match options.pdp.as_slice() {
        [] => Ok(None),
        [a, b, c, d] => Ok(Some(Root::from_pdp_registers([a, b, c, d].map(|pdp| pdp.get())))),
        some => {
            let message = format!("--pdp names {} page directories, expected 4", some.len());
            Err(Failure::new(exit_code::USAGE, message).hint("a 3-level PPGTT has four, separated by commas"))
        }
    }
}

/// The options' type is the guest's; here the same numbers are the machine's.
fn in_machine(root: Root<Gpa>) -> Root<Maddr> {
    let addr = |gpa: Gpa| Maddr::from_truncated(gpa.get());
    match root {
        Root::Pml4(root) => Root::Pml4(addr(root)),
        Root::Pdps(pdps) => Root::Pdps(pdps.map(|pdp| pdp.map(addr))),
    }
}

/// The PPGTT's root that the guest's driver announced last.
pub(super) fn announced(host: &Host, domid: DomId) -> Result<Root<Gpa>, Failure> {
    let page = MmioImage::open(host.root(), domid)?.pvinfo()?;
    match page.notification() {
        Ok(G2v::PpgttL4Create) => Ok(Root::from_pml4_register(page.pdp_registers[0])),
        Ok(G2v::PpgttL3Create) => Ok(Root::from_pdp_registers(page.pdp_registers)),
        _ => Err(Failure::new(
            exit_code::NOT_FOUND,
            format!("domain {domid}'s driver announced no PPGTT last (notification {})", page.g2v_notify),
        )
        .hint("name the root with --pml4 or --pdp")),
    }
}
