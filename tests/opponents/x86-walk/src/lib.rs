//! The `x86_64` crate's page walk over tables in a slice.
//!
//! It reads the tables where they lie and checks no address, which is why its constructor is unsafe; here
//! every table is checked once, before the first walk.
#![expect(unsafe_code, reason = "the competitor's constructor is unsafe")]

use x86_64::VirtAddr;
use x86_64::structures::paging::{OffsetPageTable, PageTable, Translate};

/// Entries of a table.
const ENTRIES: usize = 512;

/// Checked tables, ready to be walked.
#[derive(Debug)]
pub struct Walk<'t> {
    tables: OffsetPageTable<'t>,
}

impl<'t> Walk<'t> {
    /// Four levels of tables in `words`, addressed from 0, the root in frame `root`; `None` if they do not
    /// start at a page boundary, or an entry leads out of `words`.
    pub fn new(words: &'t mut [u64], root: usize) -> Option<Self> {
        let start = words.as_ptr();
        if start.align_offset(4096) != 0 || !all_inside(words, root, 3) {
            return None;
        }
        let table = words.get_mut(root * ENTRIES..)?.first_chunk_mut::<ENTRIES>()?;
        let table: *mut PageTable = core::ptr::from_mut(table).cast();
        // SAFETY: `table` is 512 entries at a page boundary, and stays borrowed mutably for `'t`.
        let table = unsafe { &mut *table };
        // SAFETY: `all_inside` saw that every table lies in `words` at its address counted from `start`.
        let tables = unsafe { OffsetPageTable::new(table, VirtAddr::from_ptr(start)) };
        Some(Self { tables })
    }

    /// Where `va` leads.
    #[inline]
    #[must_use]
    pub fn translate(&self, va: u64) -> Option<u64> {
        self.tables.translate_addr(VirtAddr::new_truncate(va)).map(x86_64::PhysAddr::as_u64)
    }
}

/// Whether the table in `frame` and all below it, `levels` of them, lie in `words`.
fn all_inside(words: &[u64], frame: usize, levels: u32) -> bool {
    let Some(table) = words.get(frame * ENTRIES..).and_then(|rest| rest.get(..ENTRIES)) else {
        return false;
    };
    // Bit 7 makes an entry a page, which is not read.
    let next = table.iter().filter(|entry| **entry & 0x81 == 1);
    levels == 0
        || next
            .map(|entry| usize::try_from((entry & 0xf_ffff_ffff_f000) >> 12).unwrap_or(usize::MAX / ENTRIES))
            .all(|frame| all_inside(words, frame, levels - 1))
}

#[cfg(test)]
mod tests {
    use super::Walk;

    #[test]
    fn tables_that_lead_out_of_the_words_are_refused() {
        let mut words = vec![0_u64; 6 * 512];
        let skip = words.as_ptr().align_offset(4096);
        let words = &mut words[skip..][..5 * 512];
        for (frame, next) in [(0, 1), (1, 2), (2, 3), (3, 7)] {
            words[frame * 512] = next << 12 | 3;
        }
        assert_eq!(Walk::new(words, 0).unwrap().translate(0x123), Some(0x7123));
        words[2 * 512 + 1] = 9 << 12 | 3;
        assert!(Walk::new(words, 0).is_none());
        assert!(Walk::new(words, 8).is_none());
    }
}
