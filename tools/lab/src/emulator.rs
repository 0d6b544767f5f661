//! QEMU built from a source of the lock with our patches: it has the client that the GPU model needs, and runs a guest's
//! programs without losing them.

use std::path::PathBuf;

use crate::build_script::{self, Build, compiler, hash_of};
use crate::cache::Cache;
use crate::error::Result;
use crate::lock::Lock;
use crate::{fetch, paths};

/// The first two numbers of its version.
const SERIES: &str = "10.2";

const SCRIPT: &[u8] = include_bytes!("../qemu/build.sh");
const REQUIREMENTS: &[u8] = include_bytes!("../qemu/python-requirements");

/// Steps that the script tells of, for the bar.
const STEPS: u64 = 7;

/// The program. Built if the cache does not have it, which takes minutes.
pub(crate) fn built(cache: &Cache, lock: &Lock) -> Result<PathBuf> {
    let source = fetch::source(cache, lock, "qemu", SERIES)?;
    let patches = paths::repository()?.join("qemu-patches");
    let key = build_script::key([hash_of(&source), SCRIPT, REQUIREMENTS, compiler()?.as_bytes()], &patches)?;
    let what = format!("QEMU {SERIES}");
    let build = Build { name: "qemu", what, source: &source, patches: &patches, key, steps: STEPS };
    Ok(build.results(cache)?.join("qemu-system-x86_64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_has_the_source() {
        let lock = Lock::read(&paths::lock()).unwrap();
        assert!(lock.source("qemu", SERIES).is_ok());
    }
}
