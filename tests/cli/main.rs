//! `vgtctl` as its users meet it: transcripts of every verb, the JSON schema, pictures, races and kills.
//!
//! The transcripts are in `tests/golden/`; README and the manual's examples are transcripts too.
#![cfg(test)]

mod kill;
mod man;
mod picture;
mod program;
mod race;
mod schema;
mod tables;
mod transcript;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use program::repository;

/// One test per file of `tests/golden/`.
macro_rules! transcripts {
    ($($name:ident)*) => {
        mod golden {
            $(#[test]
            fn $name() {
                super::transcript::check(&super::golden_file(concat!(stringify!($name), ".md")));
            })*
        }
        const GOLDEN: &[&str] = &[$(concat!(stringify!($name), ".md")),*];
    };
}

transcripts! {
    audit by_address bad_files bad_nodes bad_options bad_picture bad_sim completions create destroy doctor doctor_roots dump
    errors_json fences full_host help host list names pause screenshot show sim translate types
}

fn golden_file(name: &str) -> PathBuf {
    repository().join("tests/golden").join(name)
}

/// Every transcript there is.
fn all_transcripts() -> Vec<PathBuf> {
    let own = GOLDEN.iter().map(|name| golden_file(name));
    own.chain([repository().join("README.md")]).collect()
}

#[test]
fn every_golden_file_is_run_by_a_test() {
    let files: BTreeSet<String> = fs::read_dir(repository().join("tests/golden"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .collect();
    let run: BTreeSet<String> = GOLDEN.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(files, run);
}

#[test]
fn readme_shows_what_happens() {
    let readme = repository().join("README.md");
    assert!(transcript::blocks(&readme) >= 3, "README.md has fewer transcripts than it should");
    transcript::check(&readme);
}

#[test]
fn transcripts_have_every_verb_in_text_and_json() {
    let commands: Vec<String> = all_transcripts()
        .iter()
        .flat_map(|path| transcript::steps(path))
        .filter(|step| step.code == 0)
        .map(|step| step.command)
        .collect();
    let verbs = "host|types|create|destroy|list|show|pause|resume|gtt translate|gtt dump|gtt audit|fence list|\
                 screenshot|doctor|sim init|sim domains|completions|man";
    for verb in verbs.split('|') {
        let of_verb = || commands.iter().filter(|line| line.contains(&format!(" {verb}")));
        assert!(of_verb().any(|line| !line.contains("--json")), "no transcript of {verb}");
        assert!(of_verb().any(|line| line.contains("--json")), "no transcript of {verb} --json");
    }
}
