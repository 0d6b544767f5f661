//! Our own command, built so that it needs no library of dom0.

use std::env;
use std::fs;
use std::path::Path;

use crate::error::{LabError, Result};
use crate::paths;
use crate::run;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds vgtctl and gives its bytes. cargo itself knows whether there is anything to do.
pub(super) fn build() -> Result<Vec<u8>> {
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
    read_static(&target_dir.join(TARGET).join("release/vgtctl"))
}

fn read_static(path: &Path) -> Result<Vec<u8>> {
    match crate::elf::needed(path)?.into_iter().next() {
        Some(library) => Err(LabError::MissingLibrary { library, needed_by: path.to_owned() }),
        None => fs::read(path).map_err(LabError::file("read", path)),
    }
}
