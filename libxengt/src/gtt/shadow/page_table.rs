//! Page tables: the bottom of the shadow, where nearly all entries are.

use super::map::GfnMap;
use super::report::{DropReason, ShadowReport};
use crate::addr::{Gfn, Mfn, PAGE_SHIFT};
use crate::gtt::entry::{PAT_4K, PCD, PRESENT, PWT, USER, WRITABLE};
use crate::gtt::spec::{ENTRIES, Entry, Level, MmuSpec, PageSize, Table};

/// What a 4 KiB entry keeps of the guest's.
pub(super) const KEPT_4K: u64 = PRESENT | WRITABLE | USER | PWT | PCD | PAT_4K;

/// Entries of a group that stands for one 64 KiB page.
const STRIDE: usize = 16;

/// `mfn` as the address bits of an entry, if they suffice.
#[inline]
pub(super) fn address(spec: &MmuSpec, mfn: Mfn) -> Option<u64> {
    let addr = mfn.addr().get();
    (addr & !spec.address_bits() == 0).then_some(addr)
}

/// The shadow of one page: `flags` and the machine frame, or 0 and a line in the report.
#[inline]
pub(super) fn page<G: GfnMap>(
    spec: &MmuSpec,
    map: &G,
    gfn: Gfn,
    flags: u64,
    guest: (Level, u64),
    report: &mut ShadowReport,
) -> u64 {
    let Some(mfn) = map.mfn(gfn) else {
        report.drop_entry(guest.0, guest.1, DropReason::UnknownGfn(gfn));
        return 0;
    };
    let Some(addr) = address(spec, mfn) else {
        report.drop_entry(guest.0, guest.1, DropReason::MfnBeyondHaw(mfn));
        return 0;
    };
    report.pages += 1;
    flags | addr
}

/// The shadow of one entry of a table of 4 KiB pages.
#[inline(never)]
fn entry_4k<G: GfnMap>(spec: &MmuSpec, map: &G, entry: u64, report: &mut ShadowReport) -> u64 {
    if entry & (PRESENT | spec.beyond_bits()) == PRESENT {
        let gfn = Gfn::from_truncated((entry & spec.address_bits()) >> PAGE_SHIFT);
        return page(spec, map, gfn, entry & KEPT_4K, (Level::Pt, entry), report);
    }
    if entry & PRESENT != 0 {
        report.drop_entry(Level::Pt, entry, DropReason::Fault(spec.refuse(entry)));
    }
    0
}

/// Shadows a table of 4 KiB pages.
#[inline]
pub(super) fn table_4k<G: GfnMap>(
    spec: &MmuSpec,
    map: &G,
    guest: &Table,
    out: &mut Table,
    report: &mut ShadowReport,
) {
    // Counted here and not through `report`, which the compiler would write back for each entry.
    let mut pages = 0;
    for (slot, entry) in out.iter_mut().zip(guest) {
        let gfn = Gfn::from_truncated((entry & spec.address_bits()) >> PAGE_SHIFT);
        let valid = entry & (PRESENT | spec.beyond_bits()) == PRESENT;
        *slot = match if valid { map.mfn(gfn).and_then(|mfn| address(spec, mfn)) } else { None } {
            Some(machine) => {
                pages += 1;
                entry & KEPT_4K | machine
            }
            None if entry & PRESENT == 0 => 0,
            None => entry_4k(spec, map, *entry, report),
        };
    }
    report.pages += pages;
}

/// Shadows a table of 64 KiB pages; tells whether the shadow holds 64 KiB pages too.
///
/// It does only if the machine frames of every page are contiguous and aligned; otherwise each page becomes
/// sixteen of 4 KiB, because a table holds pages of one size.
pub(super) fn table_64k<G: GfnMap>(
    spec: &MmuSpec,
    map: &G,
    guest: &Table,
    out: &mut Table,
    report: &mut ShadowReport,
) -> bool {
    let pages = PageSize::Size64K.bytes() >> PAGE_SHIFT;
    let whole = |addr: u64| {
        let (mfn, frames) = map.run(Gfn::from_truncated(addr >> PAGE_SHIFT), pages)?;
        let fits = frames >= pages && mfn.get().is_multiple_of(pages);
        address(spec, mfn).filter(|_| fits)
    };
    let mut kept = [None; ENTRIES / STRIDE];
    let mut keep = true;
    for (slot, entry) in kept.iter_mut().zip(guest.iter().step_by(STRIDE)) {
        if let Ok(Entry::Leaf { addr, .. }) = spec.read(Level::Pt, *entry, true) {
            *slot = whole(addr);
            keep &= slot.is_some();
        }
    }
    out.fill(0);
    for ((group, entry), kept) in out.chunks_exact_mut(STRIDE).zip(guest.iter().step_by(STRIDE)).zip(kept) {
        match spec.read(Level::Pt, *entry, true) {
            Ok(Entry::Leaf { addr, .. }) => {
                if let (true, Some(machine), Some(first)) = (keep, kept, group.first_mut()) {
                    *first = entry & KEPT_4K | machine;
                    report.pages += 1;
                    continue;
                }
                for (slot, gfn) in group.iter_mut().zip(addr >> PAGE_SHIFT..) {
                    let gfn = Gfn::from_truncated(gfn);
                    *slot = page(spec, map, gfn, entry & KEPT_4K, (Level::Pt, *entry), report);
                }
            }
            Err(fault) if entry & PRESENT != 0 => {
                report.drop_entry(Level::Pt, *entry, DropReason::Fault(fault));
            }
            _ => {}
        }
    }
    keep
}

/// Brings the shadow of a table of 4 KiB pages up to date: `old` is the guest's table as it was when
/// `shadow` was made of it, `new` as it is now. Returns how many entries differed.
///
/// Costs one comparison of the tables, and for each differing entry what shadowing it costs.
pub fn reshadow_page_table<G: GfnMap>(
    spec: &MmuSpec,
    map: &G,
    old: &Table,
    new: &Table,
    shadow: &mut Table,
    report: &mut ShadowReport,
) -> usize {
    const BLOCK: usize = 32;
    let mut changed = 0;
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK)).zip(shadow.chunks_exact_mut(BLOCK));
    for ((old, new), shadow) in blocks {
        if old == new {
            continue;
        }
        for ((old, new), slot) in old.iter().zip(new).zip(shadow) {
            if old != new {
                *slot = entry_4k(spec, map, *new, report);
                changed += 1;
            }
        }
    }
    changed
}
