//! `cycles` and `vgpu-cycles`: domains with an ioreq server, or vGPUs of one domain, come and go, and nothing may grow.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use libxengt::addr::{DomId, Gpa};
use libxengt::control::CreateRequest;
use libxengt::host::Host;
use libxengt::memory::GuestMemory;
use libxengt::root::Root;
use libxengt::vgpu_type::VgpuType;
use libxengt::xen::ioreq::{Handler, IoreqServer};
use libxengt::xen::xenstore::Xenstore;
use libxengt::xen::{IoRange, LiveMemory, Sbdf, Xen};

use crate::Outcome;

const NAME: &str = "cycle";
/// After that many, what is made once and kept has been made.
const WARM: u32 = 10;
/// So many times what is freed late, by a timer or after a grace period, is waited for, a second each.
const PATIENCE: u32 = 30;

struct Idle;

impl Handler for Idle {}

/// What grows when something leaks. Numbers of pages and objects are exact: one of either for each cycle shows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Usage {
    /// Open files of this program.
    files: usize,
    /// Mappings of this program.
    maps: usize,
    /// This program's memory.
    resident_kb: u64,
    /// The memory of xenstored.
    xenstored_kb: u64,
    /// The kernel's page tables and other whole pages.
    kernel_pages_kb: u64,
    /// Xen's free memory, and what dom0 has of it: dom0 gives some to Xen when it maps what is a guest's.
    xen_free_kb: u64,
    /// The kernel's objects in use, of each of its slab caches.
    objects: BTreeMap<String, u64>,
}

pub(crate) fn cycles(count: u32, config: &Path) -> Outcome {
    let root = Root::system();
    let xen = Xen::open(&root)?;
    // Every other time the domain goes first, under the server.
    repeat(count, |n| cycle(&root, &xen, config, n % 2 == 0))
}

/// vGPUs of one domain.
pub(crate) fn vgpus(count: u32, domid: DomId) -> Outcome {
    let host = Host::open(Root::system())?;
    let request = CreateRequest::of_type(domid, VgpuType::by_low_mb(64)?);
    repeat(count, |_| {
        host.control().create(&request)?;
        Ok(host.control().destroy(domid)?)
    })
}

/// Does something that many times, and looks what has grown since it was warm.
fn repeat(count: u32, cycle: impl Fn(u32) -> Result<(), Box<dyn Error>>) -> Outcome {
    let measured = count.checked_sub(WARM).filter(|measured| *measured > 0);
    let measured = u64::from(
        measured
            .ok_or_else(|| format!("--count {count} leaves none to measure, expected more than {WARM}"))?,
    );
    let run = |numbers: std::ops::Range<u32>| -> Result<(), Box<dyn Error>> {
        for n in numbers {
            cycle(n).map_err(|error| format!("cycle {n}: {error}"))?;
        }
        Ok(())
    };
    run(0..WARM)?;
    let before = Usage::settled()?;
    run(WARM..count)?;
    let mut after = Usage::settled()?;
    // What leaked stays, so that waiting hides nothing.
    for _ in 0..PATIENCE {
        if after.grown_since(&before, measured).is_empty() {
            break;
        }
        thread::sleep(Duration::from_secs(1));
        after = Usage::now()?;
    }
    println!("before: {}", before.line());
    println!("after:  {}", after.line());
    let grown = after.grown_since(&before, measured);
    for what in &grown {
        println!("grown: {what}");
    }
    println!("{count} cycles done");
    Ok(grown.is_empty())
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
    let destroy = || xl(&[&"destroy", &NAME]).map(drop);
    if domain_first {
        destroy()?;
        drop((server, memory));
    } else {
        drop((server, memory));
        destroy()?;
    }
    Ok(())
}

fn xl(words: &[&dyn AsRef<std::ffi::OsStr>]) -> Result<String, Box<dyn Error>> {
    let done = Command::new("xl").args(words.iter().map(AsRef::as_ref)).output()?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(format!("xl: {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim()).into())
}

impl Usage {
    fn now() -> Result<Self, Box<dyn Error>> {
        // What the kernel keeps for later is no leak.
        std::fs::write("/proc/sys/vm/drop_caches", "3")?;
        for cache in std::fs::read_dir("/sys/kernel/slab")? {
            std::fs::write(cache?.path().join("shrink"), "1")?;
        }
        let meminfo = std::fs::read_to_string("/proc/meminfo")?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let dom0 = std::fs::read_to_string("/sys/devices/system/xen_memory/xen_memory0/info/current_kb")?;
        Ok(Self {
            files: std::fs::read_dir("/proc/self/fd")?.count(),
            maps: std::fs::read_to_string("/proc/self/maps")?.lines().count(),
            resident_kb: field(&status, "VmRSS:")?,
            kernel_pages_kb: field(&meminfo, "PageTables:")? + field(&meminfo, "VmallocUsed:")?,
            xenstored_kb: resident_kb("xenstored")?,
            xen_free_kb: xen_free_kb()? + dom0.trim().parse::<u64>()?,
            objects: objects(
                &std::fs::read_to_string("/proc/slabinfo")?,
                &std::fs::read_to_string("/proc/vmallocinfo")?,
            )?,
        })
    }

    /// Once Xen has what the last domain had: it gives some of that back only after a grace period.
    fn settled() -> Result<Self, Box<dyn Error>> {
        let mut last = Self::now()?;
        for _ in 0..PATIENCE {
            thread::sleep(Duration::from_secs(1));
            let next = Self::now()?;
            if next.xen_free_kb == last.xen_free_kb {
                return Ok(next);
            }
            last = next;
        }
        Err(format!("Xen's free memory still changes after {PATIENCE} s: {} KB", last.xen_free_kb).into())
    }

    /// What has grown by half a page, or half an object, for each cycle, or more. Less comes and goes with the
    /// daemons' work.
    fn grown_since(&self, before: &Self, cycles: u64) -> Vec<String> {
        let pages_kb = cycles * 4 / 2;
        let more = |now: u64, then: u64, margin: u64| now >= then.saturating_add(margin);
        let mut grown: Vec<String> = [
            ("files", self.files > before.files),
            ("mappings", self.maps > before.maps),
            ("memory", more(self.resident_kb, before.resident_kb, pages_kb)),
            ("xenstored", more(self.xenstored_kb, before.xenstored_kb, pages_kb)),
            ("the kernel's pages", more(self.kernel_pages_kb, before.kernel_pages_kb, pages_kb)),
            ("Xen's memory", more(before.xen_free_kb, self.xen_free_kb, pages_kb)),
        ]
        .into_iter()
        .filter(|(_, grown)| *grown)
        .map(|(what, _)| what.to_owned())
        .collect();
        for (cache, now) in &self.objects {
            let then = before.objects.get(cache).copied().unwrap_or_default();
            if more(*now, then, cycles.div_ceil(2)) {
                grown.push(format!("the kernel's {cache}: {then} objects, now {now}"));
            }
        }
        grown
    }

    /// For the log; the sum of all objects stands for each.
    fn line(&self) -> String {
        let Self { files, maps, resident_kb, xenstored_kb, kernel_pages_kb, xen_free_kb, objects } = self;
        let objects: u64 = objects.values().sum();
        format!(
            "files {files}, mappings {maps}, memory {resident_kb} KB, xenstored {xenstored_kb} KB, \
             kernel's pages {kernel_pages_kb} KB, objects {objects}, Xen and dom0 {xen_free_kb} KB"
        )
    }
}

/// Objects in use of each cache, from the second column of /proc/slabinfo.
///
/// Areas of kernel addresses, such as stacks, are freed only when 32 MB of them are to be: of these the cache tells
/// nothing, and /proc/vmallocinfo says which are still in use.
fn objects(slabinfo: &str, vmallocinfo: &str) -> Result<BTreeMap<String, u64>, Box<dyn Error>> {
    // Two lines are the head.
    let caches = slabinfo.lines().skip(2).map(|line| {
        let mut words = line.split_whitespace();
        let (Some(name), Some(active)) = (words.next(), words.next()) else {
            return Err(format!("/proc/slabinfo has the line {line:?}, expected a name and numbers").into());
        };
        Ok((name.to_owned(), active.parse()?))
    });
    let mut objects = caches.collect::<Result<BTreeMap<String, u64>, Box<dyn Error>>>()?;
    let areas = vmallocinfo.lines().filter(|line| !line.contains("unpurged")).count();
    objects.insert("vmap_area".to_owned(), u64::try_from(areas)?);
    Ok(objects)
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

/// What Xen says on its console when it is asked for its memory. `xl info` has whole MB only.
fn xen_free_kb() -> Result<u64, Box<dyn Error>> {
    // An older answer must not count.
    xl(&[&"dmesg", &"-c"])?;
    xl(&[&"debug-keys", &"m"])?;
    free_kb(&xl(&[&"dmesg"])?)
}

/// The sum of its zones: lines such as `(XEN)     heap[20]: 2048kB free`.
fn free_kb(console: &str) -> Result<u64, Box<dyn Error>> {
    let zones = console
        .lines()
        .filter_map(|line| line.split_once("heap[")?.1.split_once("]: ")?.1.split_once("kB free"));
    let zones = zones.map(|(number, _)| number.parse()).collect::<Result<Vec<u64>, _>>()?;
    if zones.is_empty() {
        return Err(format!("Xen's console does not tell its free memory: {console}").into());
    }
    Ok(zones.iter().sum())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn usage() -> Usage {
        Usage {
            files: 9,
            maps: 40,
            resident_kb: 3000,
            xenstored_kb: 2000,
            kernel_pages_kb: 5000,
            xen_free_kb: 2_000_000,
            objects: BTreeMap::from([("kmalloc-64".to_owned(), 1000)]),
        }
    }

    #[test]
    fn grown_since_one_page_or_object_a_cycle_is_told_and_a_few_are_not() {
        let before = usage();
        assert_eq!(usage().grown_since(&before, 190), Vec::<String>::new());
        let few = Usage { xen_free_kb: 2_000_000 - 90 * 4, ..usage() };
        assert_eq!(few.grown_since(&before, 190), Vec::<String>::new());
        let xen = Usage { xen_free_kb: 2_000_000 - 190 * 4, ..usage() };
        assert_eq!(xen.grown_since(&before, 190), ["Xen's memory"]);
        let kernel = Usage { kernel_pages_kb: 5000 + 190 * 4, ..usage() };
        assert_eq!(kernel.grown_since(&before, 190), ["the kernel's pages"]);
        let objects = Usage { objects: BTreeMap::from([("kmalloc-64".to_owned(), 1190)]), ..usage() };
        assert_eq!(objects.grown_since(&before, 190), ["the kernel's kmalloc-64: 1000 objects, now 1190"]);
    }

    #[test]
    fn grown_since_a_cache_that_was_not_there_counts_from_nothing() {
        let after = Usage { objects: BTreeMap::from([("new".to_owned(), 200)]), ..usage() };
        assert_eq!(after.grown_since(&usage(), 190), ["the kernel's new: 0 objects, now 200"]);
    }

    #[test]
    fn free_kb_is_the_sum_of_the_zones_and_none_is_an_error() {
        let console = "(XEN) Physical memory information:\n(XEN)     Xen heap: 0kB free\n\
                       (XEN)     heap[14]: 100kB free\n(XEN)     heap[20]: 2048kB free\n\
                       (XEN)     Dom heap: 2148kB free\n";
        assert_eq!(free_kb(console).unwrap(), 2148);
        assert!(free_kb("(XEN) something else\n").is_err());
    }

    #[test]
    fn objects_are_the_active_ones_and_a_strange_line_is_an_error() {
        let head = "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize>\n";
        let slabs = format!("{head}dentry 17 21 192 21 1 : tunables 0 0 0\nvmap_area 593 600 64 64 1 :\n");
        let areas = "0xffffc90000000000-0xffffc90000005000   20480 load_elf pages=4 vmalloc\n\
                     0xffffc90000008000-0xffffc9000000d000   20480 unpurged vm_area\n";
        let counted = objects(&slabs, areas).unwrap();
        assert_eq!(counted, BTreeMap::from([("dentry".to_owned(), 17), ("vmap_area".to_owned(), 1)]));
        assert!(objects(&format!("{head}dentry\n"), areas).is_err());
    }
}
