//! A simulated guest's memory: a sparse file, read by copies.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::super::SimError;
use super::layout::{BALLOONED, VGA_HOLE};
use crate::addr::{Gfn, Gpa, PAGE_SIZE};
use crate::memory::{GuestMemory, MemoryError, MemoryErrorReason, page_parts};

/// A file that plays a guest's memory.
#[derive(Debug)]
pub struct FileMemory {
    file: File,
    len: u64,
}

impl FileMemory {
    /// Opens the memory in `path`.
    ///
    /// # Errors
    /// [`SimError`] if it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, SimError> {
        let open = || {
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            Ok((file, len))
        };
        let (file, len) = open().map_err(|e| SimError::io("open", path, e))?;
        Ok(Self { file, len })
    }

    fn read_part(&self, at: Gpa, out: &mut [u8]) -> Result<(), MemoryError> {
        let fail = |reason| MemoryError { at: at.get(), len: out.len(), reason };
        if at.get() >= self.len / PAGE_SIZE * PAGE_SIZE {
            return Err(fail(MemoryErrorReason::Beyond));
        }
        if is_hole(at.frame()) {
            return Err(fail(MemoryErrorReason::Hole));
        }
        self.file.read_exact_at(out, at.get()).map_err(|error: io::Error| MemoryError {
            at: at.get(),
            len: out.len(),
            reason: error.raw_os_error().map_or(MemoryErrorReason::Beyond, MemoryErrorReason::Os),
        })
    }
}

/// Whether nothing is behind a frame of every simulated guest.
pub(super) fn is_hole(gfn: Gfn) -> bool {
    [VGA_HOLE, BALLOONED].iter().any(|(first, end)| *first <= gfn && gfn < *end)
}

impl GuestMemory for FileMemory {
    type Addr = Gpa;

    fn read_u64(&self, at: Gpa) -> Result<u64, MemoryError> {
        let mut word = [0; 8];
        if !at.is_aligned(8) {
            return Err(MemoryError { at: at.get(), len: 8, reason: MemoryErrorReason::Os(libc::EINVAL) });
        }
        self.read_part(at, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn read(&self, at: Gpa, out: &mut [u8]) -> Result<(), MemoryError> {
        let mut rest = out;
        let mut parts = page_parts(at, rest.len());
        while !rest.is_empty() {
            let beyond = MemoryError { at: at.get(), len: rest.len(), reason: MemoryErrorReason::Beyond };
            let (part_at, len) = parts.next().ok_or(beyond)?;
            let (part, after) = rest.split_at_mut_checked(len).ok_or(beyond)?;
            self.read_part(part_at, part)?;
            rest = after;
        }
        Ok(())
    }
}
