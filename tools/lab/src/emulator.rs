//! QEMU built from a source of the lock with our patches: it has the client that the GPU model needs, and runs a guest's
//! programs without losing them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::lock::Lock;
use crate::progress::say;
use crate::{build_script, fetch, paths, run};

/// The first two numbers of its version.
const SERIES: &str = "10.2";

const SCRIPT: &str = include_str!("../qemu/build.sh");
const REQUIREMENTS: &str = include_str!("../qemu/python-requirements");

/// Steps that the script tells of, for the bar.
const STEPS: u64 = 7;

/// The program. Built if the cache does not have it, which takes minutes.
pub(crate) fn built(cache: &Cache, lock: &Lock) -> Result<PathBuf> {
    let source = fetch::source(cache, lock, "qemu", SERIES)?;
    let patches = paths::repository()?.join("qemu-patches");
    let key = key(&source, &patches)?;
    let path = cache.store("qemu-builds")?.join(&key);
    let program = path.join("qemu-system-x86_64");
    // What is there needs no waiting for another build, which takes minutes.
    if program.is_file() {
        return Ok(program);
    }
    let _alone = cache.build_lock()?;
    if program.is_file() {
        return Ok(program);
    }
    say(&format!("building QEMU {SERIES} with {}", patches.display()));
    let work = cache.store("qemu-work")?.join(&key);
    if work.exists() {
        fs::remove_dir_all(&work).map_err(LabError::file("empty", &work))?;
    }
    let (tree, out) = (work.join("tree"), work.join("out"));
    for dir in [&tree, &out] {
        fs::create_dir_all(dir).map_err(LabError::file("create", dir))?;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("qemu/build.sh");
    let result = build_script::run(&script, &[&source, &patches, &tree, &out], STEPS);
    if result.is_ok() {
        fs::rename(&out, &path).map_err(LabError::file("create", &path))?;
    }
    fs::remove_dir_all(&work).map_err(LabError::file("remove", &work))?;
    result.map(|()| program)
}

/// What a build is made from. The source is one of the cache, and so is named by its hash.
fn key(source: &Path, patches: &Path) -> Result<String> {
    let read = |path: &Path| fs::read(path).map_err(LabError::file("read", path));
    let compiler = run::stdout(run::command("gcc").arg("--version"))?;
    let mut parts = vec![
        source.file_name().unwrap_or_default().as_encoded_bytes().to_vec(),
        SCRIPT.as_bytes().to_vec(),
        REQUIREMENTS.as_bytes().to_vec(),
        compiler.lines().next().unwrap_or_default().as_bytes().to_vec(),
    ];
    let order = read(&patches.join("series"))?;
    for patch in String::from_utf8_lossy(&order).lines().filter(|line| !line.is_empty()) {
        if !patch.starts_with('#') {
            parts.push(patch.as_bytes().to_vec());
            parts.push(read(&patches.join(patch))?);
        }
    }
    Ok(hash_parts(parts.iter().map(Vec::as_slice)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_follows_the_source_and_the_text_of_each_patch() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("series", "# a remark\n1.patch\n");
        write("1.patch", "one");
        let first = key(Path::new("/sources/abc"), dir.path()).unwrap();
        assert_ne!(key(Path::new("/sources/abd"), dir.path()).unwrap(), first);
        write("1.patch", "two");
        assert_ne!(key(Path::new("/sources/abc"), dir.path()).unwrap(), first);
        write("series", "absent.patch\n");
        let error = key(Path::new("/sources/abc"), dir.path()).unwrap_err();
        assert!(error.to_string().contains("absent.patch"), "{error}");
    }

    #[test]
    fn the_lock_has_the_source() {
        let lock = Lock::read(&paths::lock()).unwrap();
        assert!(lock.source("qemu", SERIES).is_ok());
    }
}
