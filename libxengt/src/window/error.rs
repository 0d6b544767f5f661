//! What can be wrong with a window, and with an address in one.

use std::borrow::Cow;
use std::fmt;

use crate::addr::{GuestGma, HostGma};
use crate::error::{Diagnose, ErrorKind};

/// Whose numbers an address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// The guest's ([`GuestGma`]).
    Guest,
    /// The host's ([`HostGma`]).
    Host,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "guest",
            Self::Host => "host",
        })
    }
}

/// A run of byte addresses of one space, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first address.
    pub first: u64,
    /// The last address, at least `first`.
    pub last: u64,
}

impl Span {
    /// Whether an address lies in both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}-{:#x}", self.first, self.last)
    }
}

/// Numbers that make no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// A slice of no bytes.
    #[error("the slice at guest {guest}, host {host} is empty: a slice has at least one page")]
    Empty {
        /// Its base, guest side.
        guest: GuestGma,
        /// Its base, host side.
        host: HostGma,
    },
    /// A base or size that is no multiple of the page.
    #[error("the slice at guest {guest}, host {host} of {len:#x} bytes is not made of whole 4 KiB pages")]
    Unaligned {
        /// Its base, guest side.
        guest: GuestGma,
        /// Its base, host side.
        host: HostGma,
        /// Its size in bytes.
        len: u64,
    },
    /// A slice that reaches beyond the last address.
    #[error(
        "the slice at {space} {base:#x} of {len:#x} bytes reaches beyond the GGTT, which ends at {:#x}",
        HostGma::MAX
    )]
    BeyondGgtt {
        /// In whose numbers.
        space: Space,
        /// Its base.
        base: u64,
        /// Its size in bytes.
        len: u64,
    },
    /// Two slices with an address in common.
    #[error("the aperture slice {aperture} and the hidden slice {hidden} overlap in {space} addresses")]
    Overlap {
        /// In whose numbers.
        space: Space,
        /// The aperture slice.
        aperture: Span,
        /// The hidden slice.
        hidden: Span,
    },
}

impl Diagnose for WindowError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed("take bases and sizes from the vGPU's PVINFO page or its debugfs files"))
    }
}

/// An address, or a range, that does not belong to the vGPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfWindow {
    /// Whose numbers the address is in.
    pub space: Space,
    /// The address.
    pub addr: u64,
    /// How many bytes from there were asked for; 1 for a single address.
    pub len: u64,
    /// The aperture slice in the same numbers.
    pub aperture: Span,
    /// The hidden slice in the same numbers.
    pub hidden: Span,
}

impl fmt::Display for OutOfWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { space, addr, len, aperture, hidden } = self;
        match len {
            0 => write!(f, "the range at {space} graphics address {addr:#x} is empty")?,
            1 => write!(f, "{space} graphics address {addr:#x} is outside the vGPU's window")?,
            _ => write!(
                f,
                "{len:#x} bytes at {space} graphics address {addr:#x} are not inside one slice of the \
                 vGPU's window"
            )?,
        }
        write!(f, " (aperture {aperture}, hidden {hidden})")
    }
}

impl std::error::Error for OutOfWindow {}

impl Diagnose for OutOfWindow {
    fn kind(&self) -> ErrorKind {
        if self.len == 0 { ErrorKind::InvalidInput } else { ErrorKind::NotFound }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        let Self { space, aperture, hidden, .. } = self;
        Some(format!("give a {space} graphics address in {aperture} or {hidden}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn spans_that_share_one_byte_overlap_and_neighbours_do_not() {
        let span = |first, last| Span { first, last };
        for (other, overlaps) in [
            (span(1, 3), false),
            (span(1, 4), true),
            (span(5, 5), true),
            (span(6, 9), true),
            (span(7, 9), false),
        ] {
            assert_eq!(span(4, 6).overlaps(other), overlaps, "{other}");
            assert_eq!(other.overlaps(span(4, 6)), overlaps, "{other}");
        }
    }
}
