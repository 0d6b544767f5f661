//! Xen built from a source of the lock with a series of patches, and the packages' tree with that in their places.

use std::path::{Path, PathBuf};

use crate::build_script::{self, Build, compiler, hash_of};
use crate::c_library;
use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::fetch;
use crate::lock::Lock;
use crate::paths;
use crate::run;

const SCRIPT: &[u8] = include_bytes!("../xen/build.sh");

/// Steps that the script tells of, for the bar.
const STEPS: u64 = 22;

/// The series of "4.17-xengt", which names a Xen of that series with our patches.
pub(crate) fn patched_series(name: &Path) -> Option<&str> {
    let series = name.to_str()?.strip_suffix("-xengt")?;
    let numbers: Vec<_> = series.split('.').collect();
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (numbers.len() == 2 && numbers.iter().all(digits)).then_some(series)
}

/// Our patches.
pub(crate) fn our_patches() -> Result<PathBuf> {
    Ok(paths::repository()?.join("xen-patches"))
}

/// Xen of that series with the patches of a directory: what was built, at the places that the packages have.
///
/// Built if the cache does not have it, which takes minutes.
pub(crate) fn built(cache: &Cache, lock: &Lock, series: &str, patches: &Path) -> Result<PathBuf> {
    // Not of the key: what was linked with an older one runs as well.
    c_library::fits(lock)?;
    let source = fetch::source(cache, lock, "xen", series)?;
    // The script works elsewhere.
    let patches = patches.canonicalize().map_err(LabError::file("find", patches))?;
    let key = build_script::key([hash_of(&source), SCRIPT, compiler()?.as_bytes()], &patches)?;
    let (source, patches) = (source.as_path(), patches.as_path());
    Build { name: "xen", what: format!("Xen {series}"), source, patches, key, steps: STEPS }.results(cache)
}

/// The packages' tree, with a built Xen in their places.
pub(crate) fn tree(cache: &Cache, packages: &Path, built: &Path) -> Result<PathBuf> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (Some(below), Some(above)) = (name(packages), name(built)) else {
        return Err(LabError::NoHypervisor { path: built.to_owned() });
    };
    let _held = cache.lock()?;
    let key = hash_parts([below.as_bytes(), above.as_bytes()]);
    cache.directory("trees", &key, |half| {
        // Links, as a copy would be 500 MB; what is replaced is removed first, so that no package changes.
        for (from, how) in [(packages, "-al"), (built, "-a")] {
            let mut copy = run::command("cp");
            copy.args([how, "--remove-destination", "-T"]).arg(from).arg(half);
            run::stdout(&mut copy)?;
        }
        Ok(())
    })
}

/// Whether a directory is what [`built`] gives, such as one of other patches.
pub(crate) fn is_built(dir: &Path) -> bool {
    dir.join("boot/xen-4.17-amd64.gz").is_file() && dir.join("usr/lib/xen-4.17/bin/xl").is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn patched_series_is_two_numbers_and_our_name() {
        assert_eq!(patched_series(Path::new("4.17-xengt")), Some("4.17"));
        for other in ["stock", "4.17", "4.17.5-xengt", "4-xengt", "4.-xengt", "./4.17-xengt", "-xengt"] {
            assert_eq!(patched_series(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn tree_takes_what_was_built_and_changes_no_package() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(&dir.path().join("cache")).unwrap();
        let (packages, built) = (cache.store("trees").unwrap().join("packages"), dir.path().join("built"));
        for (root, files) in [(&packages, ["xl", "qemu"]), (&built, ["xl", "test-get-mfn"])] {
            fs::create_dir_all(root.join("bin")).unwrap();
            for file in files {
                let text = root.file_name().unwrap().as_encoded_bytes();
                fs::write(root.join("bin").join(file), text).unwrap();
            }
        }
        let merged = tree(&cache, &packages, &built).unwrap();
        let read = |root: &Path, file: &str| fs::read_to_string(root.join("bin").join(file)).unwrap();
        assert_eq!(read(&merged, "xl"), "built");
        assert_eq!(read(&merged, "test-get-mfn"), "built");
        assert_eq!(read(&merged, "qemu"), "packages");
        assert_eq!(read(&packages, "xl"), "packages");
    }

    #[test]
    fn run_script_that_fails_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let [source, patches, work, out] = ["source", "patches", "work", "out"].map(|name| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        fs::write(source.join("file"), "a\n").unwrap();
        fs::write(patches.join("series"), "1.patch\n").unwrap();
        fs::write(patches.join("1.patch"), "--- a/file\n+++ b/file\n@@ -1 +1 @@\n-b\n+c\n").unwrap();
        let error = build_script::run(&build_script::script("xen"), &[&source, &patches, &work, &out], STEPS)
            .unwrap_err()
            .to_string();
        // A machine that cannot build Xen at all says that instead.
        assert!(error.contains("FAILED") || error.contains("apt-get install"), "{error}");
    }
}
