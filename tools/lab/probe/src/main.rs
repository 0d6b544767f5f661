//! The program that scenarios run in dom0: each verb uses a part of libxengt on real Xen, and says what it saw.
#![forbid(unsafe_code)]

mod card;
mod crossings;
mod cycles;
mod frames;
mod hold;
mod leaves;
mod pages;
mod release;
mod statement;
mod stop;
mod track;
mod walk;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use libxengt::addr::{DomId, Gfn, Gpa, Maddr};

/// What a verb returns: whether all was as it must be.
type Outcome = Result<bool, Box<dyn Error>>;

/// Drives libxengt in the lab's dom0.
#[derive(Debug, Parser)]
#[command(name = "lab-probe", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Walk a running guest's tables, and compare with what the guest says of them
    Walk {
        #[arg(long)]
        domid: DomId,
        /// What `lab-guest tables` printed
        file: PathBuf,
        /// The guest has given memory back since: some of what was free must be gone
        #[arg(long)]
        ballooned: bool,
    },
    /// Map a guest's memory and read it again and again, until that fails
    Hold {
        #[arg(long)]
        domid: DomId,
    },
    /// Serve a PCI card at a slot of bus 0, until SIGTERM or the domain's end
    Card {
        #[arg(long)]
        domid: DomId,
        /// The device number, 1 to 31
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..32))]
        slot: u8,
    },
    /// Track the writes to a page, until SIGTERM or the domain's end
    Track {
        #[arg(long)]
        domid: DomId,
        /// The page
        #[arg(long)]
        page: Gpa,
    },
    /// Destroy what a killed `card` left in Xen
    Release {
        #[arg(long)]
        domid: DomId,
        /// The card's device number
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..32))]
        slot: u8,
    },
    /// Create and destroy a domain with an ioreq server many times, and look for what is left
    Cycles {
        /// How often
        #[arg(long)]
        count: u32,
        /// The domain's configuration for xl
        config: PathBuf,
    },
    /// Create and destroy a domain's vGPU many times, and look for what is left
    VgpuCycles {
        /// How often
        #[arg(long)]
        count: u32,
        #[arg(long)]
        domid: DomId,
    },
    /// Ask for the machine frames behind a guest's frames, all in one list, and for mappings of them
    Frames {
        #[arg(long)]
        domid: DomId,
        /// The frames' numbers
        #[arg(required = true)]
        gfns: Vec<Gfn>,
    },
    /// Look for what the GPU wrote into the pages of a context of dom0's own driver
    Pages {
        /// The root of the context's tables
        #[arg(long)]
        pml4: Maddr,
        /// What i915-exec said of its objects
        file: PathBuf,
    },
    /// Tell where a vGPU's tables lead in the machine, as its guest wrote them
    Leaves {
        #[arg(long)]
        domid: DomId,
        /// The tables that the guest's driver announced last, in place of the global one
        #[arg(long)]
        ppgtt: bool,
    },
    /// Count the crossings into the kernel that translating a guest's frames takes
    Crossings {
        #[arg(long)]
        domid: DomId,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Walk { domid, file, ballooned } => walk::walk(domid, &file, ballooned),
        Verb::Hold { domid } => hold::hold(domid),
        Verb::Card { domid, slot } => card::serve(domid, slot),
        Verb::Track { domid, page } => track::track(domid, page),
        Verb::Release { domid, slot } => release::release(domid, slot),
        Verb::Cycles { count, config } => cycles::cycles(count, &config),
        Verb::VgpuCycles { count, domid } => cycles::vgpus(count, domid),
        Verb::Frames { domid, gfns } => frames::tell(domid, &gfns),
        Verb::Pages { pml4, file } => pages::look(pml4, &file),
        Verb::Leaves { domid, ppgtt } => leaves::tell(domid, ppgtt),
        Verb::Crossings { domid } => crossings::count(domid),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab-probe: {error}");
            ExitCode::from(2)
        }
    }
}
