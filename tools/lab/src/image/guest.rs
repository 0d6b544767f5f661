//! What is in a guest: busybox, our programs, and a first program that does what dom0 asks.

use std::path::Path;

use super::modules::Modules;
use super::program;
use super::programs::Programs;
use crate::cpio::{Entry, Files};
use crate::error::Result;

const INIT: &str = include_str!("../../image/guest-init.sh");

/// All of a guest's files. What has to do with i915, the guest has only with a kernel whose modules tell what they need.
pub(super) fn files(tree: &Path, modules: &Modules, programs: &Programs) -> Result<Files> {
    let mut files = Files::default();
    files.add("init", Entry::Program(INIT.into()));
    files.add("bin/busybox", program(tree, "bin/busybox")?);
    files.add("bin/sh", Entry::Link("busybox".into()));
    files.add("bin/lab-guest", Entry::Program(programs.guest.clone()));
    if let Some(driver) = modules.with_needed("i915") {
        driver.add_to(&mut files);
        files.add("bin/i915-exec", Entry::Program(programs.exec.clone()));
        files.add("bin/lab-hostile", Entry::Program(programs.hostile.clone()));
    }
    Ok(files)
}
