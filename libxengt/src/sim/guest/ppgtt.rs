//! A simulated guest's 4-level PPGTT, with a page of every size.

use super::layout::{FRAMES_1G, FRAMES_2M, FRAMES_4K, FRAMES_64K, PML4, VA_1G, VA_2M, VA_4K, VA_64K};
use crate::addr::{Gfn, PpgttAddr};
use crate::gtt::{LargeLeaf, PpgttPde, PpgttPdpe, PpgttPml4e, PpgttPte};
use crate::platform::Generation;

/// A table page: its guest frame and its 512 entries.
pub(super) type Table = (Gfn, Box<[u64; 512]>);

/// The guest's tables: PML4, PDP, PD, and page tables of 4 KiB and (Gen9) 64 KiB pages.
pub(super) fn tables(generation: Generation) -> Vec<Table> {
    let frame = |n: u64| Gfn::from_truncated(PML4.get() + n);
    let (pdp, pd, pt_4k, pt_64k) = (frame(1), frame(2), frame(3), frame(4));
    let mut tables: Vec<Table> =
        [PML4, pdp, pd, pt_4k].into_iter().map(|at| (at, Box::new([0; 512]))).collect();
    let mut put = |table: Gfn, va: PpgttAddr, shift: u32, entry: u64| {
        let index = usize::try_from(va.get() >> shift & 0x1ff).unwrap_or(0);
        let found = tables.iter_mut().find(|(at, _)| *at == table);
        if let Some(slot) = found.and_then(|(_, entries)| entries.get_mut(index)) {
            *slot = entry;
        }
    };
    let pde = PpgttPde::new().with_present(true).with_writable(true);
    let pdpe = PpgttPdpe::new().with_present(true).with_writable(true);
    let large = LargeLeaf::new().with_present(true).with_writable(true).with_page_size(true);
    let pml4e = PpgttPml4e::new().with_present(true).with_writable(true).with_frame(pdp.get());
    put(PML4, VA_4K, 39, pml4e.into_bits());
    put(pdp, VA_4K, 30, pdpe.with_frame(pd.get()).into_bits());
    put(pdp, VA_1G, 30, large.with_frame_2m(FRAMES_1G.get() >> 9).into_bits());
    put(pd, VA_4K, 21, pde.with_frame(pt_4k.get()).into_bits());
    put(pd, VA_2M, 21, large.with_frame_2m(FRAMES_2M.get() >> 9).into_bits());
    for page in (0..16_u64).filter(|page| *page != 8) {
        let pte = PpgttPte::new().with_present(true).with_writable(page != 15);
        let va = PpgttAddr::from_truncated(VA_4K.get() + (page << 12));
        put(pt_4k, va, 12, pte.with_frame(FRAMES_4K.get() + page).into_bits());
    }
    if generation == Generation::Gen9 {
        put(pd, VA_64K, 21, pde.with_frame(pt_64k.get()).with_ips_64k(true).into_bits());
        tables.push((pt_64k, page_table_64k()));
    }
    tables
}

/// Four pages of 64 KiB. All 16 entries of each carry its address, as i915 writes them.
fn page_table_64k() -> Box<[u64; 512]> {
    let mut entries = Box::new([0; 512]);
    for (group, page) in entries.chunks_exact_mut(16).zip(0..4_u64) {
        let pte = PpgttPte::new().with_present(true).with_writable(true);
        group.fill(pte.with_frame(FRAMES_64K.get() + (page << 4)).into_bits());
    }
    entries
}
