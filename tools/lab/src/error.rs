//! What can go wrong in the lab: each says what it was about, and how to go on.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) type Result<T> = std::result::Result<T, LabError>;

/// What a command of the lab failed of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LabError {
    #[error("cannot {action} {}: {cause}", path.display())]
    File { action: &'static str, path: PathBuf, cause: io::Error },
    #[error("{}: {cause}", path.display())]
    Lock { path: PathBuf, cause: Box<toml::de::Error> },
    #[error("the lock file cannot be written as TOML: {0}")]
    LockWrite(#[from] toml::ser::Error),
    #[error("the lock names {package} of the archive {archive}, which it does not define")]
    UnknownArchive { package: String, archive: String },
    #[error("cannot run {program}: {cause}")]
    Spawn { program: String, cause: io::Error },
    #[error("{program} failed ({status}):\n{output}")]
    Program { program: String, status: String, output: String },
    #[error("{package}: what was downloaded has sha256 {got}, the lock wants {wanted}")]
    WrongHash { package: String, wanted: String, got: String },
    #[error(
        "{count} packages ({megabytes} MB) are not in the cache and cannot be downloaded, first {first}:\n{output}"
    )]
    Unreachable { count: usize, megabytes: u64, first: String, output: String, store: PathBuf },
    #[error("the archive has no package that matches {pattern} of the series {series}")]
    SeriesGone { pattern: String, series: String },
    #[error("{} needs the library {library}, which no locked package has", needed_by.display())]
    MissingLibrary { library: String, needed_by: PathBuf },
    #[error("no locked package has the file {path}, which the image needs")]
    MissingInput { path: String },
    #[error("{} is not a program that can be read: {cause}", path.display())]
    Elf { path: PathBuf, cause: goblin::error::Error },
    #[error("the image cannot hold {path}: {reason}")]
    Archive { path: String, reason: String },
    #[error("the lock has no source {name}; there are: {known}")]
    UnknownSource { name: String, known: String },
    #[error("no scenario {name}; there are: {known}")]
    UnknownScenario { name: String, known: String },
    #[error("{} is no hypervisor: expected a file, or a directory with xen or xen.gz", path.display())]
    NoHypervisor { path: PathBuf },
    #[error(
        "this machine's C library is {host}, expected glibc no newer than the lock's libc6, {locked}: what is built of Xen here would not run in dom0"
    )]
    CLibrary { host: String, locked: String },
    #[error("stopped after {}, its time limit; it last said: {last}", seconds(*limit))]
    TimedOut { limit: Duration, last: String },
    #[error("QEMU ended ({status}) before the scenario did; it last said: {last}")]
    QemuEnded { status: String, last: String },
    #[error("dom0 came up broken: {0}")]
    Dom0(String),
    #[error("{0}")]
    Expectation(String),
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    /// Adds the operation and the path to an I/O error.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { action, path, cause }
    }

    /// The way on, where there is one.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { cause, .. } if is_full(cause) => {
                "the disk is full: make room, or set XDG_CACHE_HOME to a directory with 1 GB free".to_owned()
            }
            Self::File { cause, path, .. } if cause.kind() == io::ErrorKind::PermissionDenied => {
                format!("make {} writable, or set XDG_CACHE_HOME to a directory of your own", path.display())
            }
            Self::Program { output, .. } | Self::Unreachable { output, .. }
                if output.contains("No space left on device") =>
            {
                "the disk is full: make room, or set XDG_CACHE_HOME to a directory with 1 GB free".to_owned()
            }
            Self::Spawn { program, cause } if cause.kind() == io::ErrorKind::NotFound => {
                format!("install {program}; the lab needs a Debian system (apt, dpkg, tar, util-linux)")
            }
            Self::Lock { .. } => {
                "restore tools/lab/lab.lock, or write it anew: cargo run -p lab -- fetch --update".to_owned()
            }
            Self::WrongHash { .. } => {
                "nothing was kept. Try again; if it stays, the mirror is bad, or the lock is: \
                 cargo run -p lab -- fetch --update"
                    .to_owned()
            }
            Self::Unreachable { store, .. } => format!(
                "run `cargo run -p lab -- fetch` once with a network (a proxy of apt's configuration is used), or \
                 copy the .deb files that `fetch --list` names into {}, each under its sha256 and .deb",
                store.display()
            ),
            Self::CLibrary { .. } => "run xen-build on Debian 12 (a container or a chroot will do), copy the directory \
                                      that it prints, and name that one: --xen DIR; a stock Xen needs no building"
                .to_owned(),
            Self::SeriesGone { .. } | Self::UnknownArchive { .. } => {
                "name a series or an archive that is there in tools/lab/lab.lock, then fetch --update"
                    .to_owned()
            }
            Self::MissingLibrary { .. } | Self::MissingInput { .. } => {
                "cargo run -p lab -- fetch --update".to_owned()
            }
            Self::NoHypervisor { .. } => "make -C xen in a Xen tree, and name its xen directory".to_owned(),
            _ => return None,
        })
    }
}

fn is_full(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_full_disk_is_told_however_it_shows() {
        let output = "write (28: No space left on device)".to_owned();
        let full = [
            LabError::file("write", Path::new("/cache/x"))(io::ErrorKind::StorageFull.into()),
            LabError::Program { program: "dpkg".into(), status: "2".into(), output: output.clone() },
            LabError::Unreachable {
                count: 1,
                megabytes: 1,
                first: "a".into(),
                output,
                store: "/cache".into(),
            },
        ];
        for error in full {
            assert!(error.hint().unwrap().starts_with("the disk is full"), "{error}");
        }
    }
}
