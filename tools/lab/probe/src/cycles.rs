//! `cycles`: domains with an ioreq server come and go, and nothing may grow.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libxengt::addr::Gpa;
use libxengt::memory::GuestMemory;
use libxengt::root::Root;
use libxengt::xen::ioreq::{Handler, IoreqServer};
use libxengt::xen::xenstore::Xenstore;
use libxengt::xen::{IoRange, LiveMemory, Sbdf, Xen};

use crate::Outcome;

const NAME: &str = "cycle";
/// After that many, what is made once and kept has been made.
const WARM: u32 = 10;
/// What dom0 may use more at the end, for what the kernel and the daemons keep for later: less than half a page for each
/// cycle. Xen itself may use no whole MB more: 300 pages that are left are more than one.
const SLACK_KB: u64 = 500;

struct Idle;

impl Handler for Idle {}

/// What grows when something leaks.
#[derive(Debug, Clone, Copy)]
struct Usage {
    /// Open files of this program.
    files: usize,
    /// Mappings of this program.
    maps: usize,
    /// This program's memory.
    resident_kb: u64,
    /// Kernel memory that is not given back.
    slab_kb: u64,
    /// The kernel's page tables and other whole pages.
    kernel_pages_kb: u64,
    /// The memory of xenstored.
    xenstored_kb: u64,
    /// Xen's free memory.
    xen_free_mb: u64,
}

pub(crate) fn cycles(count: u32, config: &Path) -> Outcome {
    let root = Root::system();
    let xen = Xen::open(&root)?;
    let mut before = None;
    for n in 0..count {
        if n == WARM {
            before = Some(Usage::now()?);
        }
        // Every other time the domain goes first, under the server.
        cycle(&root, &xen, config, n % 2 == 0).map_err(|error| format!("cycle {n}: {error}"))?;
    }
    let after = Usage::now()?;
    let before =
        before.ok_or_else(|| format!("--count {count} leaves none to measure, expected more than {WARM}"))?;
    println!("before: {before:?}");
    println!("after:  {after:?}");
    let grown = [
        ("files", after.files > before.files),
        ("mappings", after.maps > before.maps),
        ("memory", after.resident_kb > before.resident_kb + SLACK_KB),
        ("kernel memory", after.slab_kb > before.slab_kb + SLACK_KB),
        ("the kernel's pages", after.kernel_pages_kb > before.kernel_pages_kb + SLACK_KB),
        ("xenstored", after.xenstored_kb > before.xenstored_kb + SLACK_KB),
        ("Xen's memory", after.xen_free_mb < before.xen_free_mb),
    ];
    for (what, _) in grown.iter().filter(|(_, grown)| *grown) {
        println!("grown: {what}");
    }
    println!("{count} cycles done");
    Ok(grown.iter().all(|(_, grown)| !grown))
}

fn cycle(root: &Root, xen: &Xen, config: &Path, domain_first: bool) -> Result<(), Box<dyn Error>> {
    xl(&[&"create", &"-q", &"-p", &config])?;
    let domid = Xenstore::open(root)?.domid(NAME)?;
    let ranges = [
        IoRange::Pci(Sbdf { segment: 0, bus: 0, devfn: 0x28 }),
        IoRange::Ports { first: 0xc000, last: 0xc007 },
        IoRange::Memory { first: Gpa::new(0xf000_0000), last: Gpa::new(0xf000_ffff) },
    ];
    let mut server = IoreqServer::start(root, domid, &ranges, false)?;
    server.serve(&mut Idle, Duration::ZERO)?;
    let memory = LiveMemory::new(xen, domid)?;
    // The kernel's first byte: it is mapped from here on.
    memory.read_u64(Gpa::new(0x10_0000))?;
    let destroy = || xl(&[&"destroy", &NAME]);
    if domain_first {
        destroy()?;
        drop((server, memory));
    } else {
        drop((server, memory));
        destroy()?;
    }
    Ok(())
}

fn xl(words: &[&dyn AsRef<std::ffi::OsStr>]) -> Result<(), Box<dyn Error>> {
    let done = Command::new("xl").args(words.iter().map(AsRef::as_ref)).output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("xl: {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim()).into())
}

impl Usage {
    fn now() -> Result<Self, Box<dyn Error>> {
        let meminfo = std::fs::read_to_string("/proc/meminfo")?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        Ok(Self {
            files: std::fs::read_dir("/proc/self/fd")?.count(),
            maps: std::fs::read_to_string("/proc/self/maps")?.lines().count(),
            resident_kb: field(&status, "VmRSS:")?,
            slab_kb: field(&meminfo, "SUnreclaim:")?,
            kernel_pages_kb: field(&meminfo, "PageTables:")? + field(&meminfo, "VmallocUsed:")?,
            xenstored_kb: resident_kb("xenstored")?,
            xen_free_mb: xen_free_mb()?,
        })
    }
}

/// The number behind a name.
fn field(text: &str, name: &str) -> Result<u64, Box<dyn Error>> {
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no line {name}"))?;
    Ok(line
        .split_whitespace()
        .find(|word| *word != ":")
        .ok_or_else(|| format!("{name} is empty"))?
        .parse()?)
}

fn xen_free_mb() -> Result<u64, Box<dyn Error>> {
    let info = Command::new("xl").arg("info").output()?;
    field(&String::from_utf8_lossy(&info.stdout), "free_memory")
}

/// The memory of the program of that name.
fn resident_kb(name: &str) -> Result<u64, Box<dyn Error>> {
    for process in std::fs::read_dir("/proc")? {
        let status = std::fs::read_to_string(process?.path().join("status")).unwrap_or_default();
        if status.lines().next().is_some_and(|line| line.split_whitespace().nth(1) == Some(name)) {
            return field(&status, "VmRSS:");
        }
    }
    Err(format!("no program {name} runs").into())
}
