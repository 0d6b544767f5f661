//! Large guest pages: kept where the machine's frames allow, split where they do not.

use super::build::Builder;
use super::map::GfnMap;
use super::page_table::{KEPT_4K, address, page};
use super::store::{ShadowError, TableStore};
use crate::addr::{Gfn, Mfn, PAGE_SHIFT};
use crate::gtt::entry::{PAGE_SIZE_BIT, PAT_4K, PAT_LARGE, PCD, PRESENT, PWT, USER, WRITABLE};
use crate::gtt::spec::{ENTRIES, Level, PageSize};

/// What a 2 MiB or 1 GiB entry keeps of the guest's.
const KEPT_LARGE: u64 = PRESENT | WRITABLE | USER | PWT | PCD | PAT_LARGE | PAGE_SIZE_BIT;

/// What an entry that points to a table of split pages takes from the page's: not the cacheability, which is
/// the pages' and not the table's.
const SPLIT_TABLE: u64 = PRESENT | WRITABLE | USER;

/// The flags of a 4 KiB page that is part of a large one.
const fn small_flags(entry: u64) -> u64 {
    let pat = if entry & PAT_LARGE != 0 { PAT_4K } else { 0 };
    (entry & KEPT_4K & !PAT_4K) | pat
}

impl<G: GfnMap, S: TableStore> Builder<'_, G, S> {
    /// The shadow of the large page at `addr` that `guest`, an entry of a table of its level, maps.
    pub(super) fn large(
        &mut self,
        size: PageSize,
        addr: u64,
        guest: (Level, u64),
    ) -> Result<u64, ShadowError> {
        let frames = size.bytes() >> PAGE_SHIFT;
        let gfn = Gfn::from_truncated(addr >> PAGE_SHIFT);
        // Looking at 512 frames is charged like reading a table of 512 entries.
        self.charge(frames / 512)?;
        if let Some((mfn, run)) = self.map.run(gfn, frames)
            && run >= frames
            && mfn.get().is_multiple_of(frames)
            && let Some(machine) = address(&self.spec, mfn)
        {
            self.report.pages += 1;
            return Ok(guest.1 & KEPT_LARGE | machine);
        }
        let mut out = [0; ENTRIES];
        let part = size.bytes() / 512;
        for (slot, addr) in out.iter_mut().zip((addr..).step_by(usize::try_from(part).unwrap_or(1))) {
            *slot = if size == PageSize::Size1G {
                self.large(PageSize::Size2M, addr, guest)?
            } else {
                let gfn = Gfn::from_truncated(addr >> PAGE_SHIFT);
                page(&self.spec, self.map, gfn, small_flags(guest.1), guest, &mut self.report)
            };
        }
        if out == [0; ENTRIES] {
            return Ok(0);
        }
        let table: Mfn = self.put(&out)?;
        Ok(guest.1 & SPLIT_TABLE | table.addr().get())
    }
}
