//! Ctrl-C, and the signals by which a machine or a session ends: the lab stops at the next moment it can clean up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{LabError, Result};

static SEEN: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Starts listening. A second signal then ends the process at once; QEMU dies with it.
pub(crate) fn listen() -> Result<()> {
    let seen = SEEN.get_or_init(Arc::default);
    let failed = |cause| LabError::Spawn { program: "a signal handler".into(), cause };
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(seen)).map_err(failed)?;
        signal_hook::flag::register(signal, Arc::clone(seen)).map_err(failed)?;
    }
    Ok(())
}

/// An error if a signal came.
pub(crate) fn check() -> Result<()> {
    match SEEN.get() {
        Some(seen) if seen.load(Ordering::SeqCst) => Err(LabError::Interrupted),
        _ => Ok(()),
    }
}
