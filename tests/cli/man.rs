//! The manual: its examples happen as shown, and its pages are without fault.

use std::fs;
use std::process::Command;

use crate::{program, transcript};

#[test]
fn examples_of_the_manual_happen() {
    let path = program::repository().join("tools/vgtctl/man/examples.txt");
    transcript::check_plain(&path);
    let page = program::command().arg("man").output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains(".SH EXAMPLES") && page.contains("screenshot"), "{page}");
}

#[test]
fn pages_are_formatted_without_a_warning() {
    if Command::new("groff").arg("--version").output().is_err() {
        println!("SKIP man: groff is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let made = program::command().args(["man", "--dir"]).arg(dir.path()).output().unwrap();
    assert!(made.status.success());
    let pages: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() > 15);
    for page in pages {
        let done = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&page).output().unwrap();
        let warnings = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && warnings.is_empty(), "{}: {warnings}", page.display());
        let title = fs::read_to_string(&page).unwrap();
        assert!(title.contains(".TH vgtctl"), "{}", page.display());
    }
}
