//! Whether a simulated host is consistent, judged by its files and by nothing the simulator says of itself.
//!
//! The files are read by code of this file's own wherever they could be wrong: host GGTT, fences, p2m.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use libxengt::capacity::HostResources;
use libxengt::control::Vgpu;
use libxengt::gtt::{Ppgtt, Root as TableRoot, gen9};
use libxengt::host::Host;
use libxengt::sim::{GUEST_MEMORY, layout};
use libxengt::window::disjoint;

const MB: u64 = 1 << 20;
const PAGE: usize = 4096;
/// Where BAR 0 holds the fences and the GGTT, in bytes.
const FENCES: u64 = 0x10_0000;
const GGTT: u64 = 8 * MB;

/// The vGPUs of a host where everything fits together, or what does not.
///
/// Whole is a vGPU whose nodes are all there and read, whose guest has memory and tables, and whose entries and
/// fence in the host's BARs are exactly those that its guest's are through its p2m. Nothing else may be there.
///
/// # Errors
/// What is wrong, in words.
pub fn check_host(host: &Host) -> Result<Vec<Vgpu>, String> {
    let resources = host.gpu().map_err(text)?.resources().ok_or("the GGTT's size is unknown")?;
    let mut vgpus = Vec::new();
    for listed in host.control().list().map_err(text)? {
        vgpus.push(listed.vgpu.map_err(|e| format!("domain {}: {e}", listed.domid))?);
    }
    check_shares(&vgpus, &resources)?;
    check_directories(host, &vgpus)?;

    let (mut entries, mut fences) = (BTreeMap::new(), BTreeMap::new());
    for vgpu in &vgpus {
        expect_guest(host, vgpu, &mut entries, &mut fences)
            .map_err(|e| format!("domain {}: {e}", vgpu.domid))?;
    }
    let gpu = host.root().path().join("sys/bus/pci/devices/0000:00:02.0");
    let bar0 = gpu.join("resource0");
    let shown = words(&bar0, GGTT, 8 * MB)?;
    same("host GGTT entry", &shown, &entries)?;
    let shown = words(&bar0, FENCES, 32 * 8)?;
    same("host fence", &shown, &fences)?;
    check_aperture(&gpu.join("resource2"), &vgpus, &resources)?;
    Ok(vgpus)
}

fn text(error: impl Display) -> String {
    error.to_string()
}

/// Ids, windows and fences: each vGPU's own, and none the host's.
fn check_shares(vgpus: &[Vgpu], host: &HostResources) -> Result<(), String> {
    let (mut ids, mut fences) = (BTreeSet::new(), BTreeSet::new());
    for (number, vgpu) in vgpus.iter().enumerate() {
        let missing = || format!("domain {}: a node is missing: {vgpu:?}", vgpu.domid);
        let window = vgpu.window.ok_or_else(missing)?;
        let (low, high) = (window.aperture().host_span(), window.hidden().host_span());
        if low.first < 128 * MB || low.last >= host.aperture {
            return Err(format!("aperture {low:?} in {host:?}"));
        }
        if high.first < host.aperture + 384 * MB || high.last >= host.ggtt {
            return Err(format!("hidden {high:?} in {host:?}"));
        }
        for other in vgpus.iter().take(number) {
            if !disjoint(&window, &other.window.ok_or_else(missing)?) {
                return Err(format!("the windows of {vgpu:?} and {other:?} overlap"));
            }
        }
        let own = vgpu.fences.as_ref().ok_or_else(missing)?;
        let fresh = own.iter().all(|fence| fence.get() >= 4 && fences.insert(fence.get()));
        if own.len() != 4 || !fresh {
            return Err(format!("the fences of {vgpu:?} are not four of its own"));
        }
        if !(1..=7).contains(&vgpu.id) || !ids.insert(vgpu.id) {
            return Err(format!("the id of {vgpu:?} is not its own"));
        }
        vgpu.type_name.as_ref().zip(vgpu.state).ok_or_else(missing)?;
    }
    Ok(())
}

/// Every directory that a vGPU has is there for the vGPUs and for nobody else.
fn check_directories(host: &Host, vgpus: &[Vgpu]) -> Result<(), String> {
    let root = host.root().path();
    let wanted: BTreeSet<String> = vgpus.iter().map(|vgpu| vgpu.domid.to_string()).collect();
    for (dir, prefix) in
        [("sys/kernel/vgt", "vm"), ("sys/kernel/debug/xengt", "vm"), ("xengt-sim/guests", "")]
    {
        let mut found = names(&root.join(dir))?;
        found.remove("control");
        let wanted = wanted.iter().map(|domid| format!("{prefix}{domid}")).collect();
        if found != wanted {
            return Err(format!("{dir} holds {found:?}, expected {wanted:?}"));
        }
    }
    for left in ["staged", "gone"] {
        if root.join("xengt-sim").join(left).exists() {
            return Err(format!("{left} was left behind"));
        }
    }
    Ok(())
}

fn names(dir: &Path) -> Result<BTreeSet<String>, String> {
    if !dir.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(dir).map_err(text)?;
    entries.map(|entry| Ok(entry.map_err(text)?.file_name().to_string_lossy().into_owned())).collect()
}

/// Adds what `vgpu` should have in the host's GGTT and fences, by index.
fn expect_guest(
    host: &Host,
    vgpu: &Vgpu,
    entries: &mut BTreeMap<u64, u64>,
    fences: &mut BTreeMap<u64, u64>,
) -> Result<(), String> {
    let root = host.root().path();
    let guest = root.join("xengt-sim/guests").join(vgpu.domid.to_string());
    let memory = host.sim().ok_or("no simulated host")?.guest_memory(vgpu.domid).map_err(text)?;
    let len = fs::metadata(guest.join("memory")).map_err(text)?.len();
    if len != GUEST_MEMORY {
        return Err(format!("its memory has {len} bytes"));
    }
    let ppgtt = Ppgtt::new(&memory, TableRoot::Pml4(layout::PML4.addr()), gen9::MMU);
    ppgtt.translate(layout::VA_4K).map_err(text)?;

    let p2m = p2m(&fs::read_to_string(guest.join("p2m")).map_err(text)?)?;
    let debug = root.join(format!("sys/kernel/debug/xengt/vm{}", vgpu.domid));
    let virtual_entries = words(&debug.join("ggtt"), 0, 8 * MB)?;
    if virtual_entries.len() < 768 {
        return Err(format!("its GGTT has only {} entries", virtual_entries.len()));
    }
    for (index, entry) in virtual_entries {
        let gfn = entry >> 12;
        let run = p2m.iter().find(|[first, _, count]| (*first..first + count).contains(&gfn));
        let [first, mfn, _] = run.ok_or_else(|| format!("entry {index:#x} maps {entry:#x}"))?;
        let mfn = mfn + (gfn - first);
        entries.insert(index, mfn << 12 | (entry & 0xfff));
    }
    let registers = words(&debug.join("mmio"), FENCES, 32 * 8)?;
    let fence = registers.get(&0).ok_or("its fence 0 is empty")?;
    let first = vgpu.fences.iter().flatten().next().ok_or("it has no fence")?;
    // Guest and host number the window alike, so their registers are alike too.
    fences.insert(u64::from(first.get()), *fence);
    Ok(())
}

/// The map's runs: guest frame, machine frame, count.
fn p2m(text: &str) -> Result<Vec<[u64; 3]>, String> {
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
    let run = |line: &str| line.split(' ').filter_map(number).collect::<Vec<_>>().try_into().ok();
    text.lines().map(|line| run(line).ok_or_else(|| format!("p2m line {line:?}"))).collect()
}

/// The words of a file that are not zero, by index.
fn words(path: &Path, at: u64, len: u64) -> Result<BTreeMap<u64, u64>, String> {
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut found = BTreeMap::new();
    let mut page = [0; PAGE];
    let mut done = 0;
    while done < len {
        let part = usize::try_from(len - done).unwrap_or(PAGE).min(PAGE);
        let bytes = page.get_mut(..part).ok_or("a page")?;
        file.read_exact_at(bytes, at + done).map_err(|e| format!("{} at {done:#x}: {e}", path.display()))?;
        if bytes.iter().any(|byte| *byte != 0) {
            let numbers = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
            found.extend((done / 8..).zip(numbers).filter(|(_, word)| *word != 0));
        }
        done += 4096;
    }
    Ok(found)
}

fn same(what: &str, found: &BTreeMap<u64, u64>, wanted: &BTreeMap<u64, u64>) -> Result<(), String> {
    let indices: BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
    for index in indices {
        let (found, wanted) = (found.get(index), wanted.get(index));
        if found != wanted {
            return Err(format!("{what} {index:#x} is {found:x?}, expected {wanted:x?}"));
        }
    }
    Ok(())
}

/// A picture where a vGPU's aperture begins, and zeros in every 64 MB where none does.
fn check_aperture(path: &Path, vgpus: &[Vgpu], host: &HostResources) -> Result<(), String> {
    let windows = vgpus.iter().filter_map(|vgpu| vgpu.window);
    let starts: BTreeSet<u64> = windows.map(|window| window.aperture().host_span().first).collect();
    let file = File::open(path).map_err(text)?;
    let mut picture = vec![0; PAGE * 768];
    for at in (0..host.aperture).step_by(1 << 26) {
        file.read_exact_at(&mut picture, at).map_err(text)?;
        let shown = picture.chunks(PAGE).filter(|row| row.iter().any(|byte| *byte != 0)).count();
        let wanted = if starts.contains(&at) { 768 } else { 0 };
        if shown != wanted {
            return Err(format!("{shown} rows of picture at {at:#x} of the aperture, expected {wanted}"));
        }
    }
    Ok(())
}
