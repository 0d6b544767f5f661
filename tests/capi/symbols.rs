//! What the library exports is what the header declares, and the C programs use all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::install::{installed, output};
use crate::programs::{PROGRAMS, compile};

fn nm(which: &str, file: &Path) -> BTreeSet<String> {
    let lines = output(Command::new("nm").args(["--dynamic", "--format=posix", which]).arg(file));
    lines.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

/// The names that the header declares with a parameter list.
fn declared() -> BTreeSet<String> {
    let header = fs::read_to_string(crate::header::path()).unwrap();
    let code = header.lines().filter(|line| !line.trim_start().starts_with(['*', '/']));
    code.filter_map(|line| Some(line.split_once('(')?.0.rsplit([' ', '*']).next()?.to_owned()))
        .filter(|name| name.starts_with("xengt_"))
        .collect()
}

#[test]
fn exports_are_what_the_header_declares() {
    let exported = nm("--defined-only", &installed().shared_object());
    assert_eq!(exported, declared());
    assert!(exported.len() > 15, "{exported:?}");
}

#[test]
fn programs_use_every_function() {
    let dir = tempfile::tempdir().unwrap();
    let used: BTreeSet<String> = PROGRAMS
        .iter()
        .flat_map(|program| nm("--undefined-only", &compile(program, dir.path(), None)))
        .filter(|name| name.starts_with("xengt_"))
        .collect();
    assert_eq!(used, declared());
}
