//! Upstream sources: the pinned tarball, or when the archive has dropped it the newest of the same series.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use super::store::{self, Filled};
use super::substitute::{numbers, pin};
use crate::apt::{self, Apt};
use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::lock::{Lock, Package, is_of_series, series};
use crate::progress::warn;
use crate::run;

/// The source of that name and series, unpacked as its authors left it. Downloads what is not in the cache.
pub(crate) fn source(cache: &Cache, lock: &Lock, name: &str, wanted: &str) -> Result<PathBuf> {
    let _held = cache.lock()?;
    let source = filled(cache, lock, name, wanted)?;
    let store = cache.store("debs")?;
    cache.directory("sources", &source.sha256, |tree| {
        store::verify(&store, &source)?;
        let tarball = store::path(&store, &source);
        let mut tar = run::command("tar");
        tar.arg("-xf").arg(&tarball).arg("-C").arg(tree).args(["--strip-components=1", "--no-same-owner"]);
        run::stdout(&mut tar).map(drop)
    })
}

/// The same as the file that its authors made, checked.
pub(crate) fn tarball(cache: &Cache, lock: &Lock, name: &str, wanted: &str) -> Result<PathBuf> {
    let _held = cache.lock()?;
    let source = filled(cache, lock, name, wanted)?;
    let store = cache.store("debs")?;
    store::verify(&store, &source)?;
    Ok(store::path(&store, &source))
}

/// Which one it is, in the cache.
fn filled(cache: &Cache, lock: &Lock, name: &str, wanted: &str) -> Result<Package> {
    let pinned = lock.source(name, wanted)?;
    let source = match remembered(cache, pinned)? {
        Some(other) => other,
        None if fill(cache, lock, pinned)? == Filled::All => pinned.clone(),
        None => newest(cache, lock, pinned)?,
    };
    fill(cache, lock, &source)?;
    Ok(source)
}

fn fill(cache: &Cache, lock: &Lock, source: &Package) -> Result<Filled> {
    store::fill(cache, &Lock { packages: vec![source.clone()], ..lock.clone() })
}

/// The newest that can be had: an archive's lists also name what its mirror does not have any more.
fn newest(cache: &Cache, lock: &Lock, pinned: &Package) -> Result<Package> {
    let said = Apt::update_sources(lock, cache)?.show_source(&pinned.name)?;
    for candidate in candidates(lock, pinned, &said) {
        if fill(cache, lock, &candidate)? == Filled::All {
            announce(pinned, &candidate);
            let path = record(cache, pinned)?;
            let text = toml::to_string(&candidate)?;
            fs::write(&path, text).map_err(LabError::file("write", &path))?;
            return Ok(candidate);
        }
    }
    Err(LabError::SeriesGone {
        pattern: format!("the source {}", pinned.name),
        series: series(&pinned.version),
    })
}

/// What the lists have of the series, the newest first.
fn candidates(lock: &Lock, pinned: &Package, said: &str) -> Vec<Package> {
    let wanted = series(&pinned.version);
    let mut all: Vec<_> = apt::tarballs(said)
        .iter()
        .filter(|stanza| stanza.name == pinned.name && is_of_series(&stanza.version, &wanted))
        .map(|stanza| pin(lock, stanza))
        .collect();
    all.sort_by_key(|package| Reverse(numbers(&package.version)));
    all.dedup();
    all
}

fn remembered(cache: &Cache, pinned: &Package) -> Result<Option<Package>> {
    let path = record(cache, pinned)?;
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(LabError::file("read", &path))?;
    let other = toml::from_str(&text).map_err(|cause| LabError::Lock { path, cause: Box::new(cause) })?;
    announce(pinned, &other);
    Ok(Some(other))
}

fn record(cache: &Cache, pinned: &Package) -> Result<PathBuf> {
    let key = hash_parts([pinned.name.as_bytes(), pinned.sha256.as_bytes()]);
    Ok(cache.store("substitutes")?.join(Path::new(&format!("source-{key}.toml"))))
}

fn announce(wanted: &Package, taken: &Package) {
    warn(&format!(
        "the source {} {} is gone from the archive; using {} instead",
        wanted.name, wanted.version, taken.version
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        Lock::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lab.lock"))).unwrap()
    }

    fn stanza(version: &str) -> String {
        format!(
            "Package: xen\nChecksums-Sha256:\n {version}-hash 7 xen_{version}.orig.tar.xz\nDirectory: pool/x\n\n"
        )
    }

    #[test]
    fn candidates_are_of_the_series_and_the_newest_is_first() {
        let lock = lock();
        let said = ["4.17.5+72-g1", "4.20.3+1-g2", "4.17.10-g1", "4.17.7+13-g9"].map(stanza).concat();
        let found = candidates(&lock, lock.source("xen", "4.17").unwrap(), &said);
        let versions: Vec<_> = found.iter().map(|package| package.version.as_str()).collect();
        assert_eq!(versions, ["4.17.10-g1", "4.17.7+13-g9", "4.17.5+72-g1"]);
        assert_eq!(found[0].archive, "debian");
    }

    #[test]
    fn source_cold_cache_and_no_network_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let mut lock = lock();
        for archive in &mut lock.archives {
            archive.uri = "http://127.0.0.1:9".into();
        }
        let error = source(&cache, &lock, "xen", "4.17").unwrap_err();
        assert!(matches!(&error, LabError::Unreachable { first, .. } if first == "xen"), "{error}");
    }

    #[test]
    fn source_in_the_store_is_unpacked_once_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(&dir.path().join("cache")).unwrap();
        let tarball = dir.path().join("xen.tar.xz");
        fs::create_dir(dir.path().join("xen-4.17")).unwrap();
        fs::write(dir.path().join("xen-4.17/README"), "x").unwrap();
        let mut tar = run::command("tar");
        tar.arg("-cJf").arg(&tarball).arg("-C").arg(dir.path()).arg("xen-4.17");
        run::stdout(&mut tar).unwrap();
        let mut lock = lock();
        lock.sources[0].sha256 = crate::cache::hash_file(&tarball).unwrap();
        let kept = store::path(&cache.store("debs").unwrap(), &lock.sources[0]);
        fs::rename(&tarball, &kept).unwrap();
        let tree = source(&cache, &lock, "xen", "4.17").unwrap();
        assert_eq!(fs::read_to_string(tree.join("README")).unwrap(), "x");

        // What is spoilt is refused, before anything of it is unpacked.
        fs::remove_dir_all(&tree).unwrap();
        fs::write(&kept, "spoilt").unwrap();
        assert!(matches!(source(&cache, &lock, "xen", "4.17"), Err(LabError::WrongHash { .. })));
        assert!(!tree.exists());
    }

    #[test]
    fn remembered_substitute_is_that_of_its_own_pin() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let lock = lock();
        let [one, other] = [&lock.sources[0], &lock.sources[1]];
        fs::write(record(&cache, one).unwrap(), toml::to_string(other).unwrap()).unwrap();
        assert_eq!(remembered(&cache, one).unwrap().as_ref(), Some(other));
        assert_eq!(remembered(&cache, other).unwrap(), None);
    }
}
