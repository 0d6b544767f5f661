//! Memory that is one block of words starting at address 0: dumps, tests, benches.

use core::marker::PhantomData;

use super::{GuestMemory, MemoryError, MemoryErrorReason};
use crate::addr::PhysAddr;

/// Words from address 0 on, in the space `A`; everything behind them is [`MemoryErrorReason::Beyond`].
///
/// `W` is whatever holds the words: `Vec<u64>`, `&[u64]`, an array. A word is what a little-endian reader of
/// the memory sees at its address.
#[derive(Debug, Clone)]
pub struct FlatMemory<A, W> {
    words: W,
    space: PhantomData<A>,
}

impl<A: PhysAddr, W: AsRef<[u64]>> FlatMemory<A, W> {
    /// Memory that holds `words`.
    #[must_use]
    pub const fn new(words: W) -> Self {
        Self { words, space: PhantomData }
    }

    /// The words, as given.
    #[must_use]
    pub const fn words(&self) -> &W {
        &self.words
    }

    /// The words, to write.
    pub const fn words_mut(&mut self) -> &mut W {
        &mut self.words
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::try_from(self.words.as_ref().len()).unwrap_or(u64::MAX).saturating_mul(8)
    }
}

/// The index of the word at `at`, if `at` is a multiple of 8.
#[inline]
fn index(at: u64) -> Option<usize> {
    if at.is_multiple_of(8) { usize::try_from(at / 8).ok() } else { None }
}

const fn beyond(at: u64, len: usize) -> MemoryError {
    MemoryError { at, len, reason: MemoryErrorReason::Beyond }
}

impl<A: PhysAddr, W: AsRef<[u64]>> GuestMemory for FlatMemory<A, W> {
    type Addr = A;

    #[inline]
    fn read_u64(&self, at: A) -> Result<u64, MemoryError> {
        index(at.get()).and_then(|i| self.words.as_ref().get(i)).copied().ok_or_else(|| beyond(at.get(), 8))
    }

    #[inline]
    fn read_words(&self, at: A, out: &mut [u64]) -> Result<(), MemoryError> {
        let words = index(at.get()).and_then(|i| self.words.as_ref().get(i..)?.get(..out.len()));
        let words = words.ok_or_else(|| beyond(at.get(), out.len().saturating_mul(8)))?;
        out.copy_from_slice(words);
        Ok(())
    }

    fn read(&self, at: A, out: &mut [u8]) -> Result<(), MemoryError> {
        let len = out.len();
        let mut next = at.get();
        for byte in out {
            let word = index(next & !7).and_then(|i| self.words.as_ref().get(i));
            let word = word.ok_or_else(|| beyond(at.get(), len))?.to_le_bytes();
            *byte = word.get(usize::from(next.to_le_bytes()[0] & 7)).copied().unwrap_or_default();
            next = next.checked_add(1).ok_or_else(|| beyond(at.get(), len))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::FlatMemory;
    use crate::addr::Gpa;
    use crate::memory::GuestMemory;

    #[test]
    fn reads_inside_agree_and_reads_past_the_end_are_refused() {
        let memory = FlatMemory::<Gpa, _>::new([0x0807_0605_0403_0201_u64, 0x100f_0e0d_0c0b_0a09]);
        let mut bytes = [0; 10];
        memory.read(Gpa::new(3), &mut bytes).unwrap();
        assert_eq!(bytes, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
        let mut words = [0; 2];
        memory.read_words(Gpa::new(0), &mut words).unwrap();
        assert_eq!(words, *memory.words());
        assert_eq!(memory.read_u64(Gpa::new(8)), Ok(words[1]));
        assert_eq!(memory.size(), 16);

        assert!(memory.read_u64(Gpa::new(16)).is_err());
        assert!(memory.read_u64(Gpa::new(4)).is_err(), "not a multiple of 8");
        assert!(memory.read_words(Gpa::new(8), &mut words).is_err());
        assert!(memory.read(Gpa::new(7), &mut bytes).is_err());
        assert!(memory.read_u64(Gpa::MAX).is_err());
        assert!(memory.read_words(Gpa::MAX.align_down(8), &mut words).is_err());
    }
}
