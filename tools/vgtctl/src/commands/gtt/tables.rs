//! The tables that the options name.

use libxengt::addr::{DomId, Gpa};
use libxengt::gtt::{MmuSpec, Root, gen8, gen9};
use libxengt::host::Host;
use libxengt::inspect::MmioImage;
use libxengt::memory::{GuestMemory, MemoryError};
use libxengt::platform::Generation;
use libxengt::pvinfo::G2v;
use libxengt::sim::FileMemory;
use libxengt::xen::{LiveMemory, Xen};

use crate::cli::Tables;
use crate::exit_code;
use crate::failure::Failure;

/// How this host's GPU reads its tables.
pub(in crate::commands) fn spec(host: &Host) -> Result<MmuSpec, Failure> {
    Ok(match host.gpu()?.generation()? {
        Generation::Gen8 => gen8::MMU,
        _ => gen9::MMU,
    })
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
    match host.sim() {
        Some(sim) => Ok(Memory::File(sim.guest_memory(domid)?)),
        None => Ok(Memory::Live(LiveMemory::new(&Xen::open(host.root())?, domid)?)),
    }
}

/// The PPGTT's root: from the options, or the one the guest's driver announced last.
pub(super) fn root(host: &Host, domid: DomId, options: &Tables) -> Result<Root<Gpa>, Failure> {
    if let Some(pml4) = options.pml4 {
        return Ok(Root::Pml4(pml4));
    }
    match options.pdp.as_slice() {
        [] => announced(host, domid),
        [a, b, c, d] => Ok(Root::from_pdp_registers([a, b, c, d].map(|pdp| pdp.get()))),
        some => {
            let message = format!("--pdp names {} page directories, expected 4", some.len());
            Err(Failure::new(exit_code::USAGE, message).hint("a 3-level PPGTT has four, separated by commas"))
        }
    }
}

fn announced(host: &Host, domid: DomId) -> Result<Root<Gpa>, Failure> {
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
