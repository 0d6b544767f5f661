//! Which shared libraries a program needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use goblin::elf::Elf;

use crate::error::{LabError, Result};

/// Where the packages of Debian's amd64 keep libraries.
pub(crate) const LIBRARY_DIRS: [&str; 3] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "lib64"];

/// The libraries that a program names, with its loader; none for what is not ELF or is static.
pub(crate) fn needed(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).map_err(LabError::file("read", path))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(Vec::new());
    }
    let elf = Elf::parse(&bytes).map_err(|cause| LabError::Elf { path: path.to_owned(), cause })?;
    let loader = elf.interpreter.and_then(|path| path.rsplit('/').next());
    Ok(elf.libraries.iter().copied().chain(loader).map(str::to_owned).collect())
}

/// Where a library is in a tree of unpacked packages.
pub(crate) fn find(tree: &Path, library: &str) -> Option<PathBuf> {
    LIBRARY_DIRS.iter().map(|dir| tree.join(dir).join(library)).find(|path| path.exists())
}

/// All libraries that programs need, and that those need in turn: name and file.
pub(crate) fn libraries(tree: &Path, programs: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open = programs.to_vec();
    while let Some(program) = open.pop() {
        for library in needed(&program)? {
            if found.contains_key(&library) {
                continue;
            }
            let path = find(tree, &library).ok_or_else(|| LabError::MissingLibrary {
                library: library.clone(),
                needed_by: program.clone(),
            })?;
            open.push(path.clone());
            found.insert(library, path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_this_test_names_libc_and_the_loader() {
        let needed = needed(&std::env::current_exe().unwrap()).unwrap();
        assert!(needed.iter().any(|library| library == "libc.so.6"), "{needed:?}");
        assert!(needed.iter().any(|library| library == "ld-linux-x86-64.so.2"), "{needed:?}");
    }

    #[test]
    fn needed_script_is_nothing_and_broken_elf_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(needed(&path).unwrap().is_empty());
        fs::write(&path, b"\x7fELF\x02\x01\x01").unwrap();
        assert!(matches!(needed(&path), Err(LabError::Elf { .. })));
    }

    #[test]
    fn libraries_absent_one_is_named_with_who_needs_it() {
        let dir = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let error = libraries(dir.path(), std::slice::from_ref(&program)).unwrap_err();
        assert!(matches!(error, LabError::MissingLibrary { needed_by, .. } if needed_by == program));
    }
}
