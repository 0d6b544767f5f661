//! A vGPU's window: which part of the global graphics space (GGTT) it may use, and under which addresses.
//!
//! A window has two slices: the *aperture* slice ("low GM"), which the CPU can reach through BAR 2, and the
//! *hidden* slice ("high GM"). Addresses and sizes are in bytes. Two layouts exist in the field:
//!
//! - [`Layout::Ballooned`]: the guest's addresses are the host's. Upstream GVT-g (i915 `gvt/gvt.h`) and our
//!   kernel do this; the guest learns its ranges from the PVINFO page and leaves the rest alone.
//! - [`Layout::ZeroBased`]: the guest's aperture starts at 0. The 5.4 XenGT kernel did this so that a guest
//!   could be moved to a host where its slices lie elsewhere. Where its hidden slice starts in the guest's
//!   numbers is the kernel's choice, so [`Window::zero_based`] takes it as the guest's PVINFO page states it.
//!
//! Both directions are exact inverses, and an address outside the window is an error in both: that is what
//! keeps one vGPU out of another's memory.
//!
//! ```
//! use libxengt::addr::{GuestGma, HostGma, MB};
//! use libxengt::window::Window;
//!
//! let window = Window::zero_based(
//!     (HostGma::new(0x0800_0000), 64 * MB),
//!     (HostGma::new(0x4000_0000), 384 * MB),
//!     GuestGma::new(0x1000_0000),
//! )?;
//! assert_eq!(window.g2h(GuestGma::new(0x1234))?, HostGma::new(0x0800_1234));
//! assert!(window.h2g(HostGma::new(0x1234)).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod slice;

pub use error::{OutOfWindow, Space, Span, WindowError};
pub use slice::Slice;

use crate::addr::{GuestGma, HostGma};

/// How a guest's addresses relate to the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The guest's addresses are the host's.
    Ballooned,
    /// The guest's aperture starts at 0.
    ZeroBased,
}

/// The part of the GGTT that belongs to one vGPU.
///
/// # Invariants
/// The two slices overlap neither in the guest's numbers nor in the host's, so each address of either space
/// belongs to at most one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    aperture: Slice,
    hidden: Slice,
    layout: Layout,
}

impl Window {
    /// The window of a ballooned guest: slices given as (first host address, size in bytes).
    ///
    /// # Errors
    /// [`WindowError`] if a slice is empty, not made of whole pages or beyond the GGTT, or if they overlap.
    pub fn ballooned(aperture: (HostGma, u64), hidden: (HostGma, u64)) -> Result<Self, WindowError> {
        let same = |(host, len): (HostGma, u64)| Slice::new(GuestGma::from_truncated(host.get()), host, len);
        Self::of(same(aperture)?, same(hidden)?, Layout::Ballooned)
    }

    /// The window of a zero-based guest: slices given as (first host address, size in bytes), and the address
    /// at which the guest sees the hidden one (PVINFO `nonmappable_gmadr.base`).
    ///
    /// # Errors
    /// [`WindowError`] if a slice is empty, not made of whole pages or beyond the GGTT, or if they overlap.
    pub fn zero_based(
        aperture: (HostGma, u64),
        hidden: (HostGma, u64),
        guest_hidden: GuestGma,
    ) -> Result<Self, WindowError> {
        Self::of(
            Slice::new(GuestGma::ZERO, aperture.0, aperture.1)?,
            Slice::new(guest_hidden, hidden.0, hidden.1)?,
            Layout::ZeroBased,
        )
    }

    fn of(aperture: Slice, hidden: Slice, layout: Layout) -> Result<Self, WindowError> {
        if aperture.guest_span().overlaps(hidden.guest_span()) {
            let (aperture, hidden) = (aperture.guest_span(), hidden.guest_span());
            return Err(WindowError::Overlap { space: Space::Guest, aperture, hidden });
        }
        if aperture.host_span().overlaps(hidden.host_span()) {
            let (aperture, hidden) = (aperture.host_span(), hidden.host_span());
            return Err(WindowError::Overlap { space: Space::Host, aperture, hidden });
        }
        // INVARIANT: neither pair of spans overlaps.
        Ok(Self { aperture, hidden, layout })
    }

    /// The slice that the CPU can reach ("low GM").
    #[must_use]
    pub const fn aperture(&self) -> &Slice {
        &self.aperture
    }

    /// The slice that the CPU cannot reach ("high GM").
    #[must_use]
    pub const fn hidden(&self) -> &Slice {
        &self.hidden
    }

    /// How the guest's addresses relate to the host's.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The host's address of the guest's `guest`.
    ///
    /// # Errors
    /// [`OutOfWindow`] if the guest has no such address.
    #[inline]
    pub const fn g2h(&self, guest: GuestGma) -> Result<HostGma, OutOfWindow> {
        match (self.aperture.g2h(guest), self.hidden.g2h(guest)) {
            (Some(host), _) | (None, Some(host)) => Ok(host),
            (None, None) => Err(self.outside(Space::Guest, guest.get(), 1)),
        }
    }

    /// The guest's address of the host's `host`.
    ///
    /// # Errors
    /// [`OutOfWindow`] if the address belongs to the host or to another vGPU.
    #[inline]
    pub const fn h2g(&self, host: HostGma) -> Result<GuestGma, OutOfWindow> {
        match (self.aperture.h2g(host), self.hidden.h2g(host)) {
            (Some(guest), _) | (None, Some(guest)) => Ok(guest),
            (None, None) => Err(self.outside(Space::Host, host.get(), 1)),
        }
    }

    /// The host's address of `guest`, of which `len` bytes lie in one slice.
    ///
    /// # Errors
    /// [`OutOfWindow`] if `len` is 0 or any of the bytes lies outside that slice. Slices that touch in one
    /// space need not touch in the other, so a range never runs from one into the next.
    #[inline]
    pub const fn g2h_range(&self, guest: GuestGma, len: u64) -> Result<HostGma, OutOfWindow> {
        match (self.aperture.g2h_range(guest, len), self.hidden.g2h_range(guest, len)) {
            (Some(host), _) | (None, Some(host)) => Ok(host),
            (None, None) => Err(self.outside(Space::Guest, guest.get(), len)),
        }
    }

    /// The guest's address of `host`, of which `len` bytes lie in one slice.
    ///
    /// # Errors
    /// [`OutOfWindow`] as for [`Self::g2h_range`].
    #[inline]
    pub const fn h2g_range(&self, host: HostGma, len: u64) -> Result<GuestGma, OutOfWindow> {
        match (self.aperture.h2g_range(host, len), self.hidden.h2g_range(host, len)) {
            (Some(guest), _) | (None, Some(guest)) => Ok(guest),
            (None, None) => Err(self.outside(Space::Host, host.get(), len)),
        }
    }

    /// Translates `guest` into `host` one by one, as far as the shorter of the two goes, and returns how many.
    ///
    /// The loop has no branch in it; a batch with a bad address is found out at its end.
    ///
    /// # Errors
    /// [`OutOfWindow`] for the first address that the guest does not have. Then `host` holds the aperture's
    /// first address throughout: no use, but no way out of the window either.
    pub fn g2h_batch(&self, guest: &[GuestGma], host: &mut [HostGma]) -> Result<usize, OutOfWindow> {
        let (low, high) = (Steps::of(&self.aperture), Steps::of(&self.hidden));
        let mut outside = 0;
        for (from, to) in guest.iter().zip(host.iter_mut()) {
            let raw = from.get();
            let (out_low, out_high) = (low.outside(raw), high.outside(raw));
            let step = (low.to_host & !out_low) | (high.to_host & !out_high);
            outside |= out_low & out_high;
            *to = HostGma::from_truncated(raw.wrapping_add(step));
        }
        if outside != 0 {
            host.fill(self.aperture.host_base());
            for from in guest.iter().take(host.len()) {
                self.g2h(*from)?;
            }
        }
        Ok(guest.len().min(host.len()))
    }

    /// Whether `guest` is an address of this guest's.
    #[must_use]
    #[inline]
    pub const fn contains_guest(&self, guest: GuestGma) -> bool {
        self.aperture.g2h(guest).is_some() || self.hidden.g2h(guest).is_some()
    }

    /// Whether `host` belongs to this vGPU.
    #[must_use]
    #[inline]
    pub const fn contains_host(&self, host: HostGma) -> bool {
        self.aperture.h2g(host).is_some() || self.hidden.h2g(host).is_some()
    }

    /// Whether `guest` lies in the slice that the CPU can reach.
    #[must_use]
    #[inline]
    pub const fn is_aperture(&self, guest: GuestGma) -> bool {
        self.aperture.g2h(guest).is_some()
    }

    /// Whether no address of the host's belongs to both windows.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        [self.aperture, self.hidden].iter().all(|ours| {
            [other.aperture, other.hidden].iter().all(|theirs| !ours.host_span().overlaps(theirs.host_span()))
        })
    }

    #[cold]
    const fn outside(&self, space: Space, addr: u64, len: u64) -> OutOfWindow {
        let (aperture, hidden) = match space {
            Space::Guest => (self.aperture.guest_span(), self.hidden.guest_span()),
            Space::Host => (self.aperture.host_span(), self.hidden.host_span()),
        };
        OutOfWindow { space, addr, len, aperture, hidden }
    }
}

/// A slice as the batch needs it: sums and sign bits, which every vector unit has, instead of comparisons of
/// unsigned numbers, which SSE2 has not.
struct Steps {
    first: u64,
    last: u64,
    to_host: u64,
}

impl Steps {
    const fn of(slice: &Slice) -> Self {
        let Span { first, last } = slice.guest_span();
        Self { first, last, to_host: slice.host_base().get().wrapping_sub(first) }
    }

    /// All ones if `raw` lies outside, else 0. Addresses have 32 bits, so a difference below 0 shows in bit 63.
    #[inline]
    const fn outside(&self, raw: u64) -> u64 {
        let below_or_above = raw.wrapping_sub(self.first) | self.last.wrapping_sub(raw);
        (below_or_above.cast_signed() >> 63).cast_unsigned()
    }
}

/// Whether no address of the host's belongs to both windows.
#[must_use]
pub fn disjoint(a: &Window, b: &Window) -> bool {
    a.is_disjoint(b)
}

#[cfg(test)]
mod tests;
