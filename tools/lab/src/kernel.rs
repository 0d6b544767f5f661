//! Linux built from a source of the lock with our series: kernel and modules for dom0 and its guests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::build_script::{self, compiler, hash_of};
use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::lock::Lock;
use crate::progress::say;
use crate::{fetch, paths};

const SCRIPT: &[u8] = include_bytes!("../kernel/build.sh");

/// Steps that the script tells of, for the bar: one for each patch, and one for each 100 files.
const STEPS: u64 = 52;

/// That Linux: `boot/vmlinuz-RELEASE`, and below `lib/modules/RELEASE` all modules and what modprobe needs.
///
/// Built if the cache does not have it, which takes many minutes the first time, and few with another series.
pub(crate) fn built(cache: &Cache, lock: &Lock, series: &str) -> Result<PathBuf> {
    let root = paths::repository()?;
    let patches = root.join("kernel-patches").join(series);
    let config = root.join("tools/lab/kernel/config");
    let tarball = fetch::tarball(cache, lock, "linux", series)?;
    let base = base(&tarball, &config)?;
    let path = cache.store("kernel-builds")?.join(key(&base, &patches)?);
    // What is there needs no waiting for another build.
    if path.is_dir() {
        return Ok(path);
    }
    let _alone = cache.kernel_lock()?;
    if path.is_dir() {
        return Ok(path);
    }
    say(&format!("building Linux {series} with {}", patches.display()));
    // Source and objects stay for the next series: a change of it compiles a hundredth of all.
    let work = cache.store("kernel-work")?.join(&base);
    let out = work.join("out");
    if out.exists() {
        fs::remove_dir_all(&out).map_err(LabError::file("empty", &out))?;
    }
    fs::create_dir_all(&out).map_err(LabError::file("create", &out))?;
    build_script::run(&build_script::script("kernel"), &[&tarball, &patches, &config, &work, &out], STEPS)?;
    fs::rename(&out, &path).map_err(LabError::file("create", &path))?;
    Ok(path)
}

/// What is compiled, but for the series. The tarball is one of the cache, and so is named by its hash.
fn base(tarball: &Path, config: &Path) -> Result<String> {
    Ok(hash_parts([
        hash_of(tarball),
        &fs::read(config).map_err(LabError::file("read", config))?,
        compiler()?.as_bytes(),
    ]))
}

/// What a build is made from.
fn key(base: &str, patches: &Path) -> Result<String> {
    build_script::key([base.as_bytes(), SCRIPT], patches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_follows_source_and_configuration_and_key_the_series() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let base_of = |tarball: &str| base(Path::new(tarball), &dir.path().join("config")).unwrap();
        write("config", "CONFIG_XEN=y\n");
        let first = base_of("/debs/abc.tar.xz");
        assert_eq!(base_of("/elsewhere/abc.tar.xz"), first);
        assert_ne!(base_of("/debs/abd.tar.xz"), first);
        write("config", "CONFIG_XEN=n\n");
        assert_ne!(base_of("/debs/abc.tar.xz"), first);

        write("series", "# a remark\n1.patch\n");
        write("1.patch", "one");
        let one = key(&first, dir.path()).unwrap();
        write("1.patch", "two");
        assert_ne!(key(&first, dir.path()).unwrap(), one);
        write("series", "absent.patch\n");
        let error = key(&first, dir.path()).unwrap_err();
        assert!(error.to_string().contains("absent.patch"), "{error}");
    }

    #[test]
    fn each_series_has_a_source() {
        let lock = Lock::read(&paths::lock()).unwrap();
        let root = paths::repository().unwrap();
        for series in ["6.12", "6.18"] {
            assert!(lock.source("linux", series).is_ok());
            assert!(root.join("kernel-patches").join(series).join("series").is_file());
        }
    }
}
