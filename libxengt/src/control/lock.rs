//! One creator at a time.
//!
//! Kernels up to 5.4 leak a vGPU when two creators race for one domain, and no kernel's answer can be told
//! from another creator's once both have written. So creators take turns.

use std::fs::{self, File, OpenOptions};

use super::ControlError;
use crate::root::Root;

/// Holds the lock until dropped; the system lets go of it if the holder dies.
#[derive(Debug)]
pub(super) struct ControlLock(#[expect(dead_code, reason = "held for its lock, not for its content")] File);

impl ControlLock {
    /// Waits for the turn.
    pub(super) fn take(root: &Root) -> Result<Self, ControlError> {
        let path = root.control_lock();
        let open = || {
            if let Some(dir) = path.parent() {
                fs::create_dir_all(dir)?;
            }
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map(Self).map_err(|source| ControlError::Lock { path: path.clone(), source })
    }
}
