//! Where the entries of a global GTT come from.
//!
//! The GPU's own table is not in RAM: it is read from BAR0 (8 MB in), or from a file that dom0's kernel
//! offers; a guest's virtual one lives in dom0's kernel. So the table is a trait.

use crate::addr::PhysAddr;
use crate::memory::{GuestMemory, MemoryError, MemoryErrorReason};

/// A global GTT's entries, which may refuse to be read.
pub trait GgttSource {
    /// How many entries there are, each for 4 KiB; those past 2^20 (4 GiB) are never used.
    fn entries(&self) -> u32;

    /// Copies the entry `index`.
    ///
    /// # Errors
    /// [`MemoryError`] if it cannot be read; its address is the entry's byte offset in the table.
    fn read_pte(&self, index: u32) -> Result<u64, MemoryError>;

    /// Copies `out.len()` entries from `first` on.
    ///
    /// # Errors
    /// [`MemoryError`] if any cannot be read; `out` then holds nothing of meaning.
    fn read_ptes(&self, first: u32, out: &mut [u64]) -> Result<(), MemoryError> {
        let len = out.len();
        let mut index = Some(first);
        for slot in out {
            let at = index.ok_or_else(|| beyond(first, len))?;
            *slot = self.read_pte(at)?;
            index = at.checked_add(1);
        }
        Ok(())
    }
}

fn beyond(first: u32, entries: usize) -> MemoryError {
    MemoryError {
        at: u64::from(first) * 8,
        len: entries.saturating_mul(8),
        reason: MemoryErrorReason::Beyond,
    }
}

fn start(first: u32) -> usize {
    usize::try_from(first).unwrap_or(usize::MAX)
}

impl GgttSource for [u64] {
    fn entries(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    #[inline]
    fn read_pte(&self, index: u32) -> Result<u64, MemoryError> {
        self.get(start(index)).copied().ok_or_else(|| beyond(index, 1))
    }

    fn read_ptes(&self, first: u32, out: &mut [u64]) -> Result<(), MemoryError> {
        let entries = self.get(start(first)..).and_then(|rest| rest.get(..out.len()));
        out.copy_from_slice(entries.ok_or_else(|| beyond(first, out.len()))?);
        Ok(())
    }
}

impl<S: GgttSource + ?Sized> GgttSource for &S {
    fn entries(&self) -> u32 {
        (**self).entries()
    }
    #[inline]
    fn read_pte(&self, index: u32) -> Result<u64, MemoryError> {
        (**self).read_pte(index)
    }
    fn read_ptes(&self, first: u32, out: &mut [u64]) -> Result<(), MemoryError> {
        (**self).read_ptes(first, out)
    }
}

/// Entries that lie in memory one after the other, from `base` on.
#[derive(Debug)]
pub struct MemoryGgtt<'m, M: GuestMemory> {
    memory: &'m M,
    base: M::Addr,
    entries: u32,
}

impl<'m, M: GuestMemory> MemoryGgtt<'m, M> {
    /// `entries` entries from `base`, a multiple of 8, on.
    #[must_use]
    pub const fn new(memory: &'m M, base: M::Addr, entries: u32) -> Self {
        Self { memory, base, entries }
    }

    fn at(&self, first: u32, len: usize) -> Result<M::Addr, MemoryError> {
        let end = u32::try_from(len).ok().and_then(|len| first.checked_add(len));
        end.filter(|end| *end <= self.entries)
            .and_then(|_| self.base.checked_add(u64::from(first) * 8))
            .ok_or_else(|| beyond(first, len))
    }
}

impl<M: GuestMemory> GgttSource for MemoryGgtt<'_, M> {
    fn entries(&self) -> u32 {
        self.entries
    }

    fn read_pte(&self, index: u32) -> Result<u64, MemoryError> {
        self.memory.read_u64(self.at(index, 1)?)
    }

    fn read_ptes(&self, first: u32, out: &mut [u64]) -> Result<(), MemoryError> {
        self.memory.read_words(self.at(first, out.len())?, out)
    }
}

#[cfg(test)]
mod tests {
    use super::{GgttSource, MemoryGgtt};
    use crate::addr::Maddr;
    use crate::memory::FlatMemory;

    #[test]
    fn entries_in_memory_and_in_a_slice_agree_and_end_where_they_end() {
        let words = [9, 10, 11, 12, 13];
        let memory = FlatMemory::<Maddr, _>::new(words);
        let table = MemoryGgtt::new(&memory, Maddr::new(8), 3);
        let slice = &words[1..4];
        for index in 0..3 {
            assert_eq!(table.read_pte(index), slice.read_pte(index));
        }
        let mut two = [0; 2];
        table.read_ptes(1, &mut two).unwrap();
        assert_eq!(two, [11, 12]);
        assert!(table.read_pte(3).is_err(), "there is memory, but no entry");
        assert!(slice.read_pte(3).is_err());
        assert!(table.read_ptes(2, &mut two).is_err());
        assert!(slice.read_ptes(2, &mut two).is_err());
        assert!(table.read_ptes(u32::MAX, &mut two).is_err());
        assert!(slice.read_ptes(u32::MAX, &mut two).is_err());
    }
}
