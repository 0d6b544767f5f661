//! The lock file: which packages the lab is made from, each pinned by version and hash.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{LabError, Result};

/// `tools/lab/lab.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    /// Where packages come from.
    #[serde(rename = "archive")]
    pub(crate) archives: Vec<Archive>,
    /// What the lab asks for by name. `fetch --update` resolves these.
    #[serde(rename = "root")]
    pub(crate) roots: Vec<Root>,
    /// Upstream sources, written by hand: what the lab builds with our patches.
    #[serde(rename = "source", default)]
    pub(crate) sources: Vec<Package>,
    /// What that came to: the roots, and the packages of the libraries that their programs need.
    #[serde(rename = "package", default)]
    pub(crate) packages: Vec<Package>,
}

/// A Debian archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    pub(crate) name: String,
    pub(crate) uri: String,
    pub(crate) suites: Vec<String>,
    /// Where a source that is gone is sought, if elsewhere too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_suites: Vec<String>,
}

/// A package that the lab names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Root {
    /// Its name; one `*` stands for the number that a kernel's name carries.
    pub(crate) package: String,
    /// The upstream version starts with this.
    pub(crate) series: String,
    /// Patterns of the files to unpack, of a package that is mostly not needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) only: Vec<String>,
}

/// One pinned package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The source package: those of one source are replaced together.
    pub(crate) source: String,
    pub(crate) archive: String,
    /// Its path below the archive's URI.
    pub(crate) path: String,
    /// Bytes to download.
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Lock {
    /// Reads the lock file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(LabError::file("read", path))?;
        toml::from_str(&text)
            .map_err(|cause| LabError::Lock { path: path.to_owned(), cause: Box::new(cause) })
    }

    /// Writes the lock file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        const HEADER: &str = "# The lab's inputs. Archives, roots and sources are written by hand; the packages by\n\
                              # `cargo run -p lab -- fetch --update`, from what the archives have that day.\n\n";
        let text = format!("{HEADER}{}", toml::to_string(self)?);
        fs::write(path, text).map_err(LabError::file("write", path))
    }

    /// The URI of a package.
    pub(crate) fn uri(&self, package: &Package) -> Result<String> {
        let archive =
            self.archives.iter().find(|archive| archive.name == package.archive).ok_or_else(|| {
                LabError::UnknownArchive { package: package.name.clone(), archive: package.archive.clone() }
            })?;
        // Archives spell + and : of versions this way in paths; some mirrors take nothing else.
        let path = package.path.replace('+', "%2b");
        Ok(format!("{}/{path}", archive.uri.trim_end_matches('/')))
    }

    /// The source of that name and series.
    pub(crate) fn source(&self, name: &str, wanted: &str) -> Result<&Package> {
        let found =
            self.sources.iter().find(|source| source.name == name && is_of_series(&source.version, wanted));
        found.ok_or_else(|| LabError::UnknownSource {
            name: format!("{name} {wanted}"),
            known: self
                .sources
                .iter()
                .map(|source| format!("{} {}", source.name, series(&source.version)))
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// The root that a package's name matches, if it is one that the lab names.
    pub(crate) fn root(&self, name: &str) -> Option<&Root> {
        self.roots.iter().find(|root| root.matches(name))
    }
}

impl Root {
    /// Whether this root means the package of that name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self.package.split_once('*') {
            None => self.package == name,
            Some((head, tail)) => name
                .strip_prefix(head)
                .and_then(|rest| rest.strip_suffix(tail))
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())),
        }
    }
}

/// The upstream version's first two parts: `1:7.2+dfsg-7` is of the series `7.2`.
pub(crate) fn series(version: &str) -> String {
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    let end = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (major, rest) = upstream.split_at(end(upstream));
    match rest.strip_prefix('.') {
        Some(rest) => format!("{major}.{}", rest.split_at(end(rest)).0),
        None => major.to_owned(),
    }
}

/// Whether a version's series is this one.
pub(crate) fn is_of_series(version: &str, wanted: &str) -> bool {
    series(version) == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_debian_versions_are_two_upstream_parts() {
        for (version, expected) in [
            ("4.17.7+13-g2445b30a44-0+deb12u1", "4.17"),
            ("1:7.2+dfsg-7+deb12u18+b3", "7.2"),
            ("6.1.192-2", "6.1"),
            ("2:6.2.1+dfsg1-1.1", "6.2"),
            ("252-1", "252"),
            ("", ""),
        ] {
            assert_eq!(series(version), expected, "{version}");
        }
    }

    #[test]
    fn matches_kernel_pattern_takes_numbers_only() {
        let root = Root { package: "linux-image-6.1.0-*-amd64".into(), series: "6.1".into(), only: vec![] };
        assert!(root.matches("linux-image-6.1.0-56-amd64"));
        for other in
            ["linux-image-6.1.0-56-cloud-amd64", "linux-image-6.1.0--amd64", "linux-image-6.1.0-56-amd64-dbg"]
        {
            assert!(!root.matches(other), "{other}");
        }
    }

    #[test]
    fn write_then_read_is_the_same_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.lock");
        let lock = Lock::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lab.lock"))).unwrap();
        lock.write(&path).unwrap();
        assert_eq!(Lock::read(&path).unwrap(), lock);
    }

    #[test]
    fn read_committed_lock_pins_every_root() {
        let lock = Lock::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lab.lock"))).unwrap();
        for root in &lock.roots {
            let pinned: Vec<_> = lock.packages.iter().filter(|package| root.matches(&package.name)).collect();
            assert_eq!(pinned.len(), 1, "{}", root.package);
            assert!(is_of_series(&pinned[0].version, &root.series), "{}", pinned[0].version);
        }
        for package in lock.packages.iter().chain(&lock.sources) {
            assert!(lock.uri(package).is_ok());
            assert!(package.sha256.len() == 64 && package.size > 0, "{}", package.name);
        }
    }

    #[test]
    fn source_of_no_series_lists_those_there_are() {
        let lock = Lock::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lab.lock"))).unwrap();
        assert!(lock.source("xen", "4.17").unwrap().version.starts_with("4.17."));
        let error = lock.source("xen", "4.1").unwrap_err();
        assert!(error.to_string().contains("xen 4.17, xen 4.20"), "{error}");
    }

    #[test]
    fn read_unknown_key_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.lock");
        fs::write(&path, "archive = []\nroot = []\nhash = 1\n").unwrap();
        let error = Lock::read(&path).unwrap_err();
        assert!(error.to_string().contains("lab.lock"), "{error}");
    }
}
