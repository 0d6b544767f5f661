//! One type per address space, and no bare arithmetic on any of them.
//!
//! | type | space | unit | width |
//! |---|---|---|---|
//! | [`GuestGma`] | GGTT, as a guest's driver numbers it | bytes | 32 bits |
//! | [`HostGma`] | GGTT, as the GPU and dom0 number it | bytes | 32 bits |
//! | [`PpgttAddr`] | a per-process graphics space | bytes | 48 bits |
//! | [`Gpa`], [`Gfn`] | a guest's physical memory | bytes, 4 KiB frames | 52, 40 bits |
//! | [`Maddr`], [`Mfn`] | the machine's memory | bytes, 4 KiB frames | 52, 40 bits |
//!
//! Two spaces never mix, because mixing them is how one guest reaches another's memory:
//!
//! ```compile_fail
//! use libxengt::addr::{GuestGma, HostGma};
//! let host: HostGma = GuestGma::new(0x1000); // a guest's number is not the host's
//! ```
//!
//! The constructors mean the same everywhere: `try_new` checks, `new` is for constants and panics,
//! `from_truncated` drops the bits that the space does not have and says so in its name.
#![forbid(unsafe_code)]

mod domain;
mod graphics;
mod newtype;
mod parse;
mod physical;

pub use domain::{DomId, DomIdError};
pub use graphics::{GuestGma, HostGma, PpgttAddr};
pub use newtype::AddrError;
pub use parse::{ParseNumberError, parse_u64};
pub use physical::{Frame, Gfn, Gpa, Maddr, Mfn, PhysAddr};

/// Bytes of a page, and of a frame, in every space here.
pub const PAGE_SIZE: u64 = 4096;
/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;
/// Bytes of one MB, the unit of the control protocol (the field says MB and means 2^20).
pub const MB: u64 = 1 << 20;
