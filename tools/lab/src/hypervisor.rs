//! The hypervisor to boot: the locked package's, or one that was built in a Xen tree.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::cache::{Cache, hash_file};
use crate::error::{LabError, Result};

const STOCK: &str = "boot/xen-4.17-amd64.gz";

/// The hypervisor of the locked package.
pub(crate) fn stock(cache: &Cache, tree: &Path) -> Result<PathBuf> {
    plain(cache, &tree.join(STOCK))
}

/// The hypervisor that a user names: a file, or a directory that has one.
pub(crate) fn named(cache: &Cache, path: &Path) -> Result<PathBuf> {
    let candidates = [path.to_owned(), path.join("xen.gz"), path.join("xen"), path.join("xen/xen.gz")];
    let found = candidates.into_iter().find(|path| path.is_file());
    plain(cache, &found.ok_or_else(|| LabError::NoHypervisor { path: path.to_owned() })?)
}

/// QEMU's multiboot loader wants it unpacked.
fn plain(cache: &Cache, path: &Path) -> Result<PathBuf> {
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(path.to_owned());
    }
    let key = hash_file(path)?;
    let _held = cache.lock()?;
    cache.file("hypervisors", &key, |half| {
        let mut from = GzDecoder::new(File::open(path).map_err(LabError::file("open", path))?);
        let mut to = File::create(half).map_err(LabError::file("create", half))?;
        io::copy(&mut from, &mut to).map_err(LabError::file("unpack", path))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn named_directory_without_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(&dir.path().join("cache")).unwrap();
        assert!(matches!(named(&cache, dir.path()), Err(LabError::NoHypervisor { .. })));
        fs::write(dir.path().join("xen"), "plain").unwrap();
        assert_eq!(named(&cache, dir.path()).unwrap(), dir.path().join("xen"));
    }
}
