//! Memory that somebody else writes while we read it.
//!
//! Guest and foreign memory is never a Rust reference here: a running guest changes it at any moment, so
//! the only thing one can have of it is a copy. [`GuestMemory`] is that, for a guest's physical space and
//! for the machine's.
#![forbid(unsafe_code)]

mod flat;

pub use flat::FlatMemory;

use crate::addr::{PAGE_SIZE, PhysAddr};

/// Why memory could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryErrorReason {
    /// The address lies beyond the end of the memory.
    Beyond,
    /// No page is there: a hole, or ballooned out.
    Hole,
    /// The system refused, with this errno.
    Os(i32),
}

impl core::fmt::Display for MemoryErrorReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Beyond => f.write_str("beyond the end of the memory"),
            Self::Hole => f.write_str("no page is there (a hole, or ballooned out)"),
            Self::Os(errno) => write!(f, "{}", std::io::Error::from_raw_os_error(*errno)),
        }
    }
}

/// A failed read of guest or machine memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {len} bytes at {at:#x}: {reason}")]
pub struct MemoryError {
    /// The address that was asked for, in bytes.
    pub at: u64,
    /// How many bytes were asked for.
    pub len: usize,
    /// Why not.
    pub reason: MemoryErrorReason,
}

/// Memory that can be copied from, and may refuse at any address.
///
/// Implementations never hand out references, never panic on an address, and never read half a 64-bit word
/// from before and half from after a change.
pub trait GuestMemory {
    /// The space the memory is addressed in.
    type Addr: PhysAddr;

    /// Copies the little-endian 64-bit word at `at`, a multiple of 8.
    ///
    /// # Errors
    /// [`MemoryError`] if the word is not there or `at` is not a multiple of 8.
    fn read_u64(&self, at: Self::Addr) -> Result<u64, MemoryError>;

    /// Copies `out.len()` words that start at `at`, a multiple of 8.
    ///
    /// # Errors
    /// [`MemoryError`] if any word is not there; `out` then holds nothing of meaning.
    fn read_words(&self, at: Self::Addr, out: &mut [u64]) -> Result<(), MemoryError> {
        for (slot, offset) in out.iter_mut().zip((0..).step_by(8)) {
            let word = at.checked_add(offset).ok_or(MemoryError {
                at: at.get(),
                len: 8,
                reason: MemoryErrorReason::Beyond,
            })?;
            *slot = self.read_u64(word)?;
        }
        Ok(())
    }

    /// Copies `out.len()` bytes that start at `at`.
    ///
    /// # Errors
    /// [`MemoryError`] if any byte is not there; `out` then holds nothing of meaning.
    fn read(&self, at: Self::Addr, out: &mut [u8]) -> Result<(), MemoryError>;
}

/// Splits `len` bytes at `at` where 4 KiB pages end: yields (address, bytes) of each part.
///
/// Ends early where the address space does.
pub fn page_parts<A: PhysAddr>(at: A, len: usize) -> impl Iterator<Item = (A, usize)> {
    let mut next = Some(at);
    let mut left = len;
    core::iter::from_fn(move || {
        let at = next.filter(|_| left > 0)?;
        let in_page = usize::try_from(PAGE_SIZE - at.get() % PAGE_SIZE).unwrap_or(usize::MAX);
        let take = left.min(in_page);
        left -= take;
        next = at.checked_add(u64::try_from(take).unwrap_or(u64::MAX));
        Some((at, take))
    })
}

#[cfg(test)]
mod tests {
    use super::page_parts;
    use crate::addr::Gpa;

    #[test]
    fn parts_meet_at_page_ends_and_cover_everything() {
        let parts: Vec<_> = page_parts(Gpa::new(0x1ff0), 0x1020).collect();
        assert_eq!(parts, [(Gpa::new(0x1ff0), 0x10), (Gpa::new(0x2000), 0x1000), (Gpa::new(0x3000), 0x10)]);
        assert_eq!(page_parts(Gpa::new(0), 0).count(), 0);
    }
}
