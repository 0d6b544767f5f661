//! The downloaded packages, each under its sha256.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt::{self, Outcome};
use crate::cache::{Cache, hash_file};
use crate::error::{LabError, Result};
use crate::interrupt;
use crate::lock::{Lock, Package};
use crate::progress::Progress;

/// Packages in one call of apt's client: enough to keep a connection, few enough to show progress.
const AT_ONCE: usize = 8;

/// What came of filling the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    All,
    /// The archives answer, but no longer have all.
    SomeGone,
}

/// The file of a package or source.
pub(super) fn path(store: &Path, package: &Package) -> PathBuf {
    let kind = if package.path.ends_with(".deb") { "deb" } else { "tar.xz" };
    store.join(format!("{}.{kind}", package.sha256))
}

/// Downloads the packages that are not there.
pub(super) fn fill(cache: &Cache, lock: &Lock) -> Result<Filled> {
    let store = cache.store("debs")?;
    let missing: Vec<_> = lock.packages.iter().filter(|package| !path(&store, package).is_file()).collect();
    let Some(first) = missing.first() else { return Ok(Filled::All) };
    let bytes = missing.iter().map(|package| package.size).sum();
    let scratch = cache.scratch()?;
    let progress = Progress::bytes("download", bytes);
    for chunk in missing.chunks(AT_ONCE) {
        interrupt::check()?;
        progress.note(&chunk.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(" "));
        let halves: Vec<_> = chunk.iter().map(|package| scratch.path().join(&package.sha256)).collect();
        let uris: Result<Vec<_>> = chunk.iter().map(|package| lock.uri(package)).collect();
        let files: Vec<_> = uris?.into_iter().zip(halves.iter().map(PathBuf::as_path)).collect();
        match apt::download(&files)? {
            Outcome::Done => {}
            Outcome::Gone => return Ok(Filled::SomeGone),
            Outcome::Failed(output) => {
                return Err(LabError::Unreachable {
                    count: missing.len(),
                    megabytes: bytes.div_ceil(1_000_000),
                    first: first.name.clone(),
                    output,
                    store,
                });
            }
        }
        for (package, half) in chunk.iter().zip(&halves) {
            keep(package, half, &path(&store, package))?;
            progress.add(package.size);
        }
    }
    Ok(Filled::All)
}

/// Checks a file of the store again, which a user may have put there or a disk may have spoilt.
pub(super) fn verify(store: &Path, package: &Package) -> Result<()> {
    let path = path(store, package);
    let got = hash_file(&path)?;
    if got == package.sha256 {
        return Ok(());
    }
    // The next fetch downloads it anew.
    fs::remove_file(&path).map_err(LabError::file("remove", &path))?;
    Err(LabError::WrongHash { package: package.name.clone(), wanted: package.sha256.clone(), got })
}

/// Takes a downloaded file in, if it is what the lock says.
fn keep(package: &Package, half: &Path, to: &Path) -> Result<()> {
    let got = hash_file(half)?;
    if got != package.sha256 {
        return Err(LabError::WrongHash {
            package: package.name.clone(),
            wanted: package.sha256.clone(),
            got,
        });
    }
    fs::rename(half, to).map_err(LabError::file("create", to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Archive;

    fn lock(uri: &str, sha256: &str) -> Lock {
        let package = Package {
            name: "tool".into(),
            version: "1.0-1".into(),
            source: "tool".into(),
            archive: "here".into(),
            path: "pool/tool.deb".into(),
            size: 3,
            sha256: sha256.into(),
        };
        let archive = Archive { name: "here".into(), uri: uri.into(), suites: vec![], source_suites: vec![] };
        Lock { archives: vec![archive], roots: vec![], sources: vec![], packages: vec![package] }
    }

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn keep_wrong_hash_is_refused_and_names_both() {
        let dir = tempfile::tempdir().unwrap();
        let (half, to) = (dir.path().join("half"), dir.path().join("kept"));
        fs::write(&half, "xyz").unwrap();
        let lock = lock("http://archive", ABC);
        let error = keep(&lock.packages[0], &half, &to).unwrap_err();
        assert!(error.to_string().contains(ABC) && error.to_string().contains("tool"), "{error}");
        assert!(!to.exists());
    }

    #[test]
    fn verify_spoilt_file_is_refused_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let lock = lock("http://archive", ABC);
        let path = path(dir.path(), &lock.packages[0]);
        fs::write(&path, "abc").unwrap();
        assert!(verify(dir.path(), &lock.packages[0]).is_ok());
        fs::write(&path, "xyz").unwrap();
        assert!(matches!(verify(dir.path(), &lock.packages[0]), Err(LabError::WrongHash { .. })));
        assert!(!path.exists());
    }

    #[test]
    fn fill_file_in_the_store_downloads_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        // Nothing listens there: a download would fail.
        let lock = lock("http://127.0.0.1:9", ABC);
        fs::write(path(&cache.store("debs").unwrap(), &lock.packages[0]), "abc").unwrap();
        assert_eq!(fill(&cache, &lock).unwrap(), Filled::All);
    }

    #[test]
    fn fill_no_network_and_cold_cache_says_what_and_how() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let error = fill(&cache, &lock("http://127.0.0.1:9", ABC)).unwrap_err();
        assert!(
            matches!(&error, LabError::Unreachable { count: 1, first, .. } if first == "tool"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("with a network"));
    }
}
