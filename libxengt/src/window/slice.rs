//! One contiguous part of a window.

use super::error::{Space, Span, WindowError};
use crate::addr::{GuestGma, HostGma, PAGE_SIZE};

/// A run of graphics pages that a guest sees at one address and the host at another.
///
/// # Invariants
/// Both bases and the size are multiples of 4 KiB, the size is not 0, and in both spaces the last byte is at
/// most the last byte of the GGTT. So `base + offset` with `offset < size` never leaves its space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    guest: GuestGma,
    host: HostGma,
    len: u64,
}

impl Slice {
    /// A slice of `len` bytes. It may end exactly where the GGTT does.
    ///
    /// # Errors
    /// [`WindowError`] if `len` is 0, if a base or `len` is no multiple of 4 KiB, or if the slice would
    /// reach beyond the GGTT in either space.
    pub const fn new(guest: GuestGma, host: HostGma, len: u64) -> Result<Self, WindowError> {
        if len == 0 {
            return Err(WindowError::Empty { guest, host });
        }
        if !guest.is_aligned(PAGE_SIZE) || !host.is_aligned(PAGE_SIZE) || !len.is_multiple_of(PAGE_SIZE) {
            return Err(WindowError::Unaligned { guest, host, len });
        }
        if guest.checked_add(len - 1).is_none() {
            return Err(WindowError::BeyondGgtt { space: Space::Guest, base: guest.get(), len });
        }
        if host.checked_add(len - 1).is_none() {
            return Err(WindowError::BeyondGgtt { space: Space::Host, base: host.get(), len });
        }
        // INVARIANT: each condition was checked above.
        Ok(Self { guest, host, len })
    }

    /// The first address as the guest numbers it.
    #[must_use]
    #[inline]
    pub const fn guest_base(&self) -> GuestGma {
        self.guest
    }

    /// The first address as the host numbers it.
    #[must_use]
    #[inline]
    pub const fn host_base(&self) -> HostGma {
        self.host
    }

    /// Size in bytes.
    #[must_use]
    #[inline]
    pub const fn size(&self) -> u64 {
        self.len
    }

    /// The bytes it covers in the guest's numbers.
    #[must_use]
    pub const fn guest_span(&self) -> Span {
        Span { first: self.guest.get(), last: self.guest.get() + (self.len - 1) }
    }

    /// The bytes it covers in the host's numbers.
    #[must_use]
    pub const fn host_span(&self) -> Span {
        Span { first: self.host.get(), last: self.host.get() + (self.len - 1) }
    }

    /// The host's address of `guest`, if it lies here.
    #[must_use]
    #[inline]
    pub const fn g2h(&self, guest: GuestGma) -> Option<HostGma> {
        let offset = guest.get().wrapping_sub(self.guest.get());
        if offset < self.len { Some(HostGma::from_truncated(self.host.get() + offset)) } else { None }
    }

    /// The guest's address of `host`, if it lies here.
    #[must_use]
    #[inline]
    pub const fn h2g(&self, host: HostGma) -> Option<GuestGma> {
        let offset = host.get().wrapping_sub(self.host.get());
        if offset < self.len { Some(GuestGma::from_truncated(self.guest.get() + offset)) } else { None }
    }

    /// The host's address of `guest`, if it and the rest of its `len` bytes lie here.
    #[must_use]
    #[inline]
    pub const fn g2h_range(&self, guest: GuestGma, len: u64) -> Option<HostGma> {
        match self.g2h(guest) {
            Some(host) if self.holds(host, len) => Some(host),
            _ => None,
        }
    }

    /// The guest's address of `host`, if it and the rest of its `len` bytes lie here.
    #[must_use]
    #[inline]
    pub const fn h2g_range(&self, host: HostGma, len: u64) -> Option<GuestGma> {
        match self.h2g(host) {
            Some(guest) if self.holds(host, len) => Some(guest),
            _ => None,
        }
    }

    /// Whether `len` bytes, at least one, follow from `host`, which lies here.
    const fn holds(&self, host: HostGma, len: u64) -> bool {
        // Compared with what is left rather than added up: the sum of a hostile length would wrap.
        len != 0 && len <= self.len - (host.get() - self.host.get())
    }
}

#[cfg(test)]
mod tests {
    use super::Slice;
    use crate::addr::{GuestGma, HostGma};
    use crate::window::{Space, WindowError};

    const TOP: u64 = 1 << 32;

    fn slice(guest: u64, host: u64, len: u64) -> Result<Slice, WindowError> {
        Slice::new(GuestGma::new(guest), HostGma::new(host), len)
    }

    #[test]
    fn slice_may_end_where_the_ggtt_ends_but_not_beyond() {
        let last = slice(TOP - 0x2000, TOP - 0x1000, 0x1000).unwrap();
        assert_eq!(last.host_span().last, TOP - 1);
        assert!(slice(0, 0, TOP).is_ok());
        for (guest, host, len, space) in [
            (TOP - 0x1000, 0, 0x2000, Space::Guest),
            (0, TOP - 0x1000, 0x2000, Space::Host),
            (0x1000, 0, TOP, Space::Guest),
            (0, 0, TOP + 0x1000, Space::Guest),
            (0x1000, 0, u64::MAX - 0xfff, Space::Guest),
        ] {
            let error = slice(guest, host, len).unwrap_err();
            assert!(matches!(error, WindowError::BeyondGgtt { space: s, .. } if s == space), "{error}");
        }
    }

    #[test]
    fn empty_and_unaligned_slices_are_refused() {
        assert!(matches!(slice(0, 0, 0), Err(WindowError::Empty { .. })));
        for (guest, host, len) in [(1, 0, 0x1000), (0, 0x800, 0x1000), (0, 0, 0x1001), (0, 0, 0xfff)] {
            assert!(matches!(slice(guest, host, len), Err(WindowError::Unaligned { .. })));
        }
    }

    #[test]
    fn every_byte_near_both_edges_translates_or_is_refused() {
        let (guest, host, len) = (0x1000_0000, 0x2000_0000, 0x3000);
        let s = slice(guest, host, len).unwrap();
        for i in 0..0x1000 {
            assert_eq!(s.g2h(GuestGma::new(guest + i)), Some(HostGma::new(host + i)));
            let i = len - 1 - i;
            assert_eq!(s.h2g(HostGma::new(host + i)), Some(GuestGma::new(guest + i)));
            assert_eq!(s.g2h(GuestGma::new(guest + len + i)), None);
            assert_eq!(s.g2h(GuestGma::new(guest - 1 - i)), None);
        }
    }
}
