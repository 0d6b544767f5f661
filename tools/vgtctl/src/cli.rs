//! The command line: verbs, options, and what help says of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use libxengt::addr::{DomId, Gpa};

/// Create, inspect and debug Intel GVT-g vGPUs on Xen.
#[derive(Debug, Parser)]
#[command(name = "vgtctl", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit status: 0 done, 1 failure, 2 usage, 3 not found, 4 no permission,\n\
    5 unsupported host or kernel, 6 no space, 7 done with warnings.\n\
    `vgtctl man` prints the manual.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct Global {
    /// Read the host's files under DIR instead of /
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "sim")]
    pub(crate) root: Option<PathBuf>,
    /// Work on a simulated host, made if absent [default: $XDG_RUNTIME_DIR/xengt-sim]
    #[arg(long, value_name = "DIR", global = true, num_args = 0..=1, require_equals = true)]
    pub(crate) sim: Option<Option<PathBuf>>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more: -v what is done, -vv every step; $VGTCTL_LOG takes a level too
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the host's GPU and what it has for vGPUs
    Host,
    /// List the vGPU types, and how many of each fit
    Types,
    /// Create a domain's vGPU
    Create(Create),
    /// Destroy a domain's vGPU
    Destroy(Change),
    /// List the vGPUs
    List,
    /// Show everything about a domain's vGPU
    Show(Domain),
    /// Take a domain's vGPU off the GPU
    Pause(Change),
    /// Put a domain's vGPU back on the GPU
    Resume(Change),
    /// Look into graphics translation tables
    #[command(subcommand)]
    Gtt(Gtt),
    /// Look at fence registers
    #[command(subcommand)]
    Fence(Fence),
    /// Save a picture of a guest's screen
    Screenshot(Screenshot),
    /// Check the host step by step, and a domain with it; say how to fix what is missing
    Doctor {
        #[command(flatten)]
        domain: OptionalDomain,
    },
    /// Manage the simulated host
    #[command(subcommand)]
    Sim(SimVerb),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one page per verb
    Man {
        /// Write the pages into DIR instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// The most bytes of a domain's name.
const DOMAIN_NAME_MAX: usize = 255;

/// Which domain.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Domain {
    /// The domain's id, as `xl list` shows it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) domid: Option<DomId>,
    /// The domain's name, as `xl list` shows it
    #[arg(long = "domain", value_name = "NAME", value_parser = domain_name)]
    pub(crate) name: Option<String>,
}

/// Which domain, where none means all of them or none.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub(crate) struct OptionalDomain {
    /// The domain's id, as `xl list` shows it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) domid: Option<DomId>,
    /// The domain's name, as `xl list` shows it
    #[arg(long = "domain", value_name = "NAME", value_parser = domain_name)]
    pub(crate) name: Option<String>,
}

/// A change to an existing vGPU.
#[derive(Debug, Clone, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) domain: Domain,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) domain: Domain,
    /// The type: GVTg_V5_4, i915-GVTg_V5_4 or just 4 [default: the smallest]
    #[arg(long = "type", value_name = "T", conflicts_with_all = ["low_gm", "high_gm", "fences"])]
    pub(crate) ty: Option<String>,
    /// Low graphics memory in MB, which picks the type: 64, 128, 256 or 512
    #[arg(long, value_name = "MB", allow_negative_numbers = true)]
    pub(crate) low_gm: Option<u32>,
    /// High graphics memory in MB; advisory, the kernel gives what the type has
    #[arg(long, value_name = "MB", requires = "low_gm", allow_negative_numbers = true)]
    pub(crate) high_gm: Option<u32>,
    /// Fence registers; advisory, the kernel gives what the type has
    #[arg(long, value_name = "N", requires = "low_gm", allow_negative_numbers = true)]
    pub(crate) fences: Option<u32>,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which graphics address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Space {
    /// The guest's global GTT
    Ggtt,
    /// A per-process space of the guest
    Ppgtt,
    /// The host's global GTT, as the GPU walks it
    Host,
    /// A process's space in a PV dom0; a wrong --pml4 or --pdp may read a device
    HostPpgtt,
}

/// Where a walk starts.
#[derive(Debug, Args)]
pub(crate) struct Tables {
    /// The address space
    #[arg(long, value_enum, default_value = "ggtt")]
    pub(crate) space: Space,
    /// The PPGTT's root table in guest memory [default: the one the guest announced last]
    #[arg(long, value_name = "GPA", conflicts_with = "pdp")]
    pub(crate) pml4: Option<Gpa>,
    /// The four page directories of a 3-level PPGTT in guest memory
    #[arg(long, value_name = "GPA,GPA,GPA,GPA", value_delimiter = ',')]
    pub(crate) pdp: Vec<Gpa>,
    /// A global GTT as an array of entries in guest memory [default: the vGPU's own, which dom0's kernel keeps]
    #[arg(long, value_name = "GPA", conflicts_with_all = ["pml4", "pdp"])]
    pub(crate) table: Option<Gpa>,
    /// Bytes of that array, 8 for each 4 KB that it maps
    #[arg(long = "table-bytes", value_name = "BYTES", default_value = "0x800000", requires = "table")]
    #[arg(value_parser = table_entries)]
    pub(crate) table_entries: u32,
    /// Whose tables these are [default: those of the host's GPU; by address, without a GPU, gen9]
    #[arg(long, value_enum)]
    pub(crate) generation: Option<Generation>,
}

/// A graphics generation, as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generation {
    /// Broadwell
    Gen8,
    /// Skylake to Comet Lake: page tables may hold 64 KB pages
    Gen9,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Gtt {
    /// Say where graphics addresses lead
    Translate {
        #[command(flatten)]
        domain: OptionalDomain,
        #[command(flatten)]
        tables: Tables,
        /// Translate this many bytes from each address on, as runs
        #[arg(long, value_name = "BYTES", value_parser = byte_count)]
        len: Option<u64>,
        /// Stop after this many runs: what a guest maps can be endless
        #[arg(long, value_name = "N", default_value = "10000", requires = "len")]
        limit: usize,
        /// Graphics addresses, decimal or 0x-hexadecimal
        #[arg(required = true, value_name = "ADDR", value_parser = byte_count)]
        addresses: Vec<u64>,
    },
    /// List what is mapped, as runs
    Dump {
        #[command(flatten)]
        domain: OptionalDomain,
        #[command(flatten)]
        tables: Tables,
        /// Leave out entries that a PPGTT's table holds twice: i915's unused ones lead to scratch
        #[arg(long)]
        no_scratch: bool,
        /// Stop after this many runs
        #[arg(long, value_name = "N", default_value = "10000")]
        limit: usize,
    },
    /// Prove that the host maps nothing into the vGPU's window but the domain's own memory
    Audit {
        #[command(flatten)]
        domain: Domain,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Fence {
    /// List the host's fence registers, or a domain's with its own numbers
    List {
        #[command(flatten)]
        domain: OptionalDomain,
    },
}

/// How the framebuffer's bytes are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// From the guest's memory, detiled here
    Memory,
    /// Through the GPU's aperture, detiled by its fence where one covers it
    Aperture,
}

#[derive(Debug, Args)]
pub(crate) struct Screenshot {
    #[command(flatten)]
    pub(crate) domain: Domain,
    /// How to fetch the framebuffer
    #[arg(long, value_enum, default_value = "memory")]
    pub(crate) via: Via,
    /// The PNG file to write
    #[arg(value_name = "FILE.png")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimVerb {
    /// Make a simulated host with hardware of one's choice
    Init {
        /// Aperture in MB: 128, 256, 512, 1024 or 2048
        #[arg(long, value_name = "MB", default_value = "256")]
        aperture: u32,
        /// Graphics address space in MB: 2048 or 4096
        #[arg(long, value_name = "MB", default_value = "4096")]
        ggtt: u32,
        /// PCI device id of the GPU
        #[arg(long, value_name = "ID", default_value = "0x5916", value_parser = device_id)]
        device: u16,
        /// How many HVM domains run, 1 to 32
        #[arg(long, value_name = "N", default_value = "8")]
        domains: u16,
        /// Replace the simulated host that is there
        #[arg(long)]
        force: bool,
    },
    /// List the simulated domains
    Domains,
}

/// A name that xenstore can hold and a terminal can show. Longer ones are never shown whole, so none of them can
/// be meant.
fn domain_name(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("a domain's name is not empty".to_owned()),
        1..=DOMAIN_NAME_MAX if text.chars().any(char::is_control) => {
            Err("a domain's name has no control characters: name it by its id, with --domid".to_owned())
        }
        1..=DOMAIN_NAME_MAX => Ok(text.to_owned()),
        bytes => Err(format!("{bytes} bytes are no domain's name: at most {DOMAIN_NAME_MAX} are")),
    }
}

fn byte_count(text: &str) -> Result<u64, libxengt::addr::ParseNumberError> {
    libxengt::addr::parse_u64(text, u64::MAX)
}

/// How many entries of a global GTT that many bytes are; the largest one maps 4 GB.
fn table_entries(text: &str) -> Result<u32, String> {
    let bytes = libxengt::addr::parse_u64(text, 8 << 20)
        .map_err(|_| "give a number of bytes up to 0x800000, for a space of 4 GB".to_owned())?;
    match bytes / 8 {
        0 => Err("a table has 8 bytes at least".to_owned()),
        _ if !bytes.is_multiple_of(8) => Err("entries have 8 bytes each".to_owned()),
        entries => u32::try_from(entries).map_err(|e| e.to_string()),
    }
}

fn device_id(text: &str) -> Result<u16, String> {
    let id = libxengt::addr::parse_u64(text, u16::MAX.into()).map_err(|e| e.to_string())?;
    u16::try_from(id).map_err(|e| e.to_string())
}
