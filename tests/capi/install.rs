//! The library as `cargo cinstall` puts it on a system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// A prefix with the library in it: this process's copy, which no other's installing changes.
pub(crate) struct Prefix(TempDir);

impl Prefix {
    pub(crate) fn lib(&self) -> PathBuf {
        self.0.path().join("lib")
    }

    pub(crate) fn shared_object(&self) -> PathBuf {
        self.lib().join("libxengt.so")
    }

    /// What `pkg-config` says of the library, word by word, with the prefix that the copy has.
    pub(crate) fn pkg_config(&self, flags: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command.arg(format!("--define-variable=prefix={}", self.0.path().display()));
        command.args(flags).arg("xengt").env("PKG_CONFIG_PATH", self.lib().join("pkgconfig"));
        output(&mut command).split_whitespace().map(str::to_owned).collect()
    }
}

/// Where `cargo cinstall` puts it, for all processes: another prefix would mean another build.
fn common() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("capi-prefix")
}

/// Runs a command, which must succeed, and gives what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// The installed library: built once, brought up to date by each process in its turn.
pub(crate) fn installed() -> &'static Prefix {
    static INSTALLED: OnceLock<Prefix> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let turn = fs::File::create(shared.join("capi.lock")).unwrap();
        turn.lock().unwrap();
        let mut command = Command::new(cargo_cinstall());
        command
            .args(["cinstall", "--package", "libxengt", "--release", "--locked", "--libdir", "lib"])
            .arg("--prefix")
            .arg(common())
            .arg("--target-dir")
            .arg(shared.join("cargo-c"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        output(&mut command);
        let copy = tempfile::tempdir().unwrap();
        output(Command::new("cp").arg("-a").arg(common().join(".")).arg(copy.path()));
        Prefix(copy)
    })
}

/// The tool, where `./test setup` puts it or on the PATH.
fn cargo_cinstall() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let ours = cache.map(|cache| cache.join("xengt/tools/bin/cargo-cinstall"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("cargo-cinstall"));
    ours.into_iter()
        .chain(on_path)
        .find(|tool| tool.is_file())
        .expect("no cargo-cinstall: `./test setup` installs it, or `cargo install cargo-c`")
}

#[test]
fn installed_library_has_its_soname_header_and_pkg_config_file() {
    let prefix = installed();
    let dynamic = output(Command::new("readelf").args(["-dW"]).arg(prefix.shared_object()));
    assert!(dynamic.contains("Library soname: [libxengt.so.0.1]"), "{dynamic}");
    assert_eq!(
        fs::canonicalize(prefix.lib().join("libxengt.so.0.1")).unwrap(),
        fs::canonicalize(prefix.shared_object()).unwrap()
    );
    let header = fs::read(prefix.0.path().join("include/xengt.h")).unwrap();
    assert!(header == fs::read(crate::header::path()).unwrap(), "another header than the committed one");
    assert_eq!(prefix.pkg_config(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let root = prefix.0.path().display();
    assert_eq!(
        prefix.pkg_config(&["--cflags", "--libs"]),
        [format!("-I{root}/include"), format!("-L{root}/lib"), "-lxengt".to_owned()]
    );
    let written = fs::read_to_string(prefix.lib().join("pkgconfig/xengt.pc")).unwrap();
    assert!(written.starts_with(&format!("prefix={}\n", common().display())), "{written}");
}

#[test]
fn library_needs_nothing_but_the_c_runtime() {
    let dynamic = output(Command::new("readelf").args(["-dW"]).arg(installed().shared_object()));
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        let ours = ["[libc.so.6]", "[libgcc_s.so.1]", "[ld-linux-x86-64.so.2]"];
        assert!(ours.iter().any(|name| line.contains(name)), "{line}");
    }
}
