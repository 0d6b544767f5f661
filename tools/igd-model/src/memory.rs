//! The memory that the GPU can reach: what the client mapped for DMA, at its bus addresses.
//!
//! The client's files are hostile: a map is made only of what the file has, and every access is checked
//! against the maps. (A client that cuts its file short afterwards ends this process by a bus error; it
//! serves that one client only.)
#![forbid(unsafe_code)]

use std::fs::File;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use libxengt::addr::{Maddr, PAGE_SIZE};
use libxengt::memory::{GuestMemory, MemoryError, MemoryErrorReason};
use vm_memory::{FileOffset, MmapRegion, VolatileMemory};

use crate::bits::{index, length};

/// How many maps one client may have at once: QEMU has a few dozen.
pub const MAX_MAPS: usize = 1024;

/// A map that was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The range is empty, not whole pages, or wraps.
    #[error("{size:#x} bytes at {iova:#x} are not whole pages of the bus's space")]
    Range {
        /// First bus address.
        iova: u64,
        /// Bytes.
        size: u64,
    },
    /// Part of it is mapped already.
    #[error("{size:#x} bytes at {iova:#x} overlap a map that exists")]
    Overlap {
        /// First bus address.
        iova: u64,
        /// Bytes.
        size: u64,
    },
    /// The file is shorter than the map.
    #[error("the file has {found:#x} bytes, the map needs {expected:#x}")]
    Truncated {
        /// The file's length in bytes.
        found: u64,
        /// Where the map ends in the file.
        expected: u64,
    },
    /// There are [`MAX_MAPS`] already.
    #[error("there are {MAX_MAPS} maps already")]
    TooMany,
    /// The system refused to map it.
    #[error("cannot map the client's file: {0}")]
    Map(String),
}

#[derive(Debug)]
struct Region {
    start: u64,
    size: u64,
    writable: bool,
    map: MmapRegion,
}

impl Region {
    fn end(&self) -> u64 {
        self.start + self.size
    }
}

/// What the client mapped, in ascending order.
#[derive(Debug, Default)]
pub struct Memory {
    regions: Vec<Region>,
}

impl Memory {
    /// Maps `size` bytes of `file` from `offset` on at the bus address `iova`.
    ///
    /// # Errors
    /// [`MapError`].
    pub fn map(
        &mut self,
        iova: u64,
        size: u64,
        file: File,
        offset: u64,
        writable: bool,
    ) -> Result<(), MapError> {
        let range = || MapError::Range { iova, size };
        let aligned = [iova, size, offset].iter().all(|n| n.is_multiple_of(PAGE_SIZE));
        let end = iova.checked_add(size).filter(|_| aligned && size > 0).ok_or_else(range)?;
        if self.regions.len() >= MAX_MAPS {
            return Err(MapError::TooMany);
        }
        let at = self.regions.partition_point(|region| region.start < iova);
        let before = at.checked_sub(1).and_then(|before| self.regions.get(before));
        let after = self.regions.get(at);
        if before.is_some_and(|region| region.end() > iova) || after.is_some_and(|region| region.start < end)
        {
            return Err(MapError::Overlap { iova, size });
        }
        let found = file.metadata().map_err(|error| MapError::Map(error.to_string()))?.len();
        let expected = offset.checked_add(size).ok_or_else(range)?;
        if expected > found {
            return Err(MapError::Truncated { found, expected });
        }
        let map = MmapRegion::from_file(FileOffset::new(file, offset), index(size))
            .map_err(|error| MapError::Map(error.to_string()))?;
        self.regions.insert(at, Region { start: iova, size, writable, map });
        Ok(())
    }

    /// Removes the maps that lie wholly in the `size` bytes at `iova`.
    pub fn unmap(&mut self, iova: u64, size: u64) {
        let end = iova.saturating_add(size);
        self.regions.retain(|region| region.start < iova || region.end() > end);
    }

    /// Removes every map.
    pub fn clear(&mut self) {
        self.regions.clear();
    }

    /// How many maps there are.
    #[must_use]
    pub fn maps(&self) -> usize {
        self.regions.len()
    }

    fn find(&self, at: Maddr, len: usize) -> Option<(&Region, usize)> {
        let at = at.get();
        let after = self.regions.partition_point(|region| region.start <= at);
        let region = self.regions.get(after.checked_sub(1)?)?;
        let offset = at - region.start;
        (offset.checked_add(length(len))? <= region.size).then(|| (region, index(offset)))
    }

    fn writable(&self, at: Maddr, len: usize) -> Option<(&Region, usize)> {
        self.find(at, len).filter(|(region, _)| region.writable)
    }

    /// The 32-bit word at `at`, a multiple of 4, in one access.
    #[must_use]
    pub fn read_u32(&self, at: Maddr) -> Option<u32> {
        let (region, offset) = self.find(at, 4)?;
        Some(u32::from_le(region.map.get_atomic_ref::<AtomicU32>(offset).ok()?.load(Ordering::Acquire)))
    }

    /// Writes the 32-bit word at `at`, a multiple of 4, in one access, after everything written before.
    #[must_use]
    pub fn write_u32(&self, at: Maddr, value: u32) -> Option<()> {
        let (region, offset) = self.writable(at, 4)?;
        region.map.get_atomic_ref::<AtomicU32>(offset).ok()?.store(value.to_le(), Ordering::SeqCst);
        Some(())
    }

    /// Writes the 64-bit word at `at`, a multiple of 8, in one access, after everything written before.
    #[must_use]
    pub fn write_u64(&self, at: Maddr, value: u64) -> Option<()> {
        let (region, offset) = self.writable(at, 8)?;
        region.map.get_atomic_ref::<AtomicU64>(offset).ok()?.store(value.to_le(), Ordering::SeqCst);
        Some(())
    }

    /// Copies `data` to `at`.
    #[must_use]
    pub fn write(&self, at: Maddr, data: &[u8]) -> Option<()> {
        let (region, offset) = self.writable(at, data.len())?;
        region.map.get_slice(offset, data.len()).ok()?.copy_from(data);
        Some(())
    }
}

impl GuestMemory for Memory {
    type Addr = Maddr;

    fn read_u64(&self, at: Maddr) -> Result<u64, MemoryError> {
        let hole = MemoryError { at: at.get(), len: 8, reason: MemoryErrorReason::Hole };
        let (region, offset) = self.find(at, 8).ok_or(hole)?;
        let word = region.map.get_atomic_ref::<AtomicU64>(offset).map_err(|_| hole)?;
        Ok(u64::from_le(word.load(Ordering::Acquire)))
    }

    fn read(&self, at: Maddr, out: &mut [u8]) -> Result<(), MemoryError> {
        let hole = MemoryError { at: at.get(), len: out.len(), reason: MemoryErrorReason::Hole };
        let (region, offset) = self.find(at, out.len()).ok_or(hole)?;
        region.map.get_slice(offset, out.len()).map_err(|_| hole)?.copy_to(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use libxengt::addr::Maddr;
    use libxengt::memory::GuestMemory;

    use super::{MAX_MAPS, MapError, Memory};

    fn file(bytes: u64) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(bytes).unwrap();
        file
    }

    fn one_map() -> Memory {
        let mut memory = Memory::default();
        memory.map(0x10_0000, 0x2000, file(0x3000), 0x1000, true).unwrap();
        memory
    }

    #[test]
    fn words_and_bytes_are_read_as_they_were_written_and_nothing_outside() {
        let memory = one_map();
        memory.write_u32(Maddr::new(0x10_0004), 0x1234_5678).unwrap();
        memory.write_u64(Maddr::new(0x10_1ff8), u64::MAX - 1).unwrap();
        assert_eq!(memory.read_u64(Maddr::new(0x10_0000)).unwrap(), 0x1234_5678_0000_0000);
        assert_eq!(memory.read_u32(Maddr::new(0x10_1ff8)), Some(0xffff_fffe));
        let mut bytes = [0; 3];
        memory.read(Maddr::new(0x10_0005), &mut bytes).unwrap();
        assert_eq!(bytes, [0x56, 0x34, 0x12]);
        for outside in [0x0f_fffc, 0x10_2000, 0] {
            assert_eq!(memory.read_u32(Maddr::new(outside)), None, "{outside:#x}");
            assert_eq!(memory.write_u32(Maddr::new(outside), 1), None, "{outside:#x}");
        }
        assert!(memory.read_u64(Maddr::new(0x10_1ffc)).is_err(), "half of it is outside");
        assert_eq!(memory.read_u32(Maddr::new(0x10_0002)), None, "not aligned");
        assert!(memory.read_u64(Maddr::MAX).is_err());
    }

    #[test]
    fn maps_that_overlap_or_wrap_or_outgrow_their_file_are_refused() {
        let mut memory = one_map();
        let mut map = |iova, size, offset| memory.map(iova, size, file(0x2000), offset, true);
        assert!(matches!(map(0x10_1000, 0x1000, 0), Err(MapError::Overlap { .. })));
        assert!(matches!(map(0x0f_f000, 0x2000, 0), Err(MapError::Overlap { .. })));
        assert!(matches!(map(0x20_0000, 0x3000, 0), Err(MapError::Truncated { found: 0x2000, .. })));
        assert!(matches!(map(0x20_0000, 0x1000, !0xfff), Err(MapError::Range { .. })));
        assert!(matches!(map(!0xfff, 0x1000, 0), Err(MapError::Range { .. })));
        assert!(matches!(map(0x20_0000, 0, 0), Err(MapError::Range { .. })));
        assert!(matches!(map(0x20_0800, 0x1000, 0), Err(MapError::Range { .. })));
        map(0x10_2000, 0x1000, 0).unwrap();
        map(0x0f_e000, 0x2000, 0).unwrap();
        assert_eq!(memory.maps(), 3);
    }

    #[test]
    fn unmapped_memory_is_gone_and_what_lies_partly_outside_stays() {
        let mut memory = one_map();
        memory.unmap(0x10_0000, 0x1000);
        assert_eq!(memory.maps(), 1);
        memory.unmap(0, u64::MAX);
        assert_eq!(memory.read_u32(Maddr::new(0x10_0000)), None);
    }

    #[test]
    fn memory_mapped_for_reading_cannot_be_written() {
        let mut memory = Memory::default();
        memory.map(0, 0x1000, file(0x1000), 0, false).unwrap();
        assert_eq!(memory.write_u32(Maddr::new(0), 1), None);
        assert_eq!(memory.write(Maddr::new(0), &[1]), None);
        assert_eq!(memory.read_u32(Maddr::new(0)), Some(0));
    }

    #[test]
    fn a_client_cannot_make_more_maps_than_the_limit() {
        let mut memory = Memory::default();
        for map in 0..MAX_MAPS {
            let iova = u64::try_from(map).unwrap() * 0x1000;
            memory.map(iova, 0x1000, file(0x1000), 0, true).unwrap();
        }
        assert!(matches!(memory.map(1 << 40, 0x1000, file(0x1000), 0, true), Err(MapError::TooMany)));
    }
}
