//! Where things are in the repository that this program was built from.

use std::env;
use std::path::{self, Path, PathBuf};

use crate::error::{LabError, Result};

/// The repository.
pub(crate) fn repository() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    path.canonicalize().map_err(LabError::file("find", &path))
}

/// The lock file.
pub(crate) fn lock() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lab.lock")
}

/// Where builds and logs go.
pub(crate) fn target(repository: &Path) -> PathBuf {
    let named = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).and_then(|path| path::absolute(path).ok());
    named.unwrap_or_else(|| repository.join("target"))
}
