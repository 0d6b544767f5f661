//! The cache: every entry is named by the hash of what it was made from, and appears whole or not at all.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::error::{LabError, Result};

/// The lab's directory in the user's cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$XDG_CACHE_HOME/xengt/lab`, or the same under `~/.cache`.
    pub(crate) fn open() -> Result<Self> {
        let home = || env::home_dir().unwrap_or_else(|| "/".into()).join(".cache");
        let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        Self::at(&base.unwrap_or_else(home).join("xengt/lab"))
    }

    /// A cache in the given directory.
    pub(crate) fn at(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(LabError::file("create", root))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The directory of one kind of entries, made if it is not there.
    pub(crate) fn store(&self, kind: &str) -> Result<PathBuf> {
        let path = self.root.join(kind);
        fs::create_dir_all(&path).map_err(LabError::file("create", &path))?;
        Ok(path)
    }

    /// A directory on the cache's own disk that vanishes when dropped.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        let store = self.store("scratch")?;
        tempfile::Builder::new()
            .prefix("lab-")
            .tempdir_in(&store)
            .map_err(LabError::file("create a directory in", &store))
    }

    /// Held while the cache is filled: another lab waits here and then finds the work done.
    ///
    /// Only its holder uses scratch directories, so what is there now was left by a lab that was killed.
    pub(crate) fn lock(&self) -> Result<File> {
        let file = self.locked("lock")?;
        let scratch = self.store("scratch")?;
        fs::remove_dir_all(&scratch).map_err(LabError::file("empty", &scratch))?;
        Ok(file)
    }

    /// Held while something is built that takes minutes, and does so elsewhere than in scratch directories.
    pub(crate) fn build_lock(&self) -> Result<File> {
        self.locked("build-lock")
    }

    /// The same for what takes so long that the others do not wait for it.
    pub(crate) fn kernel_lock(&self) -> Result<File> {
        self.locked("kernel-lock")
    }

    /// The cache's file `name`, which nobody else holds until it is dropped.
    fn locked(&self, name: &str) -> Result<File> {
        let path = self.root.join(name);
        let file = File::create(&path).map_err(LabError::file("create", &path))?;
        file.lock().map_err(LabError::file("lock", &path))?;
        Ok(file)
    }

    /// The directory `kind/key`. If it is not there, `fill` makes it under another name first.
    pub(crate) fn directory(
        &self,
        kind: &str,
        key: &str,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.store(kind)?.join(key);
        if !path.is_dir() {
            let scratch = self.scratch()?;
            let half = scratch.path().join(key);
            fs::create_dir(&half).map_err(LabError::file("create", &half))?;
            fill(&half)?;
            fs::rename(&half, &path).map_err(LabError::file("create", &path))?;
        }
        Ok(path)
    }

    /// The file `kind/key`. If it is not there, `fill` makes it under another name first.
    pub(crate) fn file(
        &self,
        kind: &str,
        key: &str,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.store(kind)?.join(key);
        if !path.is_file() {
            let scratch = self.scratch()?;
            let half = scratch.path().join("half");
            fill(&half)?;
            fs::rename(&half, &path).map_err(LabError::file("create", &path))?;
        }
        Ok(path)
    }
}

/// The sha256 of a file, in hex.
pub(crate) fn hash_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(LabError::file("open", path))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(length) => hash.update(block.get(..length).unwrap_or_default()),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(LabError::file("read", path)(cause)),
        }
    }
}

/// The sha256 of parts, each with its length: no two lists of parts run into each other.
pub(crate) fn hash_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_parts_moved_boundary_differs() {
        assert_ne!(hash_parts([&b"ab"[..], b"c"]), hash_parts([&b"a"[..], b"bc"]));
    }

    #[test]
    fn hash_file_known_text_is_its_sha256() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "abc").unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_file(&path).unwrap(), known);
    }

    #[test]
    fn file_failed_fill_leaves_no_entry() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let failed = cache.file("images", "key", |half| {
            fs::write(half, "half").unwrap();
            Err(LabError::Interrupted)
        });
        assert!(failed.is_err());
        assert!(!dir.path().join("images/key").exists());
        assert_eq!(fs::read_dir(dir.path().join("scratch")).unwrap().count(), 0);
    }

    #[test]
    fn file_and_directory_full_disk_is_told_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        // What is written there meets a disk that is full, and nothing of it is kept.
        let fill = |path: &Path| {
            std::os::unix::fs::symlink("/dev/full", path).map_err(LabError::file("create", path))?;
            fs::write(path, "more than there is room for").map_err(LabError::file("write", path))
        };
        let failed = [
            cache.file("images", "key", fill),
            cache.directory("trees", "key", |half| {
                fs::write(half.join("whole"), "").map_err(LabError::file("write", half))?;
                fill(&half.join("half"))
            }),
        ];
        for result in failed {
            let error = result.unwrap_err();
            assert!(matches!(&error, LabError::File { action: "write", .. }), "{error}");
            assert!(error.hint().unwrap().starts_with("the disk is full"), "{error}");
        }
        for kind in ["images", "trees", "scratch"] {
            assert_eq!(fs::read_dir(dir.path().join(kind)).unwrap().count(), 0, "{kind}");
        }
    }

    #[test]
    fn lock_what_a_killed_lab_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let left = cache.scratch().unwrap().keep();
        let _held = cache.lock().unwrap();
        assert!(!left.exists());
        assert!(cache.scratch().is_ok());
    }

    #[test]
    fn directory_second_time_is_not_filled() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let made = cache.directory("trees", "key", |half| {
            fs::write(half.join("file"), "whole").unwrap();
            Ok(())
        });
        let found = cache.directory("trees", "key", |_| Err(LabError::Interrupted));
        assert_eq!(made.unwrap(), found.unwrap());
    }
}
