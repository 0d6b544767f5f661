//! Our own programs, built so that they need no library of dom0 or of a guest.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{LabError, Result};
use crate::paths;
use crate::run;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The bytes of each program.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) vgtctl: Vec<u8>,
    /// Drives the library in dom0.
    pub(super) probe: Vec<u8>,
    /// What guests do when dom0 asks, and dom0 too when its own machine is tested.
    pub(super) guest: Vec<u8>,
    /// Drives i915, and checks what it does.
    pub(super) exec: Vec<u8>,
    /// What a hostile guest does with its vGPU.
    pub(super) hostile: Vec<u8>,
    /// A kernel that does nothing.
    pub(super) nothing: Vec<u8>,
    /// A kernel that asks Xen for what it must not have.
    pub(super) ask: Vec<u8>,
}

/// Builds them. cargo itself knows whether there is anything to do, and the guest's is small.
pub(super) fn build() -> Result<Programs> {
    let root = paths::repository()?;
    let target_dir = paths::target(&root).join("static");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = run::command(cargo);
    command.current_dir(&root).args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "vgtctl",
        "--package",
        "lab-probe",
        "--target",
        TARGET,
    ]);
    let config = root.join(".cargo/static.toml");
    if config.is_file() {
        command.arg("--config").arg(config);
    } else {
        command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    // Optimising across crates doubles the build, for a program that the lab only asks for answers.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    run::stdout(command.arg("--target-dir").arg(&target_dir))?;
    let release = target_dir.join(TARGET).join("release");
    Ok(Programs {
        vgtctl: read_static(&release.join("vgtctl"))?,
        probe: read_static(&release.join("lab-probe"))?,
        guest: guest(&root)?,
        exec: static_c(
            "i915-exec",
            &["-I/usr/include/libdrm"],
            &sources(&root.join("tools/igd-model/guest"))?,
        )?,
        hostile: hostile(&root)?,
        nothing: nothing(&root)?,
        ask: ask(&root)?,
    })
}

/// The guest's program is C: it is made of system calls and single instructions.
fn guest(root: &Path) -> Result<Vec<u8>> {
    let sources = sources(&root.join("tools/lab/guest"))?;
    static_c("lab-guest", &["-Wconversion", "-Wno-sign-conversion"], &sources)
}

/// It shares frames with the guest's program, and i915's interface with the one that drives i915.
fn hostile(root: &Path) -> Result<Vec<u8>> {
    let (guest, exec) = (root.join("tools/lab/guest"), root.join("tools/igd-model/guest"));
    let mut sources = sources(&root.join("tools/lab/hostile"))?;
    sources.extend([guest.join("frames.c"), exec.join("i915.c")]);
    let include = |dir: &Path| format!("-I{}", dir.display());
    static_c("lab-hostile", &[&include(&guest), &include(&exec), "-I/usr/include/libdrm"], &sources)
}

/// The C files of a directory, always in the same order.
fn sources(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut sources: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir).map_err(LabError::file("read", dir))? {
        let path = entry.map_err(LabError::file("read", dir))?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

/// Compiles a program that needs no library.
fn static_c(name: &str, options: &[&str], sources: &[PathBuf]) -> Result<Vec<u8>> {
    let into = private_directory()?;
    let program = into.path().join(name);
    let mut command = compiler();
    command.args(["-static", "-O2", "-std=gnu17", "-Wall", "-Wextra", "-Werror"]);
    run::stdout(command.args(options).args(sources).arg("-o").arg(&program))?;
    read_static(&program)
}

/// For domains that are made and never run.
fn nothing(root: &Path) -> Result<Vec<u8>> {
    bare(&["-m32", "-Wl,-e,start"], &[root.join("tools/lab/guest/nothing.S")])
}

/// For PV and PVH domains that make hypercalls of their own: Linux lets no program of a domU make them.
fn ask(root: &Path) -> Result<Vec<u8>> {
    let dir = root.join("tools/lab/guest/bare");
    let options = [
        "-O2",
        "-std=gnu17",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        "-ffreestanding",
        "-fno-pic",
        "-no-pie",
        "-mno-red-zone",
        "-mgeneral-regs-only",
        "-fno-stack-protector",
        "-fcf-protection=none",
        "-Wl,-e,pvh_start",
        "-Wl,-z,max-page-size=4096",
    ];
    bare(&options, &[dir.join("start.S"), dir.join("ask.c")])
}

/// A kernel: a program that stands alone, at 1 MiB.
fn bare(options: &[&str], sources: &[PathBuf]) -> Result<Vec<u8>> {
    let into = private_directory()?;
    let program = into.path().join("kernel.elf");
    let mut command = compiler();
    command.args(["-nostdlib", "-static", "-Wl,-Ttext-segment=0x100000", "-Wl,--build-id=none"]);
    run::stdout(command.args(options).args(sources).arg("-o").arg(&program))?;
    fs::read(&program).map_err(LabError::file("read", &program))
}

/// Two labs may build at once, and neither may read what the other has half written.
fn private_directory() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(LabError::file("create a directory in", &env::temp_dir()))
}

fn compiler() -> std::process::Command {
    run::command(env::var_os("CC").unwrap_or_else(|| "cc".into()))
}

fn read_static(path: &Path) -> Result<Vec<u8>> {
    match crate::elf::needed(path)?.into_iter().next() {
        Some(library) => Err(LabError::MissingLibrary { library, needed_by: path.to_owned() }),
        None => fs::read(path).map_err(LabError::file("read", path)),
    }
}
