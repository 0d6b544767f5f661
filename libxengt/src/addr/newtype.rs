//! The shape every address type shares.

/// A number that does not fit its address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{value:#x} is not a {space} address: the largest is {max:#x}")]
pub struct AddrError {
    /// The number that was offered.
    pub value: u64,
    /// The largest number of that space.
    pub max: u64,
    /// The space's name, as people call it.
    pub space: &'static str,
}

/// Defines an address type: private field, checked construction, hex output that names the space.
macro_rules! address {
    ($(#[$doc:meta])* $name:ident, $space:literal, bits = $bits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Width of the space in bits.
            pub const BITS: u32 = $bits;
            /// The space's last address.
            pub const MAX: Self = Self((1 << $bits) - 1);
            /// The space's first address.
            pub const ZERO: Self = Self(0);

            /// An address known when the program is written.
            ///
            /// # Panics
            /// If `raw` does not fit the space; use [`Self::try_new`] for anything that comes from outside.
            #[must_use]
            pub const fn new(raw: u64) -> Self {
                assert!(raw <= Self::MAX.0, "address does not fit its space");
                Self(raw)
            }

            /// An address from outside.
            ///
            /// # Errors
            /// [`AddrError`](crate::addr::AddrError) if `raw` does not fit the space.
            pub const fn try_new(raw: u64) -> Result<Self, $crate::addr::AddrError> {
                if raw <= Self::MAX.0 {
                    Ok(Self(raw))
                } else {
                    Err($crate::addr::AddrError { value: raw, max: Self::MAX.0, space: $space })
                }
            }

            /// The address in the low bits of `raw`; the bits the space does not have are dropped.
            #[must_use]
            #[inline]
            pub const fn from_truncated(raw: u64) -> Self {
                Self(raw & Self::MAX.0)
            }

            /// The bare number, for files, registers and output.
            #[must_use]
            #[inline]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// `self + n` in the type's own unit, or `None` past the end of the space.
            #[must_use]
            #[inline]
            pub const fn checked_add(self, n: u64) -> Option<Self> {
                match self.0.checked_add(n) {
                    Some(raw) if raw <= Self::MAX.0 => Some(Self(raw)),
                    _ => None,
                }
            }

            /// `self - n` in the type's own unit, or `None` below zero.
            #[must_use]
            #[inline]
            pub const fn checked_sub(self, n: u64) -> Option<Self> {
                match self.0.checked_sub(n) {
                    Some(raw) => Some(Self(raw)),
                    None => None,
                }
            }

            /// How far `self` lies above `base`, or `None` if it lies below.
            #[must_use]
            #[inline]
            pub const fn offset_from(self, base: Self) -> Option<u64> {
                self.0.checked_sub(base.0)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl ::core::fmt::LowerHex for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::LowerHex::fmt(&self.0, f)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::addr::ParseNumberError;
            /// Reads decimal, or hexadecimal after `0x`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::addr::parse_u64(text, Self::MAX.0).map(Self)
            }
        }
    };
}

/// The methods of address types whose unit is the byte.
macro_rules! byte_address {
    ($name:ident) => {
        impl $name {
            /// Bytes past the start of the 4 KiB page.
            #[must_use]
            #[inline]
            pub const fn page_offset(self) -> u64 {
                self.0 & ($crate::addr::PAGE_SIZE - 1)
            }

            /// Whether the address is a multiple of `align`, which is a power of two.
            #[must_use]
            #[inline]
            pub const fn is_aligned(self, align: u64) -> bool {
                debug_assert!(align.is_power_of_two());
                self.0 & (align - 1) == 0
            }

            /// The multiple of `align` (a power of two) at or below the address.
            #[must_use]
            #[inline]
            pub const fn align_down(self, align: u64) -> Self {
                debug_assert!(align.is_power_of_two());
                Self(self.0 & !(align - 1))
            }
        }
    };
}

pub(super) use {address, byte_address};
