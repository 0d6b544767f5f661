//! apt, with a state of its own: it asks the lock's archives and touches nothing of the system. Root is not needed.

mod download;
mod source;
mod stanza;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::cache::Cache;
use crate::error::{LabError, Result};
use crate::lock::{Archive, Lock};
use crate::run;

pub(crate) use download::{Outcome, download};
pub(crate) use source::tarballs;
pub(crate) use stanza::Stanza;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// apt's lists of the lock's archives, fetched when this is made and gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Apt {
    state: TempDir,
}

impl Apt {
    /// Fetches the lists of packages (about 10 MB).
    pub(crate) fn update(lock: &Lock, cache: &Cache) -> Result<Self> {
        Self::update_lists(cache, "deb [arch=amd64", lock, |archive| &archive.suites)
    }

    /// Fetches the lists of sources (about 20 MB).
    pub(crate) fn update_sources(lock: &Lock, cache: &Cache) -> Result<Self> {
        Self::update_lists(cache, "deb-src [", lock, |archive| &archive.source_suites)
    }

    fn update_lists(
        cache: &Cache,
        kind: &str,
        lock: &Lock,
        suites: impl Fn(&Archive) -> &[String],
    ) -> Result<Self> {
        let state = cache.scratch()?;
        let apt = Self { state };
        for dir in ["lists/partial", "archives/partial"] {
            let path = apt.path(dir);
            fs::create_dir_all(&path).map_err(LabError::file("create", &path))?;
        }
        // Signatures are checked against the archive's own keys where the system has them, else apt's trusted ones.
        let signed =
            if Path::new(KEYRING).is_file() { format!("signed-by={KEYRING}") } else { String::new() };
        let mut sources = String::new();
        for archive in &lock.archives {
            for suite in suites(archive) {
                sources.push_str(&format!("{kind} {signed}] {} {suite} main\n", archive.uri));
            }
        }
        apt.write("sources.list", &sources)?;
        // No package counts as installed: what is resolved does not depend on this system.
        apt.write("status", "")?;
        run::stdout(apt.program("apt-get").arg("update").arg("--error-on=any"))?;
        Ok(apt)
    }

    /// The packages that installing these on an empty system would take.
    pub(crate) fn closure(&self, packages: &[String]) -> Result<Vec<String>> {
        let mut command = self.program("apt-get");
        command.args(["install", "--simulate", "--no-install-recommends"]).args(packages);
        let said = run::stdout(&mut command)?;
        // "Inst name (version suites [amd64])"
        let names = said.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        Ok(names.map(str::to_owned).collect())
    }

    /// All package names that the archives have.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let said = run::stdout(self.program("apt-cache").arg("pkgnames"))?;
        Ok(said.lines().map(str::to_owned).collect())
    }

    /// What the archives say of a package, the newest version first.
    pub(crate) fn show(&self, packages: &[String]) -> Result<Vec<Stanza>> {
        let said = run::stdout(self.program("apt-cache").arg("show").args(packages))?;
        Ok(said.split("\n\n").filter_map(Stanza::parse).collect())
    }

    /// What the archives say of a source package, in one text.
    pub(crate) fn show_source(&self, name: &str) -> Result<String> {
        run::stdout(self.program("apt-cache").args(["showsrc", "--only-source", name]))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = run::command(name);
        for (option, value) in [
            ("Dir::Etc::sourcelist", self.path("sources.list")),
            ("Dir::Etc::sourceparts", "/dev/null".into()),
            ("Dir::State::lists", self.path("lists")),
            ("Dir::State::status", self.path("status")),
            ("Dir::Cache", self.path("")),
        ] {
            command.arg("-o").arg(format!("{option}={}", value.display()));
        }
        command.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]);
        command.args(["-o", "APT::Architecture=amd64", "-o", "APT::Architectures::=amd64"]);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, text).map_err(LabError::file("write", &path))
    }
}
