//! What is in a guest: busybox, our programs, and a first program that does what dom0 asks.

use std::path::Path;

use super::modules::Modules;
use super::program;
use super::programs::Programs;
use crate::cpio::{Entry, Files};
use crate::error::Result;

const INIT: &str = include_str!("../../image/guest-init.sh");

/// What loads i915 in a guest.
const LOAD: &str = include_str!("../../image/guest-i915.sh");

/// A guest's i915.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) modules: Modules,
    /// The modules' names, one a line, each after those that it needs.
    pub(super) order: String,
}

/// All of a guest's files. What has to do with i915, it has only with a driver.
pub(super) fn files(tree: &Path, driver: Option<Driver>, programs: &Programs) -> Result<Files> {
    let mut files = Files::default();
    files.add("init", Entry::Program(INIT.into()));
    files.add("bin/busybox", program(tree, "bin/busybox")?);
    files.add("bin/sh", Entry::Link("busybox".into()));
    files.add("bin/lab-guest", Entry::Program(programs.guest.clone()));
    if let Some(Driver { modules, order }) = driver {
        modules.add_to(&mut files);
        files.add("bin/load-i915", Entry::Program(LOAD.into()));
        files.add("lab/i915-modules", Entry::File(order.into_bytes()));
        files.add("bin/i915-exec", Entry::Program(programs.exec.clone()));
        files.add("bin/lab-hostile", Entry::Program(programs.hostile.clone()));
    }
    Ok(files)
}
