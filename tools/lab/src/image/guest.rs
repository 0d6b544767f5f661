//! What is in a guest: busybox, and a first program that says what it sees and powers off.

use std::path::Path;

use super::program;
use crate::cpio::{Entry, Files};
use crate::error::Result;

const INIT: &str = include_str!("../../image/guest-init.sh");

/// All of a guest's files.
pub(super) fn files(tree: &Path) -> Result<Files> {
    let mut files = Files::default();
    files.add("init", Entry::Program(INIT.into()));
    files.add("bin/busybox", program(tree, "bin/busybox")?);
    files.add("bin/sh", Entry::Link("busybox".into()));
    Ok(files)
}
