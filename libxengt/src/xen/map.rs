//! Pages of another domain in our address space: volatile copies, page by page checked.

use core::ptr::NonNull;

use super::error::{Errno, SysResult};

/// Bytes of a page, as a length.
pub(crate) const PAGE: usize = 4096;

/// Whether pages are mapped for reading only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// A range of our address space that pages of another domain are put into.
///
/// # Invariants
/// - `base .. base + pages.len() * PAGE` is one mapping that this owns, until drop.
/// - A page whose state is `Ok` is mapped readable, and writable where `access` says so, until drop. The others
///   fault when touched, so nothing touches them.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    access: Access,
    /// Per page, why it is not there.
    pages: Vec<SysResult<()>>,
}

// SAFETY: the mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

/// Words that are read and written in one access.
pub(crate) trait Word: Copy + sealed::Sealed {}

mod sealed {
    pub(crate) trait Sealed {}
}

macro_rules! words {
    ($($ty:ty),*) => { $(impl sealed::Sealed for $ty {} impl Word for $ty {})* };
}
words!(u8, u16, u32, u64);

impl Mapping {
    /// Reserves `pages` pages of the device or file `fd`; none is there yet.
    pub(super) fn reserve(fd: &impl std::os::fd::AsRawFd, pages: usize, access: Access) -> SysResult<Self> {
        let len = pages.checked_mul(PAGE).filter(|len| *len > 0).ok_or(Errno(libc::EINVAL))?;
        let prot = match access {
            Access::Read => libc::PROT_READ,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        };
        // SAFETY: a mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe { libc::mmap(core::ptr::null_mut(), len, prot, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let base = NonNull::new(at.cast()).ok_or(Errno(libc::EFAULT))?;
        // INVARIANT: `mmap` gave the range to us alone, and no page is said to be there.
        Ok(Self { base, access, pages: vec![Err(Errno(libc::ENXIO)); pages] })
    }

    /// The address of page `page`, for the calls that put pages there.
    pub(super) fn page_address(&self, page: usize) -> Option<NonNull<u8>> {
        let offset = page.checked_mul(PAGE).filter(|_| page < self.pages.len())?;
        // SAFETY: `page < pages.len()`, so the sum stays inside the range.
        Some(unsafe { self.base.add(offset) })
    }

    /// Records what became of page `page`.
    ///
    /// # Safety
    /// If `state` is `Ok`, the page is mapped with this mapping's access and stays so until drop.
    pub(super) unsafe fn set_page(&mut self, page: usize, state: SysResult<()>) {
        if let Some(slot) = self.pages.get_mut(page) {
            // INVARIANT: the caller's promise.
            *slot = state;
        }
    }

    /// What the pages can be used for.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// How many pages were reserved.
    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    /// Why page `page` is not there.
    pub(crate) fn page(&self, page: usize) -> SysResult<()> {
        self.pages.get(page).copied().unwrap_or(Err(Errno(libc::ERANGE)))
    }

    /// The word at `offset`, a multiple of its size.
    #[inline]
    pub(crate) fn read<W: Word>(&self, offset: usize) -> SysResult<W> {
        let word = self.word(offset)?;
        // SAFETY: `word` proved that the page is mapped and the address aligned; every bit pattern is a word.
        Ok(unsafe { word.read_volatile() })
    }

    /// Stores the word at `offset`, a multiple of its size.
    #[inline]
    pub(crate) fn write<W: Word>(&self, offset: usize, value: W) -> SysResult<()> {
        if self.access != Access::ReadWrite {
            return Err(Errno(libc::EACCES));
        }
        let word = self.word(offset)?;
        // SAFETY: `word` proved that the page is mapped and the address aligned; the mapping is writable.
        unsafe { word.write_volatile(value) };
        Ok(())
    }

    #[inline]
    fn word<W: Word>(&self, offset: usize) -> SysResult<NonNull<W>> {
        // Aligned words do not cross pages.
        if !offset.is_multiple_of(size_of::<W>()) {
            return Err(Errno(libc::EINVAL));
        }
        self.page(offset / PAGE)?;
        // SAFETY: `page` found the page inside the range, so the sum is.
        Ok(unsafe { self.base.add(offset) }.cast())
    }

    /// Copies `out.len()` bytes at `offset`; aligned 8-byte words in one access each.
    pub(crate) fn read_bytes(&self, offset: usize, out: &mut [u8]) -> SysResult<()> {
        let mut at = offset;
        let mut rest = out;
        while let Some((part, after)) =
            rest.split_at_mut_checked(step(at, rest.len())).filter(|(part, _)| !part.is_empty())
        {
            match part.as_chunks_mut::<8>() {
                ([word], []) => *word = self.read::<u64>(at)?.to_ne_bytes(),
                (_, bytes) => bytes.fill(self.read(at)?),
            }
            at = at.wrapping_add(part.len());
            rest = after;
        }
        Ok(())
    }

    /// Stores `bytes` at `offset`; aligned 8-byte words in one access each.
    pub(crate) fn write_bytes(&self, offset: usize, bytes: &[u8]) -> SysResult<()> {
        let mut at = offset;
        let mut rest = bytes;
        while let Some((part, after)) =
            rest.split_at_checked(step(at, rest.len())).filter(|(part, _)| !part.is_empty())
        {
            match part {
                [byte] => self.write(at, *byte)?,
                _ => {
                    let (words, _) = part.as_chunks::<8>();
                    words.iter().try_for_each(|word| self.write(at, u64::from_ne_bytes(*word)))?;
                }
            }
            at = at.wrapping_add(part.len());
            rest = after;
        }
        Ok(())
    }
}

/// How many bytes the next access at `at` covers: a whole word, or one byte of the ragged ends.
fn step(at: usize, left: usize) -> usize {
    if at.is_multiple_of(8) && left >= 8 { 8 } else { left.min(1) }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let len = self.pages.len() * PAGE;
        // SAFETY: the range is ours alone by the invariant, and nothing of it is borrowed: only copies leave it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), len) };
    }
}
