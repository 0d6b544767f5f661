//! The committed header is the one that the sources give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn libxengt() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../libxengt")
}

pub(crate) fn path() -> PathBuf {
    libxengt().join("include/xengt.h")
}

/// The files in the order in which a reader of the header wants them.
const ORDER: [&str; 8] = ["version", "error", "host", "types", "vgpu", "control", "gma", "translate"];
/// The files that the header has nothing of.
const INNER: [&str; 2] = ["out", "pointer"];

/// The header, made anew.
fn generate() -> String {
    let folder = libxengt().join("src/capi");
    let config = cbindgen::Config::from_file(libxengt().join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in ORDER {
        builder = builder.with_src(folder.join(name).with_extension("rs"));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn header_has_every_file_of_the_c_edge() {
    let modules = fs::read_to_string(libxengt().join("src/capi/mod.rs")).unwrap();
    let mut named: Vec<_> =
        modules.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let mut known = [ORDER.as_slice(), &INNER].concat();
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known);
}

#[test]
fn header_is_what_the_sources_give() {
    let made = generate();
    if std::env::var_os("XENGT_BLESS").is_some() {
        fs::write(path(), &made).unwrap();
    }
    let committed = fs::read_to_string(path()).unwrap();
    let first = made.lines().zip(committed.lines()).position(|(a, b)| a != b);
    assert!(
        made == committed,
        "include/xengt.h is not what src/capi gives; the first line that differs is {first:?}. \
         Run `XENGT_BLESS=1 cargo test -p xengt-tests --test capi header` and look at the difference"
    );
}

#[test]
fn header_compiles_alone_as_c_and_as_cpp() {
    for (compiler, language) in [("cc", "-std=c99"), ("cc", "-std=c17"), ("g++", "-std=c++11")] {
        let kind = if compiler == "g++" { "c++" } else { "c" };
        let output = Command::new(compiler)
            .args([language, "-x", kind, "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            // Twice, for the guard.
            .args(["-include".as_ref(), path().as_os_str(), path().as_os_str()])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{compiler} {language}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
