//! Graphics address translation: the global GTT and the per-process PPGTTs of Gen8 and Gen9.
//!
//! | table | from | to | read through |
//! |---|---|---|---|
//! | [`Ggtt<GuestGma, _>`](Ggtt), a guest's virtual one | [`GuestGma`](crate::addr::GuestGma) | [`Gpa`](crate::addr::Gpa) | [`GgttSource`] |
//! | [`Ggtt<HostGma, _>`](Ggtt), the GPU's | [`HostGma`](crate::addr::HostGma) | [`Maddr`](crate::addr::Maddr) | [`GgttSource`] |
//! | [`Ppgtt`] over a guest's memory | [`PpgttAddr`](crate::addr::PpgttAddr) | [`Gpa`](crate::addr::Gpa) | [`GuestMemory`](crate::memory::GuestMemory) |
//! | [`Ppgtt`] over the machine's (shadow tables) | [`PpgttAddr`](crate::addr::PpgttAddr) | [`Maddr`](crate::addr::Maddr) | [`GuestMemory`](crate::memory::GuestMemory) |
//!
//! Tables are hostile: a guest writes them, and writes them while we read. Every walk reads an entry once,
//! believes nothing about it, and ends within a [`WalkBudget`] whatever the tables point to.
//!
//! # Strictness
//! A present entry with a bit set that must be zero, or with an address the GPU does not have, is a
//! [`Fault`], not a translation with bits masked off. The GPU may well mask them, but then what it accesses
//! is not what the driver wrote, and somebody who debugs that wants to be told.
#![forbid(unsafe_code)]

mod audit;
mod contiguous;
mod entry;
mod error;
mod frame_set;
pub mod gen8;
pub mod gen9;
mod ggtt;
mod mapping;
mod pieces;
mod ppgtt;
mod runs;
mod shadow;
mod source;
mod space;
mod spec;

pub use audit::{Finding, Violation};
pub use entry::{GgttPte, LargeLeaf, PpgttPde, PpgttPdpe, PpgttPml4e, PpgttPte};
pub use error::{Fault, WalkError};
pub use frame_set::FrameSet;
pub use ggtt::Ggtt;
pub use mapping::{Access, Ppat, Run, Target, Translation, WalkBudget};
pub use ppgtt::{Ppgtt, Root};
pub use shadow::{
    DropReason, Dropped, FlatGfnMap, GfnMap, Shadow, ShadowError, ShadowReport, StoreError, TableStore,
    reshadow_page_table, shadow,
};
pub use source::{GgttSource, MemoryGgtt};
pub use space::{GraphicsAddr, GttAddr};
pub use spec::{ENTRIES, Level, MmuSpec, PageSize, Table};
