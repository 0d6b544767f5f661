//! The C programs of this folder: compiled against the installed library, and run under valgrind.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{installed, output};

/// All of them, without `.c`.
pub(crate) const PROGRAMS: [&str; 6] = ["host", "types", "vgpu", "translate", "old_kernel", "threads"];

/// Compiles `program` against the installed library, with `libraries` to link or what pkg-config says.
pub(crate) fn compile(program: &str, into: &Path, libraries: Option<&[String]>) -> PathBuf {
    let prefix = installed();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("capi").join(program).with_extension("c");
    let binary = into.join(program);
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-g", "-pthread", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]);
    command.arg(source).arg("-o").arg(&binary).args(prefix.pkg_config(&["--cflags"]));
    match libraries {
        Some(libraries) => command.args(libraries),
        None => command.args(prefix.pkg_config(&["--libs"])),
    };
    output(&mut command);
    binary
}

fn run_under_valgrind(program: &str) {
    let dir = tempfile::tempdir().unwrap();
    let binary = compile(program, dir.path(), None);
    let scratch = dir.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
    command.arg(binary).arg(scratch).env("LD_LIBRARY_PATH", installed().lib());
    output(&mut command);
}

#[test]
fn host_program_passes_under_valgrind() {
    run_under_valgrind("host");
}

#[test]
fn types_program_passes_under_valgrind() {
    run_under_valgrind("types");
}

#[test]
fn vgpu_program_passes_under_valgrind() {
    run_under_valgrind("vgpu");
}

#[test]
fn translate_program_passes_under_valgrind() {
    run_under_valgrind("translate");
}

#[test]
fn old_kernel_program_passes_under_valgrind() {
    run_under_valgrind("old_kernel");
}

#[test]
fn threads_program_passes_under_valgrind() {
    run_under_valgrind("threads");
}

#[test]
fn static_library_links_and_works() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = installed();
    let archive = prefix.lib().join("libxengt.a").display().to_string();
    let private = prefix.pkg_config(&["--libs", "--static"]);
    let rest = private.into_iter().filter(|word| word != "-lxengt");
    let binary = compile("vgpu", dir.path(), Some(&[archive].into_iter().chain(rest).collect::<Vec<_>>()));
    output(Command::new(binary).arg(dir.path()).env_remove("LD_LIBRARY_PATH"));
}
