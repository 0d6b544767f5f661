//! A read-only map of one BAR.
#![expect(unsafe_code, reason = "the mapping edge: volatile reads of device memory")]

use std::fs::File;
use std::path::Path;

use memmap2::{MmapOptions, MmapRaw};

use super::BarError;

/// A BAR mapped for reading.
///
/// # Invariants
/// `raw.as_ptr() .. raw.as_ptr() + raw.len()` stays mapped and readable until drop, and starts at a page
/// boundary. (A regular file that somebody truncates later would break the first half with a bus error; the
/// kernel's BAR files cannot shrink, and the simulated host replaces its files instead of cutting them.)
#[derive(Debug)]
pub struct Mapping {
    raw: MmapRaw,
}

impl Mapping {
    /// Maps the first `len` bytes of `path`.
    ///
    /// # Errors
    /// [`BarError`] if the file cannot be opened or mapped, or is shorter than `len` bytes.
    pub fn open(path: &Path, len: u64) -> Result<Self, BarError> {
        Self::open_at(path, 0, len)
    }

    /// Maps `len` bytes of `path` from `start` on, a multiple of the page size.
    ///
    /// # Errors
    /// [`BarError`] if the file cannot be opened or mapped, or ends before.
    pub fn open_at(path: &Path, start: u64, len: u64) -> Result<Self, BarError> {
        let fail = |source| BarError::Map { path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        let found = file.metadata().map_err(fail)?.len();
        let end = start.saturating_add(len);
        let Some(bytes) = usize::try_from(len).ok().filter(|_| end <= found && len > 0) else {
            return Err(BarError::Truncated { path: path.to_owned(), found, expected: end });
        };
        // INVARIANT: the map covers `bytes` existing bytes of the file, and mmap returns whole pages: memmap2 adds
        // what an offset lacks to one.
        let raw = MmapOptions::new().offset(start).len(bytes).map_raw_read_only(&file).map_err(fail)?;
        Ok(Self { raw })
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether nothing is mapped (never: [`Self::open`] refuses that).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The 32-bit little-endian word at `offset`, a multiple of 4, in one access.
    ///
    /// # Errors
    /// [`BarError::Outside`].
    pub fn read_u32(&self, offset: u64) -> Result<u32, BarError> {
        let at = self.check(offset, size_of::<u32>())?;
        // SAFETY: `check` proved that `at + 4 <= len`, so the sum stays inside the one mapped object.
        let word = unsafe { self.raw.as_ptr().add(at) }.cast::<u32>();
        // SAFETY: by the invariant the word is mapped and readable; `check` proved the alignment.
        Ok(u32::from_le(unsafe { word.read_volatile() }))
    }

    /// The 64-bit little-endian word at `offset`, a multiple of 8, in one access.
    ///
    /// # Errors
    /// [`BarError::Outside`].
    pub fn read_u64(&self, offset: u64) -> Result<u64, BarError> {
        let at = self.check(offset, size_of::<u64>())?;
        // SAFETY: `check` proved that `at + 8 <= len`, so the sum stays inside the one mapped object.
        let word = unsafe { self.raw.as_ptr().add(at) }.cast::<u64>();
        // SAFETY: by the invariant the word is mapped and readable; `check` proved the alignment.
        Ok(u64::from_le(unsafe { word.read_volatile() }))
    }

    /// Copies `out.len()` bytes at `offset`, a multiple of 8, word by word.
    ///
    /// # Errors
    /// [`BarError::Outside`]; `out` is then unchanged.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), BarError> {
        let outside = || BarError::Outside { offset, len: out.len(), size: self.len() };
        let end =
            usize::try_from(offset).ok().and_then(|at| at.checked_add(out.len())).ok_or_else(outside)?;
        // The last word is read whole, so it too must be inside.
        let inside = end.checked_next_multiple_of(8).is_some_and(|end| end <= self.len());
        if !offset.is_multiple_of(8) || !inside {
            return Err(outside());
        }
        for (word, at) in out.chunks_mut(8).zip((offset..).step_by(8)) {
            let whole = self.read_u64(at)?.to_le_bytes();
            for (slot, byte) in word.iter_mut().zip(whole) {
                *slot = byte;
            }
        }
        Ok(())
    }

    /// The offset as an index, if `len` bytes there are inside and aligned to `len` (4 or 8).
    fn check(&self, offset: u64, len: usize) -> Result<usize, BarError> {
        let outside = || BarError::Outside { offset, len, size: self.len() };
        let at = usize::try_from(offset).map_err(|_| outside())?;
        let end = at.checked_add(len).ok_or_else(outside)?;
        if at.is_multiple_of(len) && end <= self.len() { Ok(at) } else { Err(outside()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{BarError, Mapping};

    #[test]
    fn reads_are_copies_and_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resource0");
        let bytes: Vec<u8> = (0..=255).cycle().take(8192).collect();
        std::fs::write(&path, &bytes).unwrap();
        let map = Mapping::open(&path, 8192).unwrap();
        assert_eq!(map.read_u32(4).unwrap(), 0x0706_0504);
        assert_eq!(map.read_u64(8184).unwrap(), 0xfffe_fdfc_fbfa_f9f8);
        let mut out = [0; 24];
        map.read(16, &mut out[..20]).unwrap();
        assert_eq!(out[..20], bytes[16..36]);
        for (offset, len) in [(8192, 4), (8190, 4), (2, 4), (u64::MAX - 3, 4)] {
            assert!(matches!(map.read_u32(offset), Err(BarError::Outside { .. })), "{offset} {len}");
        }
        assert!(map.read_u64(4).is_err());
        assert!(map.read(8184, &mut out).is_err());
        for len in 0..=out.len() {
            assert!(map.read(u64::MAX - 7, &mut out[..len]).is_err(), "{len} bytes at the end of the space");
        }
    }

    #[test]
    fn a_map_from_within_starts_there_and_needs_its_whole_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resource0");
        let bytes: Vec<u8> = (0..3_u8).flat_map(|page| [page; 4096]).collect();
        std::fs::write(&path, &bytes).unwrap();
        let map = Mapping::open_at(&path, 4096, 8192).unwrap();
        assert_eq!((map.read_u32(0).unwrap(), map.read_u32(8188).unwrap()), (0x0101_0101, 0x0202_0202));
        assert!(map.read_u32(8192).is_err());
        let cut = Mapping::open_at(&path, 4096, 12288);
        assert!(matches!(cut, Err(BarError::Truncated { found: 12288, expected: 16384, .. })));
        assert!(Mapping::open_at(&path, u64::MAX, 4096).is_err());
    }

    #[test]
    fn a_truncated_file_is_refused_before_it_is_mapped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resource0");
        std::fs::write(&path, [0; 4095]).unwrap();
        assert!(matches!(Mapping::open(&path, 4096), Err(BarError::Truncated { found: 4095, .. })));
        std::fs::write(&path, []).unwrap();
        assert!(matches!(Mapping::open(&path, 0), Err(BarError::Truncated { .. })));
        assert!(matches!(Mapping::open(dir.path(), 4096), Err(BarError::Map { .. })));
    }
}
