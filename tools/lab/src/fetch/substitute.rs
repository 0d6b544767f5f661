//! What to do when the archive has dropped a pinned package: the newest of the same series, said loudly.

use std::fs;
use std::path::PathBuf;

use crate::apt::{Apt, Stanza};
use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::lock::{Lock, Package, is_of_series, series};
use crate::progress::warn;

/// What replaced gone packages of this lock before, if anything did.
pub(super) fn remembered(cache: &Cache, lock: &Lock) -> Result<Option<Lock>> {
    let path = record(cache, lock)?;
    if !path.is_file() {
        return Ok(None);
    }
    let other = Lock::read(&path)?;
    announce(lock, &other);
    Ok(Some(other))
}

/// The lock with every package replaced by the newest of its series that the archives have now.
///
/// All are replaced, not only those that are gone: a library of one day need not go with a tool of another.
pub(super) fn newest(cache: &Cache, lock: &Lock) -> Result<Lock> {
    let apt = Apt::update(lock, cache)?;
    let mut names: Vec<String> = lock.packages.iter().map(|package| package.name.clone()).collect();
    for root in lock.roots.iter().filter(|root| root.package.contains('*')) {
        names.extend(apt.names()?.into_iter().filter(|name| root.matches(name)));
    }
    let stanzas = apt.show(&names)?;
    let packages: Result<Vec<_>> =
        lock.packages.iter().map(|package| replace(lock, package, &stanzas)).collect();
    let other = Lock { packages: packages?, ..lock.clone() };
    announce(lock, &other);
    other.write(&record(cache, lock)?)?;
    Ok(other)
}

fn replace(lock: &Lock, package: &Package, stanzas: &[Stanza]) -> Result<Package> {
    let root = lock.root(&package.name);
    let wanted = root.map_or_else(|| series(&package.version), |root| root.series.clone());
    let matches = |stanza: &&Stanza| match root {
        Some(root) => root.matches(&stanza.name),
        None => stanza.name == package.name,
    };
    let newest = pick(stanzas.iter().filter(matches).filter(|stanza| is_of_series(&stanza.version, &wanted)));
    let stanza = newest
        .ok_or_else(|| LabError::SeriesGone { pattern: package.name.clone(), series: wanted.clone() })?;
    Ok(pin(lock, stanza))
}

/// The newest of several, by the numbers in name and version: a kernel's name has one too.
pub(super) fn pick<'a>(stanzas: impl Iterator<Item = &'a Stanza>) -> Option<&'a Stanza> {
    // apt lists the newest first, and max_by_key takes the last of equals.
    let mut all: Vec<_> = stanzas.collect();
    all.reverse();
    all.into_iter().max_by_key(|stanza| (numbers(&stanza.name), numbers(&stanza.version)))
}

/// A package as the lock pins it.
pub(super) fn pin(lock: &Lock, stanza: &Stanza) -> Package {
    // The security archive keeps its packages in a place of their own.
    let security = stanza.path.starts_with("pool/updates/");
    let archive = lock.archives.iter().find(|archive| archive.name.ends_with("security") == security);
    Package {
        name: stanza.name.clone(),
        version: stanza.version.clone(),
        source: stanza.source.clone(),
        archive: archive.map(|archive| archive.name.clone()).unwrap_or_default(),
        path: stanza.path.clone(),
        size: stanza.size,
        sha256: stanza.sha256.clone(),
    }
}

pub(super) fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn record(cache: &Cache, lock: &Lock) -> Result<PathBuf> {
    let text = toml::to_string(lock)?;
    Ok(cache.store("substitutes")?.join(format!("{}.toml", hash_parts([text.as_bytes()]))))
}

fn announce(lock: &Lock, other: &Lock) {
    for (wanted, taken) in lock.packages.iter().zip(&other.packages) {
        if wanted.sha256 != taken.sha256 {
            warn(&format!(
                "{} {} is gone from the archive; using {} {} instead",
                wanted.name, wanted.version, taken.name, taken.version
            ));
        }
    }
}

/// Forgets what replaced gone packages of a lock.
pub(super) fn forget(cache: &Cache) -> Result<()> {
    let store = cache.store("substitutes")?;
    fs::remove_dir_all(&store).map_err(LabError::file("remove", &store))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Archive, Root};

    fn stanza(name: &str, version: &str) -> Stanza {
        Stanza {
            name: name.into(),
            version: version.into(),
            source: "linux".into(),
            path: "pool/updates/x.deb".into(),
            size: 1,
            sha256: format!("{name}{version}"),
        }
    }

    fn lock() -> Lock {
        let archive = |name: &str| Archive {
            name: name.into(),
            uri: "http://a".into(),
            suites: vec![],
            source_suites: vec![],
        };
        let root = Root { package: "linux-6.1.0-*-amd64".into(), series: "6.1".into(), only: vec![] };
        let mut lock = Lock {
            archives: vec![archive("debian"), archive("debian-security")],
            roots: vec![root],
            sources: vec![],
            packages: vec![],
        };
        lock.packages = vec![pin(&lock, &stanza("linux-6.1.0-9-amd64", "6.1.90-1"))];
        lock
    }

    #[test]
    fn replace_gone_kernel_takes_the_newest_of_the_series() {
        let lock = lock();
        let there = [
            stanza("linux-6.1.0-10-amd64", "6.1.100-1"),
            stanza("linux-6.1.0-11-cloud-amd64", "6.1.200-1"),
            stanza("linux-6.1.0-9-amd64", "6.1.91-1"),
            stanza("linux-6.1.0-12-amd64", "6.12.1-1"),
        ];
        let taken = replace(&lock, &lock.packages[0], &there).unwrap();
        assert_eq!(
            (taken.name.as_str(), taken.archive.as_str()),
            ("linux-6.1.0-10-amd64", "debian-security")
        );
    }

    #[test]
    fn replace_nothing_of_the_series_is_an_error() {
        let lock = lock();
        let there = [stanza("linux-6.1.0-9-amd64", "6.2.1-1")];
        let error = replace(&lock, &lock.packages[0], &there).unwrap_err();
        assert!(matches!(error, LabError::SeriesGone { series, .. } if series == "6.1"));
    }

    #[test]
    fn remembered_substitution_holds_for_its_own_lock_only() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let lock = lock();
        let mut other = lock.clone();
        other.packages[0].version = "6.1.91-1".into();
        other.write(&record(&cache, &lock).unwrap()).unwrap();
        assert_eq!(remembered(&cache, &lock).unwrap(), Some(other.clone()));
        assert_eq!(remembered(&cache, &other).unwrap(), None);
        forget(&cache).unwrap();
        assert_eq!(remembered(&cache, &lock).unwrap(), None);
    }
}
