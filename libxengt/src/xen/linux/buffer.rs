//! Memory that a hypercall can reach: the kernel must not move it while Xen writes there.

use core::ptr::NonNull;
use std::os::fd::{AsRawFd, OwnedFd};

use super::super::error::{Errno, SysResult};
use super::super::map::PAGE;

/// Unmovable bytes for a hypercall's arguments.
///
/// Pages of `/dev/xen/hypercall`, which belong to the kernel, where there is that device (Linux 4.18); else
/// locked memory, which stays in memory but may still move: a call can then fail with `EFAULT`.
///
/// # Invariants
/// `base .. base + LEN` is one readable and writable mapping that this owns, until drop.
#[derive(Debug)]
pub(super) struct HypercallBuffer {
    base: NonNull<u8>,
}

// SAFETY: the mapping belongs to the process, not to a thread.
unsafe impl Send for HypercallBuffer {}

impl HypercallBuffer {
    /// One page for the argument, and four for a list of 2048 frames.
    pub(super) const LEN: usize = 5 * PAGE;

    pub(super) fn new(device: Option<&OwnedFd>) -> SysResult<Self> {
        let (fd, flags) = match device {
            Some(device) => (device.as_raw_fd(), libc::MAP_SHARED),
            None => (-1, libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_LOCKED | libc::MAP_POPULATE),
        };
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe { libc::mmap(core::ptr::null_mut(), Self::LEN, prot, flags, fd, 0) };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // INVARIANT: `mmap` gave the range to us alone.
        let buffer = Self { base: NonNull::new(at.cast()).ok_or(Errno(libc::EFAULT))? };
        if device.is_none() {
            // A forked child would make the pages copy-on-write, that is, move them.
            // SAFETY: the range is ours; the advice changes nothing in this process.
            unsafe { libc::madvise(buffer.base.as_ptr().cast(), Self::LEN, libc::MADV_DONTFORK) };
        }
        Ok(buffer)
    }

    /// The address of the byte at `offset`, for Xen.
    pub(super) fn address(&self, offset: usize) -> u64 {
        u64::try_from(self.base.addr().get().saturating_add(offset)).unwrap_or(0)
    }

    /// Copies `bytes` to `offset`.
    pub(super) fn store(&mut self, offset: usize, bytes: &[u8]) -> SysResult<()> {
        self.check(offset, bytes.len())?;
        // SAFETY: `check` proved that the sum stays inside the range.
        let to = unsafe { self.base.add(offset) };
        // SAFETY:
        // - `check` proved that the bytes fit; they are ours alone, since `self` is borrowed mutably.
        // - `bytes` is another object.
        unsafe { to.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Ok(())
    }

    /// Copies from `offset` to `bytes`.
    pub(super) fn load(&self, offset: usize, bytes: &mut [u8]) -> SysResult<()> {
        self.check(offset, bytes.len())?;
        // SAFETY: `check` proved that the sum stays inside the range.
        let from = unsafe { self.base.add(offset) };
        let len = bytes.len();
        // SAFETY: `check` proved that the bytes are inside; no hypercall is under way, since it borrows `self`
        // mutably. `bytes` is another object.
        unsafe { from.copy_to_nonoverlapping(NonNull::from(bytes).cast(), len) };
        Ok(())
    }

    fn check(&self, offset: usize, len: usize) -> SysResult<()> {
        match offset.checked_add(len) {
            Some(end) if end <= Self::LEN => Ok(()),
            _ => Err(Errno(libc::E2BIG)),
        }
    }
}

impl Drop for HypercallBuffer {
    fn drop(&mut self) {
        // SAFETY: the range is ours alone by the invariant, and only copies leave it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), Self::LEN) };
    }
}

#[cfg(test)]
mod tests {
    use super::HypercallBuffer;

    #[test]
    fn bytes_come_back_and_the_ends_hold() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(HypercallBuffer::LEN).collect();
        buffer.store(0, &bytes).unwrap();
        let mut out = vec![0; 100];
        buffer.load(HypercallBuffer::LEN - 100, &mut out).unwrap();
        assert_eq!(out, bytes[bytes.len() - 100..]);
        assert!(buffer.store(1, &bytes).is_err());
        assert!(buffer.load(HypercallBuffer::LEN - 99, &mut out).is_err());
        assert!(buffer.load(usize::MAX, &mut out).is_err());
        assert_eq!(buffer.address(8) - buffer.address(0), 8);
    }
}
