//! Memory addresses: what the GPU's tables translate to.

use super::PAGE_SHIFT;
use super::newtype::{address, byte_address};

address! {
    /// A byte address in a guest's physical memory.
    Gpa, "guest physical", bits = 52
}
byte_address!(Gpa);

address! {
    /// A 4 KiB frame of a guest's physical memory (Xen: "guest frame number").
    Gfn, "guest frame", bits = 40
}

address! {
    /// A byte address in the machine's memory.
    Maddr, "machine", bits = 52
}
byte_address!(Maddr);

address! {
    /// A 4 KiB frame of the machine's memory (Xen: "machine frame number").
    Mfn, "machine frame", bits = 40
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Gpa {}
    impl Sealed for super::Maddr {}
    impl Sealed for super::Gfn {}
    impl Sealed for super::Mfn {}
}

/// A memory space that table entries can point into: a guest's ([`Gpa`]) or the machine's ([`Maddr`]).
pub trait PhysAddr:
    Copy + Eq + Ord + core::hash::Hash + core::fmt::Debug + core::fmt::Display + sealed::Sealed + 'static
{
    /// The space's 4 KiB frames.
    type Frame: Frame<Addr = Self>;

    /// The address in the low bits of `raw`; bits the space does not have are dropped.
    fn from_truncated(raw: u64) -> Self;
    /// The bare number, in bytes.
    fn get(self) -> u64;
    /// `self + bytes`, or `None` past the end of the space.
    fn checked_add(self, bytes: u64) -> Option<Self>;
    /// The frame that holds the address.
    fn frame(self) -> Self::Frame;
}

/// A 4 KiB frame of a memory space: [`Gfn`] or [`Mfn`].
pub trait Frame:
    Copy + Eq + Ord + core::hash::Hash + core::fmt::Debug + core::fmt::Display + sealed::Sealed + 'static
{
    /// The space's byte addresses.
    type Addr: PhysAddr<Frame = Self>;

    /// The frame number in the low bits of `raw`; bits the space does not have are dropped.
    fn from_truncated(raw: u64) -> Self;
    /// The bare frame number.
    fn get(self) -> u64;
    /// The frame `frames` further on, or `None` past the end of the space.
    fn checked_add(self, frames: u64) -> Option<Self>;
    /// The address of the frame's first byte.
    fn addr(self) -> Self::Addr;
}

macro_rules! physical {
    ($addr:ident, $frame:ident) => {
        impl $addr {
            /// The frame that holds the address.
            #[must_use]
            #[inline]
            pub const fn frame(self) -> $frame {
                $frame::from_truncated(self.get() >> PAGE_SHIFT)
            }
        }

        impl $frame {
            /// The address of the frame's first byte.
            #[must_use]
            #[inline]
            pub const fn addr(self) -> $addr {
                $addr::from_truncated(self.get() << PAGE_SHIFT)
            }
        }

        impl PhysAddr for $addr {
            type Frame = $frame;
            #[inline]
            fn from_truncated(raw: u64) -> Self {
                Self::from_truncated(raw)
            }
            #[inline]
            fn get(self) -> u64 {
                self.get()
            }
            #[inline]
            fn checked_add(self, bytes: u64) -> Option<Self> {
                self.checked_add(bytes)
            }
            #[inline]
            fn frame(self) -> $frame {
                self.frame()
            }
        }

        impl Frame for $frame {
            type Addr = $addr;
            #[inline]
            fn from_truncated(raw: u64) -> Self {
                Self::from_truncated(raw)
            }
            #[inline]
            fn get(self) -> u64 {
                self.get()
            }
            #[inline]
            fn checked_add(self, frames: u64) -> Option<Self> {
                self.checked_add(frames)
            }
            #[inline]
            fn addr(self) -> $addr {
                self.addr()
            }
        }
    };
}

physical!(Gpa, Gfn);
physical!(Maddr, Mfn);

#[cfg(test)]
mod tests {
    use super::{Gfn, Gpa, Maddr, Mfn};

    #[test]
    fn frame_and_address_are_inverse_at_the_edges() {
        for raw in [0, 1, 0xf_ffff, (1 << 40) - 1] {
            assert_eq!(Gfn::new(raw).addr().frame(), Gfn::new(raw));
            assert_eq!(Mfn::new(raw).addr().frame(), Mfn::new(raw));
        }
        assert_eq!(Gpa::MAX.frame(), Gfn::MAX);
        assert_eq!(Maddr::MAX.frame(), Mfn::MAX);
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_space() {
        assert_eq!(Gpa::MAX.checked_add(1), None);
        assert_eq!(Gpa::MAX.checked_add(u64::MAX), None);
        assert_eq!(Gpa::ZERO.checked_sub(1), None);
        assert_eq!(Gpa::new(5).offset_from(Gpa::new(6)), None);
        assert_eq!(Gpa::new(6).offset_from(Gpa::new(5)), Some(1));
    }
}
