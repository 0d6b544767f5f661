//! The images: dom0's initramfs, and in it that of the guests. Built from the tree that `fetch` unpacked.

mod dom0;
mod guest;
mod modules;
mod programs;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, hash_parts};
use crate::cli::Gpu;
use crate::cpio::{Entry, Files};
use crate::error::{LabError, Result};
use crate::progress::Progress;

use modules::Modules;

pub(crate) use dom0::PROGRAMS;

/// What a machine of the lab starts from.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub(crate) kernel: PathBuf,
    pub(crate) hypervisor: PathBuf,
    pub(crate) initramfs: PathBuf,
}

/// Builds what the cache does not have yet. Where there is a GPU, kernel and image have a driver for it.
///
/// `linux` is what [`crate::kernel::built`] gives, for dom0 in place of the packages' kernel. Guests always run the
/// packages' one: nothing of theirs is ours.
pub(crate) fn build(cache: &Cache, tree: &Path, gpu: Gpu, linux: Option<&Path>) -> Result<Images> {
    let progress = Progress::new("image", 3);
    progress.note("our programs");
    let programs = programs::build()?;
    progress.add(1);
    progress.note("files of dom0");
    let series = if gpu == Gpu::None { "vmlinuz-6.1." } else { "vmlinuz-6.12." };
    let stock = find_one(tree, "boot", series)?;
    let kernel = linux.map_or(Ok(stock.clone()), |linux| find_one(linux, "boot", "vmlinuz-"))?;
    let modules = match linux {
        Some(linux) => Modules::of_build(linux, &kernel)?,
        None => dom0::modules(tree, &kernel, gpu)?,
    };
    let files = dom0::files(tree, &modules, &programs, gpu, &stock)?;
    progress.add(1);
    progress.note("initramfs of dom0");
    let initramfs = packed(cache, &files)?;
    let hypervisor = crate::hypervisor::stock(cache, tree)?;
    progress.add(1);
    Ok(Images { kernel, hypervisor, initramfs })
}

/// The packed archive of files, from the cache if it was packed before.
fn packed(cache: &Cache, files: &Files) -> Result<PathBuf> {
    let modes: Vec<_> = files.iter().map(|(_, entry)| entry.mode().to_le_bytes()).collect();
    let key = hash_parts(
        files
            .iter()
            .zip(&modes)
            .flat_map(|((path, entry), mode)| [path.as_bytes(), mode.as_slice(), entry.data()]),
    );
    let _held = cache.lock()?;
    cache.file("images", &format!("{key}.cpio.gz"), |half| {
        fs::write(half, files.gzip()?).map_err(LabError::file("write", half))
    })
}

/// The only file of a directory whose name starts so.
fn find_one(tree: &Path, dir: &str, start: &str) -> Result<PathBuf> {
    let path = tree.join(dir);
    let missing = || LabError::MissingInput { path: format!("{dir}/{start}*") };
    let mut found = None;
    for entry in fs::read_dir(&path).map_err(LabError::file("read", &path))? {
        let entry = entry.map_err(LabError::file("read", &path))?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(start)) {
            found = Some(entry.path());
        }
    }
    found.ok_or_else(missing)
}

fn read(tree: &Path, path: &str) -> Result<Vec<u8>> {
    let full = tree.join(path);
    if !full.exists() {
        return Err(LabError::MissingInput { path: path.to_owned() });
    }
    fs::read(&full).map_err(LabError::file("read", &full))
}

fn program(tree: &Path, path: &str) -> Result<Entry> {
    Ok(Entry::Program(read(tree, path)?))
}

fn file(tree: &Path, path: &str) -> Result<Entry> {
    Ok(Entry::File(read(tree, path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_same_files_is_one_image_and_a_changed_mode_another() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path()).unwrap();
        let (mut one, mut two) = (Files::default(), Files::default());
        one.add("init", Entry::Program(b"x".to_vec()));
        two.add("init", Entry::File(b"x".to_vec()));
        let first = packed(&cache, &one).unwrap();
        assert_eq!(packed(&cache, &one).unwrap(), first);
        assert_ne!(packed(&cache, &two).unwrap(), first);
    }

    #[test]
    fn find_one_absent_names_what_was_sought() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("boot")).unwrap();
        let error = find_one(dir.path(), "boot", "vmlinuz-").unwrap_err();
        assert!(error.to_string().contains("boot/vmlinuz-*"), "{error}");
    }
}
