//! What a walk finds: single translations and runs.

use super::entry::{PAT_4K, PAT_LARGE, PCD, PWT};
use super::error::WalkError;
use super::spec::PageSize;

/// An index into the GPU's private page attribute table, 0 to 7.
///
/// The table's contents are set by dom0's driver (`GEN8_PRIVATE_PAT`, i915 `bdw_setup_private_ppat`), so
/// the index alone does not say whether a page is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ppat(u8);

impl Ppat {
    #[inline]
    fn of(entry: u64, pat: u64) -> Self {
        Self(
            u8::from(entry & PWT != 0)
                | (u8::from(entry & PCD != 0) << 1)
                | (u8::from(entry & pat != 0) << 2),
        )
    }

    /// From a 4 KiB or 64 KiB page's entry, where the high bit is bit 7.
    #[inline]
    pub(super) fn of_4k(entry: u64) -> Self {
        Self::of(entry, PAT_4K)
    }

    /// From a 2 MiB or 1 GiB page's entry, where the high bit is bit 12.
    #[inline]
    pub(super) fn of_large(entry: u64) -> Self {
        Self::of(entry, PAT_LARGE)
    }

    /// The index.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// How the GPU may use a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// Whether it may write: the writable bits of all levels together. The global GTT has none and always
    /// lets it.
    pub writable: bool,
    /// The cacheability, from the leaf. The global GTT always uses index 0.
    pub ppat: Ppat,
}

impl Access {
    /// Access through the global GTT.
    pub const GGTT: Self = Self { writable: true, ppat: Ppat(0) };
}

/// Where one graphics address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation<A> {
    /// The memory address, with the offset in the page.
    pub addr: A,
    /// The page it lies in.
    pub page_size: PageSize,
    /// How the GPU may use it.
    pub access: Access,
    /// Bytes from `addr` to the end of the page, at least 1.
    pub remaining: u64,
}

/// What a run of graphics addresses leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<A> {
    /// Contiguous memory.
    Mapped {
        /// The memory address of the run's first byte.
        addr: A,
        /// How the GPU may use all of it.
        access: Access,
    },
    /// Nothing: not present.
    Hole,
    /// Nothing that can be known: the walk ended in an error here.
    Fault(WalkError),
}

/// The longest stretch of graphics addresses with one [`Target`].
///
/// Mapped neighbours are one run if their memory is contiguous and their access the same, whatever their
/// page sizes; neighbouring holes are one run; each fault is a run of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<V, A> {
    /// The first graphics address.
    pub start: V,
    /// Bytes.
    pub len: u64,
    /// Where it leads.
    pub target: Target<A>,
}

/// How many 4 KiB tables a walk over a range may read before it gives up.
///
/// Hostile tables can be their own children 512 times over, at every level; nothing but a budget ends a walk
/// over those in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkBudget {
    /// That many.
    pub tables: u64,
}

impl Default for WalkBudget {
    /// 262,144 tables: 1 GiB read, enough for 512 GiB mapped in 4 KiB pages.
    fn default() -> Self {
        Self { tables: 1 << 18 }
    }
}
