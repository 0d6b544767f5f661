//! The global GTT's storage: a file, so that a client may map it.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use libxengt::addr::{HostGma, Maddr, PAGE_SIZE};
use libxengt::bar::GGTT_OFFSET;
use libxengt::gtt::{Ggtt, GgttSource, gen9};
use libxengt::memory::{MemoryError, MemoryErrorReason};
use rustix::fs::{MemfdFlags, SealFlags};
use vm_memory::{FileOffset, MmapRegion, VolatileMemory};

use crate::bits::index;

/// Size of the table in bytes: 2^20 entries, for 4 GiB of graphics addresses.
pub const GTT_BYTES: u64 = 8 << 20;
/// Size of BAR 0, and of the file: the table is the upper half.
pub const BAR0_BYTES: u64 = GGTT_OFFSET + GTT_BYTES;

/// The table and the file it lies in, at the same offset as in BAR 0.
#[derive(Debug)]
pub struct GlobalGtt {
    file: File,
    map: MmapRegion,
}

impl GlobalGtt {
    /// An empty table.
    ///
    /// # Errors
    /// What the system answers if it has no memory for the file or the map.
    pub fn new() -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(rustix::fs::memfd_create("igd-model-gtt", flags)?);
        file.set_len(BAR0_BYTES)?;
        // A client that cut the file short would end this process by a bus error.
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let map = MmapRegion::from_file(FileOffset::new(file.try_clone()?, GGTT_OFFSET), index(GTT_BYTES))
            .map_err(io::Error::other)?;
        Ok(Self { file, map })
    }

    /// The file, for the client.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Where a graphics address leads, as the library walks it.
    #[must_use]
    #[inline]
    pub fn translate(&self, gma: HostGma) -> Option<Maddr> {
        let table = Ggtt::<HostGma, _>::new(self, gen9::MMU);
        Some(table.translate(gma).ok()?.addr)
    }

    /// The entries that are not 0, one a line: graphics address and entry, as they are and not as anybody reads them.
    #[must_use]
    pub fn report(&self) -> String {
        let mut report = String::new();
        for entry in 0..self.entries() {
            if let Ok(value @ 1..) = self.read_pte(entry) {
                // Writing to a string cannot fail.
                let _ = writeln!(report, "{:#x} {value:#x}", u64::from(entry) * PAGE_SIZE);
            }
        }
        report
    }

    /// Writes the entry for a graphics address in one step and returns what was there; `None` where the table has none.
    pub fn replace(&self, gma: HostGma, entry: u64) -> Option<u64> {
        let slot = self.map.get_atomic_ref::<AtomicU64>(index(gma.get() / PAGE_SIZE * 8)).ok()?;
        Some(u64::from_le(slot.swap(entry.to_le(), Ordering::SeqCst)))
    }

    /// Reads bytes of the table; those outside it are zero.
    pub fn read(&self, offset: u64, out: &mut [u8]) {
        out.fill(0);
        if let Ok(bytes) = self.map.get_slice(index(offset), out.len()) {
            bytes.copy_to(out);
        }
    }

    /// Writes bytes of the table; those outside it go nowhere.
    pub fn write(&self, offset: u64, data: &[u8]) {
        let (start, whole) = (index(offset), data.len() == 8 && offset.is_multiple_of(8));
        if let Some(entry) = whole.then(|| data.first_chunk()).flatten()
            && let Ok(slot) = self.map.get_atomic_ref::<AtomicU64>(start)
        {
            slot.store(u64::from_le_bytes(*entry).to_le(), Ordering::SeqCst);
        } else if let Ok(bytes) = self.map.get_slice(start, data.len()) {
            bytes.copy_from(data);
        }
    }
}

impl GgttSource for GlobalGtt {
    fn entries(&self) -> u32 {
        1 << 20
    }

    #[inline]
    fn read_pte(&self, entry: u32) -> Result<u64, MemoryError> {
        let beyond = MemoryError { at: u64::from(entry) * 8, len: 8, reason: MemoryErrorReason::Beyond };
        let slot = self.map.get_atomic_ref::<AtomicU64>(index(beyond.at)).map_err(|_| beyond)?;
        Ok(u64::from_le(slot.load(Ordering::Acquire)))
    }
}

#[cfg(test)]
mod tests {
    use libxengt::addr::{HostGma, Maddr};

    use super::{GTT_BYTES, GlobalGtt};

    #[test]
    fn a_client_cannot_change_the_files_length() {
        let gtt = GlobalGtt::new().unwrap();
        for length in [0, super::BAR0_BYTES - 1, super::BAR0_BYTES + 1] {
            assert_eq!(rustix::fs::ftruncate(gtt.fd(), length), Err(rustix::io::Errno::PERM), "{length:#x}");
        }
        gtt.write(0, &[1]);
    }

    #[test]
    fn entries_written_as_bytes_translate_and_the_ends_hold() {
        let gtt = GlobalGtt::new().unwrap();
        gtt.write(8, &0x1234_5001_u64.to_le_bytes());
        assert_eq!(gtt.translate(HostGma::new(0x1abc)), Some(Maddr::new(0x1234_5abc)));
        assert_eq!(gtt.translate(HostGma::new(0x2000)), None);
        gtt.write(GTT_BYTES - 8, &0x7001_u64.to_le_bytes());
        assert_eq!(gtt.translate(HostGma::MAX), Some(Maddr::new(0x7fff)));
        gtt.write(GTT_BYTES - 4, &[0xff; 8]);
        assert_eq!(
            gtt.translate(HostGma::MAX),
            Some(Maddr::new(0x7fff)),
            "a write past the end does nothing"
        );
        assert_eq!(gtt.replace(HostGma::MAX, 0x8001), Some(0x7001));
        assert_eq!(gtt.replace(HostGma::MAX, 0x7001), Some(0x8001));
        gtt.write(12, &1_u32.to_le_bytes());
        let mut out = [0; 8];
        gtt.read(8, &mut out);
        assert_eq!(u64::from_le_bytes(out), 0x1_1234_5001);
        gtt.read(GTT_BYTES, &mut out);
        assert_eq!(out, [0; 8]);
    }
}
