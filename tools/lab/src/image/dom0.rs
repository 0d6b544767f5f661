//! What is in dom0: busybox, Xen's tools, the device model, kernel modules, our programs, and the scenarios.

use std::path::{Path, PathBuf};

use super::programs::Programs;
use super::{file, guest, program};
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

const MODULES: &[&str] = &["xen-evtchn", "xen-gntalloc", "xen-gntdev", "xen-privcmd", "xenfs/xenfs"];

const INIT: &str = include_str!("../../image/dom0-init.sh");
/// How scenarios start guests and run commands in them.
const GUESTS: &str = include_str!("../../image/guests.sh");

/// All of dom0's files.
pub(super) fn files(tree: &Path, kernel: &Path, programs: Programs) -> Result<Files> {
    let mut files = Files::default();
    files.add("init", Entry::Program(INIT.into()));
    files.add("bin/busybox", program(tree, "bin/busybox")?);
    files.add("bin/sh", Entry::Link("busybox".into()));
    files.add("etc/xen/xl.conf", Entry::File(Vec::new()));
    files.add("usr/lib/xen", Entry::Link("xen-4.17".into()));
    files.add("usr/bin/vgtctl", Entry::Program(programs.vgtctl));
    files.add("usr/bin/lab-probe", Entry::Program(programs.probe));
    files.add("lab/nothing.elf", Entry::File(programs.nothing));
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
    add_modules(&mut files, tree, kernel)?;

    let kernel_bytes = std::fs::read(kernel).map_err(LabError::file("read", kernel))?;
    files.add("lab/vmlinuz", Entry::File(kernel_bytes));
    files.add("lab/guest.cpio.gz", Entry::File(guest::files(tree, programs.guest)?.gzip()?));
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

fn add_modules(files: &mut Files, tree: &Path, kernel: &Path) -> Result<()> {
    let missing = || LabError::MissingInput { path: kernel.display().to_string() };
    let name = kernel.file_name().and_then(|name| name.to_str()).ok_or_else(missing)?;
    let release = name.strip_prefix("vmlinuz-").ok_or_else(missing)?;
    for module in MODULES {
        let from = format!("lib/modules/{release}/kernel/drivers/xen/{module}.ko");
        let plain = module.rsplit('/').next().unwrap_or(module);
        files.add(&format!("lib/modules/{release}/{plain}.ko"), file(tree, &from)?);
    }
    Ok(())
}
