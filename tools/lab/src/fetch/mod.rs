//! The lab's inputs: every package of the lock, downloaded, checked and unpacked into the cache.

mod source;
mod store;
mod substitute;
mod update;

use std::path::{Path, PathBuf};

use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::interrupt;
use crate::lock::{Lock, Package};
use crate::progress::Progress;
use crate::run;

pub(crate) use source::{source, tarball};
pub(crate) use update::update;

/// All packages of the lock, unpacked into one directory. Downloads what is not in the cache.
pub(crate) fn tree(cache: &Cache, lock: &Lock) -> Result<PathBuf> {
    let _held = cache.lock()?;
    let lock = substitute::remembered(cache, lock)?.unwrap_or_else(|| lock.clone());
    if let Some(tree) = unpacked(cache, &lock)? {
        return Ok(tree);
    }
    let lock = match store::fill(cache, &lock)? {
        store::Filled::All => lock,
        store::Filled::SomeGone => {
            let other = substitute::newest(cache, &lock)?;
            match store::fill(cache, &other)? {
                store::Filled::All => other,
                store::Filled::SomeGone => {
                    return Err(LabError::SeriesGone {
                        pattern: "what its own lists name".to_owned(),
                        series: "any: the mirror is in the middle of an update, so try later".to_owned(),
                    });
                }
            }
        }
    };
    unpack_all(cache, &lock)
}

/// The names of the files in the store that this lock needs, one per line with where they come from.
pub(crate) fn list(lock: &Lock) -> Result<String> {
    let lines: Result<Vec<_>> = lock
        .packages
        .iter()
        .chain(&lock.sources)
        .map(|package| {
            Ok(format!("{} {}", store::path(Path::new(""), package).display(), lock.uri(package)?))
        })
        .collect();
    Ok(lines?.join("\n"))
}

fn unpacked(cache: &Cache, lock: &Lock) -> Result<Option<PathBuf>> {
    let path = cache.store("trees")?.join(key(lock));
    Ok(path.is_dir().then_some(path))
}

fn unpack_all(cache: &Cache, lock: &Lock) -> Result<PathBuf> {
    let store = cache.store("debs")?;
    cache.directory("trees", &key(lock), |tree| {
        let progress = Progress::new("unpack", u64::try_from(lock.packages.len()).unwrap_or(0));
        for package in &lock.packages {
            progress.note(&package.name);
            interrupt::check()?;
            store::verify(&store, package)?;
            unpack(&store::path(&store, package), only(lock, package), tree)?;
            progress.add(1);
        }
        Ok(())
    })
}

/// Unpacks a package, or of it only what matches the patterns, into a directory.
fn unpack(deb: &Path, only: &[String], into: &Path) -> Result<()> {
    if only.is_empty() {
        run::stdout(run::command("dpkg").arg("-x").arg(deb).arg(into))?;
        return Ok(());
    }
    // A kernel's package has 400 MB of modules, and the lab needs five of them.
    let script = r#"set -o pipefail; deb=$1; into=$2; shift 2
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$into" --wildcards --no-same-owner "$@""#;
    run::stdout(run::command("bash").args(["-c", script, "unpack"]).arg(deb).arg(into).args(only))?;
    Ok(())
}

fn only<'a>(lock: &'a Lock, package: &Package) -> &'a [String] {
    lock.root(&package.name).map_or(&[], |root| &root.only)
}

/// What the unpacked tree is made from: the packages' hashes, and which files of them.
fn key(lock: &Lock) -> String {
    let parts = lock.packages.iter().flat_map(|package| {
        let only = only(lock, package).iter().map(String::as_bytes);
        std::iter::once(package.sha256.as_bytes()).chain(only)
    });
    hash_parts(parts)
}
