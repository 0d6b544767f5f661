//! `fetch --update`: resolves the lock's roots anew, and keeps of what they depend on only what the lab uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::store::{self, Filled};
use super::substitute::{forget, pick, pin};
use super::unpack;
use crate::apt::Apt;
use crate::cache::Cache;
use crate::elf::{self, needed};
use crate::error::{LabError, Result};
use crate::image;
use crate::lock::{Lock, Package, Root, is_of_series};

/// The lock with new packages. Downloads all that the roots depend on (about 150 MB) to see what they use.
pub(crate) fn update(cache: &Cache, lock: &Lock) -> Result<Lock> {
    let _held = cache.lock()?;
    let apt = Apt::update(lock, cache)?;
    let names = apt.names()?;
    let roots: Result<Vec<_>> = lock.roots.iter().map(|root| resolve(&apt, lock, root, &names)).collect();
    let roots = roots?;

    // A kernel's dependencies make an initramfs and install it: the lab does that itself.
    let asked: Vec<_> = roots
        .iter()
        .filter(|package| !package.name.starts_with("linux-"))
        .map(|package| package.name.clone())
        .collect();
    let closure = apt.closure(&asked)?;
    let stanzas = apt.show(&closure)?;
    let mut packages = roots.clone();
    for name in &closure {
        if packages.iter().all(|package| package.name != *name)
            && let Some(stanza) = stanzas.iter().find(|stanza| stanza.name == *name)
        {
            packages.push(pin(lock, stanza));
        }
    }
    let whole = Lock { packages, ..lock.clone() };
    if store::fill(cache, &whole)? == Filled::SomeGone {
        return Err(LabError::SeriesGone { pattern: "what its lists name".into(), series: "today".into() });
    }

    let used = used(cache, &whole)?;
    let mut kept: Vec<_> = whole
        .packages
        .into_iter()
        .filter(|package| used.contains(&package.name) || roots.iter().any(|root| root.name == package.name))
        .collect();
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    forget(cache)?;
    Ok(Lock { packages: kept, ..lock.clone() })
}

fn resolve(apt: &Apt, lock: &Lock, root: &Root, names: &[String]) -> Result<Package> {
    let names: Vec<_> = names.iter().filter(|name| root.matches(name)).cloned().collect();
    let gone = || LabError::SeriesGone { pattern: root.package.clone(), series: root.series.clone() };
    if names.is_empty() {
        return Err(gone());
    }
    let stanzas = apt.show(&names)?;
    let newest = pick(stanzas.iter().filter(|stanza| is_of_series(&stanza.version, &root.series)));
    newest.map(|stanza| pin(lock, stanza)).ok_or_else(gone)
}

/// The packages whose libraries the lab's programs need.
fn used(cache: &Cache, lock: &Lock) -> Result<BTreeSet<String>> {
    let store = cache.store("debs")?;
    let scratch = cache.scratch()?;
    let mut libraries: BTreeMap<String, (String, PathBuf)> = BTreeMap::new();
    let mut open = Vec::new();
    for package in &lock.packages {
        let tree = scratch.path().join(&package.name);
        fs::create_dir(&tree).map_err(LabError::file("create", &tree))?;
        unpack(&store::path(&store, package), super::only(lock, package), &tree)?;
        for dir in elf::LIBRARY_DIRS {
            for path in entries(&tree.join(dir))? {
                if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                    libraries.entry(name.to_owned()).or_insert_with(|| (package.name.clone(), path.clone()));
                }
            }
        }
        let programs = image::PROGRAMS.iter().map(|program| tree.join(program));
        open.extend(programs.filter(|path| path.is_file()));
    }
    let mut used = BTreeSet::new();
    let mut seen = BTreeSet::new();
    while let Some(program) = open.pop() {
        for library in needed(&program)? {
            if seen.insert(library.clone()) {
                let (package, path) = libraries.get(&library).ok_or_else(|| LabError::MissingLibrary {
                    library: library.clone(),
                    needed_by: program.clone(),
                })?;
                used.insert(package.clone());
                open.push(path.clone());
            }
        }
    }
    Ok(used)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dir).map_err(LabError::file("read", dir))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(LabError::file("read", dir))).collect()
}
