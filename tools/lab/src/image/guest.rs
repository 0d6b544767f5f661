//! What is in a guest: busybox, our program, and a first program that does what dom0 asks.

use std::path::Path;

use super::program;
use crate::cpio::{Entry, Files};
use crate::error::Result;

const INIT: &str = include_str!("../../image/guest-init.sh");

/// All of a guest's files.
pub(super) fn files(tree: &Path, lab_guest: Vec<u8>) -> Result<Files> {
    let mut files = Files::default();
    files.add("init", Entry::Program(INIT.into()));
    files.add("bin/busybox", program(tree, "bin/busybox")?);
    files.add("bin/sh", Entry::Link("busybox".into()));
    files.add("bin/lab-guest", Entry::Program(lab_guest));
    Ok(files)
}
