//! Which host the command works on.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use libxengt::host::Host;
use libxengt::root::Root;

use crate::cli::Global;
use crate::exit_code;
use crate::failure::Failure;

/// Opens the host that the options name.
pub(crate) fn open(global: &Global) -> Result<Host, Failure> {
    if let Some(dir) = sim_dir(global)? {
        log::info!("simulated host in {}", dir.display());
        return Ok(Host::simulated(&dir)?);
    }
    let root = match &global.root {
        Some(dir) if !dir.is_dir() => {
            let message = format!("{} is not a directory", dir.display());
            return Err(
                Failure::new(exit_code::USAGE, message).hint("--root takes the directory that plays /")
            );
        }
        Some(dir) => Root::at(dir),
        None => Root::system(),
    };
    Ok(Host::open(root)?)
}

/// The simulated host's directory, if one is asked for.
pub(crate) fn sim_dir(global: &Global) -> Result<Option<PathBuf>, Failure> {
    match &global.sim {
        None => Ok(None),
        Some(Some(dir)) if dir.as_os_str().is_empty() => {
            Err(Failure::new(exit_code::USAGE, "--sim= names no directory").hint("give --sim or --sim=DIR"))
        }
        Some(Some(dir)) => Ok(Some(dir.clone())),
        Some(None) => default_dir().map(Some),
    }
}

/// `xengt-sim` under the user's runtime directory; where there is none, under /tmp with the user's id, where
/// the library refuses a directory that somebody else made.
fn default_dir() -> Result<PathBuf, Failure> {
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir()) {
        return Ok(runtime.join("xengt-sim"));
    }
    let us = std::fs::metadata(Path::new("/proc/self")).map_err(|error| {
        Failure::new(exit_code::FAILURE, format!("cannot read /proc/self: {error}")).hint("give --sim=DIR")
    })?;
    Ok(std::env::temp_dir().join(format!("xengt-sim-{}", us.uid())))
}
