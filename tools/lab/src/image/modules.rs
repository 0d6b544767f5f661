//! A kernel's modules, which lie in one directory in the images.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cpio::{Entry, Files};
use crate::error::{LabError, Result};
use crate::run;

/// Modules by the names of their files, and modprobe's files where a kernel was built with them.
#[derive(Debug)]
pub(super) struct Modules {
    release: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Modules {
    /// None yet of that kernel, whose file is named after its release.
    pub(super) fn new(kernel: &Path) -> Result<Self> {
        let name = kernel.file_name().and_then(|name| name.to_str());
        let release = name.and_then(|name| name.strip_prefix("vmlinuz-"));
        let missing = || LabError::MissingInput { path: kernel.display().to_string() };
        Ok(Self { release: release.ok_or_else(missing)?.to_owned(), files: BTreeMap::new() })
    }

    /// All of a kernel that was built.
    pub(super) fn of_build(linux: &Path, kernel: &Path) -> Result<Self> {
        let mut modules = Self::new(kernel)?;
        let directory = linux.join("lib/modules").join(&modules.release);
        for entry in fs::read_dir(&directory).map_err(LabError::file("read", &directory))? {
            let path = entry.map_err(LabError::file("read", &directory))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            modules.files.insert(name, fs::read(&path).map_err(LabError::file("read", &path))?);
        }
        Ok(modules)
    }

    /// Takes one of a package, named by its place below the kernel's directory.
    pub(super) fn take(&mut self, tree: &Path, module: &str) -> Result<()> {
        let from = tree.join(format!("lib/modules/{}/kernel/{module}.ko", self.release));
        let plain = module.rsplit('/').next().unwrap_or(module);
        self.files.insert(format!("{plain}.ko"), unpacked(&from)?);
        Ok(())
    }

    /// Puts them where modprobe and insmod are told to look.
    pub(super) fn add_to(&self, files: &mut Files) {
        for (name, bytes) in &self.files {
            files.add(&format!("lib/modules/{}/{name}", self.release), Entry::File(bytes.clone()));
        }
    }
}

/// A module, unpacked where its package has it packed: emulation is slow, and the image is packed as a whole.
fn unpacked(module: &Path) -> Result<Vec<u8>> {
    let packed: PathBuf = module.with_extension("ko.xz");
    if !packed.is_file() {
        return fs::read(module).map_err(LabError::file("read", module));
    }
    run::bytes(run::command("xz").arg("--decompress").arg("--stdout").arg(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_build_takes_all_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("lib/modules/6.12.1-xengt");
        fs::create_dir_all(&directory).unwrap();
        for name in ["modules.dep", "i915.ko", "kvm.ko"] {
            fs::write(directory.join(name), name).unwrap();
        }
        let all = Modules::of_build(dir.path(), Path::new("/boot/vmlinuz-6.12.1-xengt")).unwrap();
        assert_eq!(all.files.keys().collect::<Vec<_>>(), ["i915.ko", "kvm.ko", "modules.dep"]);
    }

    #[test]
    fn new_kernel_without_a_release_is_refused() {
        assert!(Modules::new(Path::new("/boot/bzImage")).is_err());
    }
}
