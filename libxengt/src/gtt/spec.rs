//! What differs between GPU generations, as data.

use super::entry::{IPS_64K, PAGE_SIZE_BIT, PAT_4K, PAT_LARGE, PCD, PRESENT, PWT, WRITABLE};
use super::error::Fault;
use super::mapping::Ppat;

/// Entries of every table of the PPGTT.
pub const ENTRIES: usize = 512;

/// A table of the PPGTT, copied: 4 KiB.
pub type Table = [u64; ENTRIES];

/// A level of the tables, from the leaves up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A page table: its entries map 4 KiB, or 64 KiB each.
    Pt,
    /// A page directory: its entries cover 2 MiB each.
    Pd,
    /// A page directory pointer table: its entries cover 1 GiB each.
    Pdp,
    /// The fourth level: its entries cover 512 GiB each.
    Pml4,
    /// The global GTT, which has one level: its entries map 4 KiB each.
    Ggtt,
}

impl Level {
    /// log2 of the bytes one entry covers.
    #[must_use]
    #[inline]
    pub const fn shift(self) -> u32 {
        match self {
            Self::Pt | Self::Ggtt => 12,
            Self::Pd => 21,
            Self::Pdp => 30,
            Self::Pml4 => 39,
        }
    }

    /// The level this one's entries point to, if any.
    #[must_use]
    #[inline]
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::Pt | Self::Ggtt => None,
            Self::Pd => Some(Self::Pt),
            Self::Pdp => Some(Self::Pd),
            Self::Pml4 => Some(Self::Pdp),
        }
    }

    /// The page an entry of this level maps when it is a leaf (a page table's may be 64 KiB instead).
    #[must_use]
    pub const fn leaf(self) -> Option<PageSize> {
        match self {
            Self::Pt | Self::Ggtt => Some(PageSize::Size4K),
            Self::Pd => Some(PageSize::Size2M),
            Self::Pdp => Some(PageSize::Size1G),
            Self::Pml4 => None,
        }
    }

    /// The index of the entry of a 512-entry table of this level that covers `va`.
    #[inline]
    pub(super) fn index(self, va: u64) -> usize {
        // Nine bits always fit.
        usize::try_from((va >> self.shift()) & 0x1ff).unwrap_or(0)
    }
}

impl core::fmt::Display for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Pt => "page table",
            Self::Pd => "page directory",
            Self::Pdp => "page directory pointer table",
            Self::Pml4 => "PML4",
            Self::Ggtt => "global GTT",
        })
    }
}

/// The size of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageSize {
    /// 4 KiB.
    Size4K,
    /// 64 KiB: Gen9, 16 entries of a page table whose PDE has the IPS bit.
    Size64K,
    /// 2 MiB: a PDE with the PS bit.
    Size2M,
    /// 1 GiB: a PDPE with the PS bit.
    Size1G,
}

impl PageSize {
    /// log2 of [`Self::bytes`].
    #[must_use]
    #[inline]
    pub const fn shift(self) -> u32 {
        match self {
            Self::Size4K => 12,
            Self::Size64K => 16,
            Self::Size2M => 21,
            Self::Size1G => 30,
        }
    }

    /// The size in bytes.
    #[must_use]
    #[inline]
    pub const fn bytes(self) -> u64 {
        1 << self.shift()
    }
}

impl core::fmt::Display for PageSize {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Size4K => "4K",
            Self::Size64K => "64K",
            Self::Size2M => "2M",
            Self::Size1G => "1G",
        })
    }
}

/// How one GPU generation reads its tables.
///
/// [`super::gen8::MMU`] and [`super::gen9::MMU`] are the two that GVT-g runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MmuSpec {
    name: &'static str,
    haw: u32,
    page_64k: bool,
    /// The address bits of a 4 KiB-granular entry; derived once, because every step of a walk needs them.
    address: u64,
    /// The bits of an entry that name an address this GPU does not have.
    beyond: u64,
}

/// What a valid present entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Table { addr: u64, pages_64k: bool },
    Leaf { addr: u64, size: PageSize, ppat: Ppat },
}

impl MmuSpec {
    /// A generation by its name, its host address width in bits (13 to 52) and whether a PDE can announce
    /// 64 KiB pages.
    ///
    /// # Panics
    /// If `haw` lies outside 13 to 52; for constants.
    #[must_use]
    pub const fn new(name: &'static str, haw: u32, page_64k: bool) -> Self {
        assert!(haw > 12 && haw <= 52, "an entry holds address bits 12 to 51");
        let below = (1 << haw) - 1;
        Self { name, haw, page_64k, address: below & !0xfff, beyond: ((1 << 52) - 1) & !below }
    }

    /// The generation's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The host address width: how many address bits an entry has, counted from bit 0.
    #[must_use]
    pub const fn haw(&self) -> u32 {
        self.haw
    }

    /// Whether a PDE can announce 64 KiB pages.
    #[must_use]
    pub const fn page_64k(&self) -> bool {
        self.page_64k
    }

    /// The same generation with its 64 KiB pages switched off, as a driver can (`GAMW_ECO_DEV_RW_IA_REG`).
    #[must_use]
    pub const fn without_64k(self) -> Self {
        Self { page_64k: false, ..self }
    }

    /// The address bits of a 4 KiB-granular entry.
    #[inline]
    pub(super) const fn address_bits(&self) -> u64 {
        self.address
    }

    /// The bits of an entry that name an address this GPU does not have.
    #[inline]
    pub(super) const fn beyond_bits(&self) -> u64 {
        self.beyond
    }

    /// The bits of a 4 KiB or 64 KiB page's entry that mean anything here.
    #[inline]
    pub(super) const fn leaf_4k_bits(&self) -> u64 {
        PRESENT | WRITABLE | PWT | PCD | PAT_4K | self.address_bits() | self.beyond_bits()
    }

    /// Reads an entry of a PPGTT table; `pages_64k` says that the table is a page table of 64 KiB pages and
    /// `entry` the first of its group of 16.
    #[inline(always)]
    pub(super) fn read(&self, level: Level, entry: u64, pages_64k: bool) -> Result<Entry, Fault> {
        if entry & (PRESENT | self.beyond_bits()) != PRESENT {
            return Err(self.refuse(entry));
        }
        let addr = entry & self.address_bits();
        let large = match level {
            Level::Pt | Level::Ggtt => {
                let size = if pages_64k { PageSize::Size64K } else { PageSize::Size4K };
                let reserved = addr & (size.bytes() - 1);
                if reserved != 0 {
                    return Err(Fault::Reserved { bits: reserved });
                }
                return Ok(Entry::Leaf { addr, size, ppat: Ppat::of_4k(entry) });
            }
            _ if entry & PAGE_SIZE_BIT == 0 => None,
            Level::Pd => Some(PageSize::Size2M),
            Level::Pdp => Some(PageSize::Size1G),
            Level::Pml4 => return Err(Fault::Reserved { bits: PAGE_SIZE_BIT }),
        };
        match large {
            None => {
                let pages_64k = self.page_64k && matches!(level, Level::Pd) && entry & IPS_64K != 0;
                Ok(Entry::Table { addr, pages_64k })
            }
            Some(size) => {
                let addr = addr & !PAT_LARGE;
                let reserved = addr & (size.bytes() - 1);
                if reserved != 0 {
                    return Err(Fault::Reserved { bits: reserved });
                }
                Ok(Entry::Leaf { addr, size, ppat: Ppat::of_large(entry) })
            }
        }
    }

    /// Why an entry that is not a plain present one cannot be used.
    #[cold]
    pub(super) fn refuse(&self, entry: u64) -> Fault {
        if entry & PRESENT == 0 {
            Fault::NotPresent
        } else {
            Fault::BeyondHaw { bits: entry & self.beyond_bits(), haw: self.haw }
        }
    }
}
