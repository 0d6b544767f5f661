//! The command under test, built once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The `vgtctl` of this tree. Cargo gives tests of another package no path to it, so cargo is asked.
pub(crate) fn vgtctl() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "vgtctl", "--message-format", "json-render-diagnostics"])
            .current_dir(repository())
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let messages = String::from_utf8(built.stdout).unwrap();
        let program = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find(|message| message["target"]["name"] == "vgtctl" && message["executable"].is_string())
            .unwrap();
        PathBuf::from(program["executable"].as_str().unwrap())
    })
}

/// `vgtctl` with nothing of the developer's environment that it looks at.
pub(crate) fn command() -> Command {
    let mut command = Command::new(vgtctl());
    quiet_environment(&mut command);
    command
}

/// Removes what could change the output.
pub(crate) fn quiet_environment(command: &mut Command) {
    for name in ["VGTCTL_LOG", "XDG_RUNTIME_DIR", "RUST_LOG", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").env("NO_COLOR", "1");
}
