//! Entry formats of Gen8 and Gen9, bit by bit in datasheet order.
//!
//! Source: Broadwell and Skylake PRM, volume 5 "Memory Views", sections on the global GTT's and the
//! per-process GTT's entries; `drivers/gpu/drm/i915/gt/intel_gtt.h` (`GEN8_PAGE_PRESENT`, `GEN8_PAGE_RW`,
//! `GEN8_PDE_PS_2M`, `GEN8_PDE_IPS_64K`); `drivers/gpu/drm/i915/gvt/gtt.c` (`GTT_HAW`, `ADDR_4K_MASK` and
//! its siblings). Addresses end at bit 45 because gvt's `GTT_HAW` is 46.
//!
//! Bits 62:52 are ignored by the GPU, and GVT-g keeps notes of its own there (`GTT_SPTE_FLAG_MASK`), so they
//! are no fault. Bits 51:46 are address bits that the GPU does not have: a present entry with one of them
//! set is refused.

use bitfield_struct::bitfield;

/// An entry of the global GTT.
///
/// PRM: Broadwell and Skylake, volume 5, "Memory Views", the global GTT's entry.
///
/// Bit 1 says "local memory" from Gen12 on and means nothing here; older i915 writes its PPGTT flags into
/// bits 11:1, which this GPU ignores.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct GgttPte {
    /// Bit 0: the entry maps a page.
    pub present: bool,
    #[bits(11)]
    _ignored: u16,
    /// Bits 45:12: the 4 KiB frame.
    #[bits(34)]
    pub frame: u64,
    /// Bits 51:46: address bits the GPU does not have; must be zero.
    #[bits(6)]
    pub beyond_haw: u8,
    #[bits(12)]
    _available: u16,
}

/// An entry of a page table: the leaf for 4 KiB, and for 64 KiB where the PDE says so.
///
/// PRM: Broadwell and Skylake, volume 5, "Memory Views", the PPGTT's page table entry.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PpgttPte {
    /// Bit 0: the entry maps a page.
    pub present: bool,
    /// Bit 1: the GPU may write.
    pub writable: bool,
    /// Bit 2: user mode may use it (advanced contexts only).
    pub user: bool,
    /// Bit 3: low bit of the PPAT index.
    pub pwt: bool,
    /// Bit 4: middle bit of the PPAT index.
    pub pcd: bool,
    /// Bit 5: set by the GPU on use (advanced contexts only).
    pub accessed: bool,
    /// Bit 6: set by the GPU on writes (advanced contexts only).
    pub dirty: bool,
    /// Bit 7: high bit of the PPAT index.
    pub pat: bool,
    #[bits(4)]
    _ignored: u8,
    /// Bits 45:12: the 4 KiB frame; of a 64 KiB page the low four must be zero.
    #[bits(34)]
    pub frame: u64,
    /// Bits 51:46: address bits the GPU does not have; must be zero.
    #[bits(6)]
    pub beyond_haw: u8,
    #[bits(12)]
    _available: u16,
}

/// An entry of a page directory that points to a page table.
///
/// PRM: Broadwell and Skylake, volume 5, "Memory Views", the PPGTT's page directory entry.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PpgttPde {
    /// Bit 0: the entry points to a page table.
    pub present: bool,
    /// Bit 1: the GPU may write below.
    pub writable: bool,
    /// Bit 2: user mode may use it (advanced contexts only).
    pub user: bool,
    /// Bit 3: low bit of the PPAT index for reading the page table.
    pub pwt: bool,
    /// Bit 4: middle bit of the PPAT index for reading the page table.
    pub pcd: bool,
    /// Bit 5: set by the GPU on use (advanced contexts only).
    pub accessed: bool,
    #[bits(1)]
    _ignored_6: bool,
    /// Bit 7: page size; set, the entry is a [`LargeLeaf`] of 2 MiB.
    pub page_size: bool,
    #[bits(3)]
    _ignored: u8,
    /// Bit 11: "intermediate page size", Gen9: the page table holds 64 KiB pages.
    pub ips_64k: bool,
    /// Bits 45:12: the page table's 4 KiB frame.
    #[bits(34)]
    pub frame: u64,
    /// Bits 51:46: address bits the GPU does not have; must be zero.
    #[bits(6)]
    pub beyond_haw: u8,
    #[bits(12)]
    _available: u16,
}

/// An entry of a page directory pointer table that points to a page directory.
///
/// PRM: Broadwell and Skylake, volume 5, "Memory Views", the PPGTT's page directory pointer entry.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PpgttPdpe {
    /// Bit 0: the entry points to a page directory.
    pub present: bool,
    /// Bit 1: the GPU may write below.
    pub writable: bool,
    /// Bit 2: user mode may use it (advanced contexts only).
    pub user: bool,
    /// Bit 3: low bit of the PPAT index for reading the page directory.
    pub pwt: bool,
    /// Bit 4: middle bit of the PPAT index for reading the page directory.
    pub pcd: bool,
    /// Bit 5: set by the GPU on use (advanced contexts only).
    pub accessed: bool,
    #[bits(1)]
    _ignored_6: bool,
    /// Bit 7: page size; set, the entry is a [`LargeLeaf`] of 1 GiB.
    pub page_size: bool,
    #[bits(4)]
    _ignored: u8,
    /// Bits 45:12: the page directory's 4 KiB frame.
    #[bits(34)]
    pub frame: u64,
    /// Bits 51:46: address bits the GPU does not have; must be zero.
    #[bits(6)]
    pub beyond_haw: u8,
    #[bits(12)]
    _available: u16,
}

/// An entry of the fourth level: points to a page directory pointer table, never to a page.
///
/// PRM: Broadwell and Skylake, volume 5, "Memory Views", the PPGTT's PML4 entry.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PpgttPml4e {
    /// Bit 0: the entry points to a page directory pointer table.
    pub present: bool,
    /// Bit 1: the GPU may write below.
    pub writable: bool,
    /// Bit 2: user mode may use it (advanced contexts only).
    pub user: bool,
    /// Bit 3: low bit of the PPAT index for reading the table.
    pub pwt: bool,
    /// Bit 4: middle bit of the PPAT index for reading the table.
    pub pcd: bool,
    /// Bit 5: set by the GPU on use (advanced contexts only).
    pub accessed: bool,
    #[bits(1)]
    _ignored_6: bool,
    /// Bit 7: must be zero; there are no 512 GiB pages.
    pub reserved_7: bool,
    #[bits(4)]
    _ignored: u8,
    /// Bits 45:12: the table's 4 KiB frame.
    #[bits(34)]
    pub frame: u64,
    /// Bits 51:46: address bits the GPU does not have; must be zero.
    #[bits(6)]
    pub beyond_haw: u8,
    #[bits(12)]
    _available: u16,
}

/// A 2 MiB page in a page directory, or a 1 GiB page in a page directory pointer table.
///
/// PRM: Broadwell and Skylake, volume 5, "Memory Views", the PPGTT's large page entries.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct LargeLeaf {
    /// Bit 0: the entry maps a page.
    pub present: bool,
    /// Bit 1: the GPU may write.
    pub writable: bool,
    /// Bit 2: user mode may use it (advanced contexts only).
    pub user: bool,
    /// Bit 3: low bit of the PPAT index.
    pub pwt: bool,
    /// Bit 4: middle bit of the PPAT index.
    pub pcd: bool,
    /// Bit 5: set by the GPU on use (advanced contexts only).
    pub accessed: bool,
    /// Bit 6: set by the GPU on writes (advanced contexts only).
    pub dirty: bool,
    /// Bit 7: page size; one in every large leaf.
    pub page_size: bool,
    #[bits(4)]
    _ignored: u8,
    /// Bit 12: high bit of the PPAT index (bit 7 is taken by the page size).
    pub pat: bool,
    /// Bits 20:13: must be zero.
    #[bits(8)]
    pub reserved: u8,
    /// Bits 45:21: the 2 MiB frame; of a 1 GiB page the low nine must be zero.
    #[bits(25)]
    pub frame_2m: u64,
    /// Bits 51:46: address bits the GPU does not have; must be zero.
    #[bits(6)]
    pub beyond_haw: u8,
    #[bits(12)]
    _available: u16,
}

const _: () = {
    assert!(size_of::<GgttPte>() == 8);
    assert!(size_of::<PpgttPte>() == 8);
    assert!(size_of::<PpgttPde>() == 8);
    assert!(size_of::<PpgttPdpe>() == 8);
    assert!(size_of::<PpgttPml4e>() == 8);
    assert!(size_of::<LargeLeaf>() == 8);
};

pub(super) const PRESENT: u64 = PpgttPte::new().with_present(true).into_bits();
pub(super) const WRITABLE: u64 = PpgttPte::new().with_writable(true).into_bits();
pub(super) const USER: u64 = PpgttPte::new().with_user(true).into_bits();
pub(super) const PWT: u64 = PpgttPte::new().with_pwt(true).into_bits();
pub(super) const PCD: u64 = PpgttPte::new().with_pcd(true).into_bits();
pub(super) const PAT_4K: u64 = PpgttPte::new().with_pat(true).into_bits();
pub(super) const PAT_LARGE: u64 = LargeLeaf::new().with_pat(true).into_bits();
pub(super) const PAGE_SIZE_BIT: u64 = PpgttPde::new().with_page_size(true).into_bits();
pub(super) const IPS_64K: u64 = PpgttPde::new().with_ips_64k(true).into_bits();

#[cfg(test)]
mod tests {
    use super::{GgttPte, IPS_64K, LargeLeaf, PAGE_SIZE_BIT, PAT_4K, PAT_LARGE, PpgttPde, PpgttPte};

    #[test]
    fn fields_lie_where_the_kernel_has_them() {
        // Values of intel_gtt.h and pgtable_types.h, written out.
        assert_eq!(IPS_64K, 1 << 11);
        assert_eq!(PAGE_SIZE_BIT, 1 << 7);
        assert_eq!(PAT_4K, 1 << 7);
        assert_eq!(PAT_LARGE, 1 << 12);
        let address_4k = (1_u64 << 46) - (1 << 12);
        assert_eq!(GgttPte::new().with_frame((1 << 34) - 1).into_bits(), address_4k);
        assert_eq!(PpgttPte::new().with_frame((1 << 34) - 1).into_bits(), address_4k);
        assert_eq!(PpgttPde::new().with_frame((1 << 34) - 1).into_bits(), address_4k);
        let address_2m = (1_u64 << 46) - (1 << 21);
        assert_eq!(LargeLeaf::new().with_frame_2m((1 << 25) - 1).into_bits(), address_2m);
        assert_eq!(PpgttPte::from_bits(0x8000_1003).frame(), 0x80001);
        assert!(PpgttPte::from_bits(0x8000_1003).writable());
    }
}
