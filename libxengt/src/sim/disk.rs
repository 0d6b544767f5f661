//! Files of the simulated host: replaced in one rename, sparse where the real ones are large.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::SimError;

/// The most a text file of ours holds, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// Makes `dir` for this user alone. A directory that is there already must be this user's: in a shared
/// place like /tmp another user could have put it there to have us write through his links.
pub(super) fn make_private_dir(dir: &Path) -> Result<(), SimError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| SimError::io("make", dir, e))?;
    check_owner(dir)
}

/// That `dir` is this user's.
pub(super) fn check_owner(dir: &Path) -> Result<(), SimError> {
    let owner = fs::symlink_metadata(dir).map_err(|e| SimError::io("examine", dir, e))?.uid();
    let us =
        fs::metadata("/proc/self").map_err(|e| SimError::io("examine", Path::new("/proc/self"), e))?.uid();
    if owner == us { Ok(()) } else { Err(SimError::NotOurs { path: dir.to_owned(), owner }) }
}

/// Makes the directories of a simulated kernel file system.
pub(super) fn make_dirs(dir: &Path) -> Result<(), SimError> {
    fs::create_dir_all(dir).map_err(|e| SimError::io("make", dir, e))
}

/// Writes a small file with its directories; `mode` as the kernel gives it.
pub(super) fn write(path: &Path, mode: u32, content: &[u8]) -> Result<(), SimError> {
    if let Some(dir) = path.parent() {
        make_dirs(dir)?;
    }
    let open = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
        file.write_all(content)
    };
    open().map_err(|e| SimError::io("write", path, e))
}

/// Replaces a file in one step: a reader, or a crash, sees the old content or the new.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), SimError> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let staged = Path::new(&staged);
    let put = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(staged)?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(staged, path)
    };
    put().map_err(|e| SimError::io("replace", path, e))
}

/// Makes a file of `len` bytes that takes no room until it is written; opened for writing.
pub(super) fn sparse(path: &Path, len: u64) -> Result<File, SimError> {
    if let Some(dir) = path.parent() {
        make_dirs(dir)?;
    }
    let open = || {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.set_len(len)?;
        Ok(file)
    };
    open().map_err(|e| SimError::io("make", path, e))
}

/// Opens a file that exists for reading and writing.
pub(super) fn open_rw(path: &Path) -> Result<File, SimError> {
    OpenOptions::new().read(true).write(true).open(path).map_err(|e| SimError::io("open", path, e))
}

/// Reads a text file of ours.
pub(super) fn read_text(path: &Path) -> Result<String, SimError> {
    let bytes = read_bounded(path).map_err(|e| SimError::io("read", path, e))?;
    let problem = if u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_TEXT) {
        match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => error.to_string(),
        }
    } else {
        // A prefix would read as a smaller whole.
        format!("more than {MAX_TEXT} bytes")
    };
    Err(SimError::State { path: path.to_owned(), problem })
}

/// At most one byte more than a text file of ours holds.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    // Most files of ours fit: growing towards them costs a system call each time.
    let mut bytes = Vec::with_capacity(8192);
    File::open(path)?.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether both files are there and say the same.
pub(super) fn same_content(a: &Path, b: &Path) -> Result<bool, SimError> {
    match (read_bounded(a), read_bounded(b)) {
        (Ok(a), Ok(b)) => Ok(a == b),
        (Err(e), _) => Err(SimError::io("read", a, e)),
        (_, Err(e)) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        (_, Err(e)) => Err(SimError::io("read", b, e)),
    }
}

/// Removes a tree that may not be there.
pub(super) fn remove_tree(path: &Path) -> Result<(), SimError> {
    absent_is_fine(fs::remove_dir_all(path)).map_err(|e| SimError::io("remove", path, e))
}

/// Removes a file that may not be there.
pub(super) fn remove_file(path: &Path) -> Result<(), SimError> {
    absent_is_fine(fs::remove_file(path)).map_err(|e| SimError::io("remove", path, e))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
