//! What is in dom0: busybox, Xen's tools, the device model, kernel modules, our programs, and the scenarios.

use std::path::{Path, PathBuf};

use super::modules::Modules;
use super::programs::Programs;
use super::{file, guest, program};
use crate::cli::Gpu;
use crate::cpio::{Entry, Files};
use crate::elf;
use crate::error::{LabError, Result};
use crate::scenario;

/// The programs, at the same place in the tree and in dom0. Their libraries come along.
pub(crate) const PROGRAMS: &[&str] = &[
    "usr/bin/xenstore-exists",
    "usr/bin/xenstore-list",
    "usr/bin/xenstore-ls",
    "usr/bin/xenstore-read",
    "usr/bin/xenstore-rm",
    "usr/bin/xenstore-watch",
    "usr/bin/xenstore-write",
    "usr/lib/xen-4.17/bin/libxl-save-helper",
    "usr/lib/xen-4.17/bin/xen-hvmctx",
    "usr/lib/xen-4.17/bin/xen-init-dom0",
    "usr/lib/xen-4.17/bin/xenconsole",
    "usr/lib/xen-4.17/bin/xenconsoled",
    "usr/lib/xen-4.17/bin/xenctx",
    "usr/lib/xen-4.17/bin/xenstored",
    "usr/lib/xen-4.17/bin/xl",
    "usr/libexec/xen-qemu-system-i386",
];

/// Programs that only a Xen with our patches has.
const EXTRA: &[&str] = &["usr/lib/xen-4.17/bin/test-get-mfn"];

/// What the device model and libxl load at run time.
const FILES: &[&str] = &[
    "usr/lib/xen-4.17/boot/hvmloader",
    "usr/share/qemu/keymaps/en-us",
    "usr/share/qemu/kvmvapic.bin",
    "usr/share/qemu/linuxboot.bin",
    "usr/share/qemu/linuxboot_dma.bin",
    "usr/share/seabios/bios-256k.bin",
    "usr/share/seabios/vgabios-stdvga.bin",
];

/// Loaded by dlopen: threads that end (pthread_exit) need it, and no program names it.
const LIBRARIES: &[&str] = &["libgcc_s.so.1"];

/// Below the kernel's directory of modules. In the image they lie in one directory.
const MODULES: &[&str] = &[
    "drivers/xen/xen-evtchn",
    "drivers/xen/xen-gntalloc",
    "drivers/xen/xen-gntdev",
    "drivers/xen/xen-privcmd",
    "drivers/xen/xenfs/xenfs",
];

/// i915 and what it needs, in the order in which insmod takes them.
const DRIVER: &[&str] = &[
    "drivers/i2c/algos/i2c-algo-bit",
    "drivers/gpu/drm/drm",
    "drivers/gpu/drm/drm_buddy",
    "drivers/platform/x86/wmi",
    "drivers/acpi/video",
    "drivers/gpu/drm/ttm/ttm",
    "drivers/gpu/drm/drm_kms_helper",
    "drivers/media/rc/rc-core",
    "drivers/media/cec/core/cec",
    "drivers/gpu/drm/display/drm_display_helper",
    "drivers/gpu/drm/i915/i915",
];

/// What the packages' GVT-g is made of.
const KVMGT: &[&str] = &[
    "arch/x86/kvm/kvm",
    "drivers/gpu/drm/i915/kvmgt",
    "drivers/vfio/mdev/mdev",
    "drivers/vfio/vfio",
    "virt/lib/irqbypass",
];

const INIT: &str = include_str!("../../image/dom0-init.sh");
/// How scenarios start guests and run commands in them.
const GUESTS: &str = include_str!("../../image/guests.sh");
/// How scenarios bring a GPU's drivers up.
const GPU: &str = include_str!("../../image/gpu.sh");

/// All of dom0's files. Guests run `guest_kernel`, and where there is a GPU they have its i915.
pub(super) fn files(
    tree: &Path,
    modules: &Modules,
    programs: &Programs,
    gpu: Gpu,
    guest_kernel: &Path,
) -> Result<Files> {
    let mut files = Files::default();
    files.add("init", Entry::Program(INIT.into()));
    files.add("bin/busybox", program(tree, "bin/busybox")?);
    files.add("bin/sh", Entry::Link("busybox".into()));
    files.add("etc/xen/xl.conf", Entry::File(Vec::new()));
    files.add("usr/lib/xen", Entry::Link("xen-4.17".into()));
    files.add("usr/bin/vgtctl", Entry::Program(programs.vgtctl.clone()));
    files.add("usr/bin/lab-probe", Entry::Program(programs.probe.clone()));
    files.add("usr/bin/lab-guest", Entry::Program(programs.guest.clone()));
    files.add("lab/nothing.elf", Entry::File(programs.nothing.clone()));
    files.add("lab/ask.elf", Entry::File(programs.ask.clone()));
    files.add("lab/guests.sh", Entry::File(GUESTS.into()));
    for path in PROGRAMS {
        files.add(path, program(tree, path)?);
    }
    for path in EXTRA.iter().filter(|path| tree.join(path).is_file()) {
        files.add(path, program(tree, path)?);
    }
    for path in FILES {
        files.add(path, file(tree, path)?);
    }
    add_libraries(&mut files, tree)?;
    modules.add_to(&mut files);
    if gpu != Gpu::None {
        files.add("usr/bin/i915-exec", Entry::Program(programs.exec.clone()));
        files.add("lab/gpu.sh", Entry::File(GPU.into()));
    }

    let kernel_bytes = std::fs::read(guest_kernel).map_err(LabError::file("read", guest_kernel))?;
    files.add("lab/vmlinuz", Entry::File(kernel_bytes));
    let driver = if gpu == Gpu::None { None } else { Some(driver(tree, guest_kernel)?) };
    let guest = guest::files(tree, driver, programs)?;
    files.add("lab/guest.cpio.gz", Entry::File(guest.gzip()?));
    for scenario in scenario::every() {
        let path = format!("lab/scenarios/{}.sh", scenario.name);
        files.add(&path, Entry::File(scenario.script.into()));
    }
    Ok(files)
}

fn add_libraries(files: &mut Files, tree: &Path) -> Result<()> {
    let programs = PROGRAMS.iter().chain(EXTRA).map(|path| tree.join(path));
    let programs: Vec<PathBuf> = programs.filter(|path| path.is_file()).collect();
    let mut found = elf::libraries(tree, &programs)?;
    for name in LIBRARIES {
        let path =
            elf::find(tree, name).ok_or_else(|| LabError::MissingInput { path: (*name).to_owned() })?;
        found.insert((*name).to_owned(), path);
    }
    for (name, path) in found {
        let bytes = std::fs::read(&path).map_err(LabError::file("read", &path))?;
        // The loader is asked for by its full path, the others by name.
        let dir = if name.starts_with("ld-linux") { "lib64" } else { "lib/x86_64-linux-gnu" };
        files.add(&format!("{dir}/{name}"), Entry::Program(bytes));
    }
    Ok(())
}

/// The modules of the packages' kernel.
pub(super) fn modules(tree: &Path, kernel: &Path, gpu: Gpu) -> Result<Modules> {
    let mut modules = Modules::new(kernel)?;
    let of_gpu: &[&[&str]] = if gpu == Gpu::None { &[] } else { &[DRIVER, KVMGT] };
    for module in MODULES.iter().chain(of_gpu.iter().copied().flatten()) {
        modules.take(tree, module)?;
    }
    Ok(modules)
}

/// i915 of the packages' kernel, and the order in which a guest loads it.
fn driver(tree: &Path, kernel: &Path) -> Result<guest::Driver> {
    let mut modules = Modules::new(kernel)?;
    for module in DRIVER {
        modules.take(tree, module)?;
    }
    let names = DRIVER.iter().filter_map(|module| module.rsplit('/').next());
    Ok(guest::Driver { modules, order: names.collect::<Vec<_>>().join("\n") + "\n" })
}
