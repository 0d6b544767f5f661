//! Which memory each graphics space leads to.

use crate::addr::{Gpa, GuestGma, HostGma, Maddr, PhysAddr, PpgttAddr};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::GuestGma {}
    impl Sealed for super::HostGma {}
    impl Sealed for super::PpgttAddr {}
}

/// A space that the GPU's tables translate from.
pub trait GraphicsAddr:
    Copy + Ord + core::fmt::Debug + core::fmt::Display + sealed::Sealed + 'static
{
    /// The address in the low bits of `raw`; bits the space does not have are dropped.
    fn from_truncated(raw: u64) -> Self;
    /// The bare number, in bytes.
    fn get(self) -> u64;
}

/// A space that a global GTT translates from, and the memory it leads to.
///
/// The pairing is what keeps one guest out of another's memory: a guest's own table holds guest frames, the
/// GPU's table holds machine frames, and no function here takes one for the other.
pub trait GttAddr: GraphicsAddr {
    /// The memory that the entries name.
    type Target: PhysAddr;
}

macro_rules! graphics {
    ($($name:ident),*) => {$(
        impl GraphicsAddr for $name {
            #[inline]
            fn from_truncated(raw: u64) -> Self {
                Self::from_truncated(raw)
            }
            #[inline]
            fn get(self) -> u64 {
                self.get()
            }
        }
    )*};
}

graphics!(GuestGma, HostGma, PpgttAddr);

impl GttAddr for GuestGma {
    type Target = Gpa;
}

impl GttAddr for HostGma {
    type Target = Maddr;
}
