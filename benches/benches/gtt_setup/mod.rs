//! Tables that all competitors can read, and a store that costs next to nothing.

use libxengt::addr::Mfn;
use libxengt::gtt::{StoreError, Table, TableStore};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use xengt_opponent_x86_walk::Walk;

/// How the mapped frames lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    InARow,
    RunsOf16,
    Scattered,
}

/// Four-level tables that map a space from address 0 on in 4 KiB pages; the PML4 is frame 1, the page tables
/// are frames 4 and on. The words start at a page boundary, because the `x86_64` crate reads them in place.
pub(crate) struct Space {
    words: Vec<u64>,
    skip: usize,
    tables: usize,
}

impl Space {
    pub(crate) fn new(len: u64, layout: Layout) -> Self {
        let pages = usize::try_from(len >> 12).expect("fits");
        let tables = pages / 512;
        let words = vec![0; (4 + tables + 1) * 512];
        let skip = words.as_ptr().align_offset(4096);
        let mut space = Self { words, skip, tables };
        let frame = |page: u64| match layout {
            Layout::InARow => page,
            Layout::RunsOf16 => page ^ 16,
            Layout::Scattered => page.wrapping_mul(0x9e37_79b1) & 0xf_ffff,
        };
        let words = space.words_mut();
        words[512] = 0x2003;
        words[2 * 512] = 0x3003;
        for (slot, table) in words[3 * 512..].iter_mut().zip(4_u64..).take(tables) {
            *slot = table << 12 | 3;
        }
        for (slot, page) in words[4 * 512..].iter_mut().zip(0..).take(pages) {
            *slot = frame(page) << 12 | 3;
        }
        space
    }

    fn words_mut(&mut self) -> &mut [u64] {
        let size = (4 + self.tables) * 512;
        &mut self.words[self.skip..][..size]
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words[self.skip..][..(4 + self.tables) * 512]
    }

    /// The entries of all page tables, one table after the other.
    pub(crate) fn leaves(&self) -> &[u64] {
        &self.words()[4 * 512..]
    }

    pub(crate) fn x86_walk(&mut self) -> Walk<'_> {
        Walk::new(self.words_mut(), 1).expect("tables inside the words")
    }

    pub(crate) fn guest_memory(&self) -> GuestMemoryMmap {
        let bytes: Vec<u8> = self.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), bytes.len())]).expect("mapped");
        memory.write_slice(&bytes, GuestAddress(0)).expect("written");
        memory
    }
}

/// `count` addresses anywhere below `len`, the same in every run.
pub(crate) fn addresses(len: u64, count: usize) -> Vec<u64> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % len
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A fixed number of frames in one block, handed out in order.
pub(crate) struct FixedStore {
    words: Vec<u64>,
    next: usize,
}

impl FixedStore {
    pub(crate) fn new(tables: usize) -> Self {
        Self { words: vec![0; tables * 512], next: 0 }
    }
}

impl TableStore for FixedStore {
    fn alloc(&mut self) -> Result<Mfn, StoreError> {
        if self.next * 512 >= self.words.len() {
            return Err(StoreError::Full);
        }
        self.next += 1;
        Ok(Mfn::from_truncated(u64::try_from(self.next - 1).unwrap_or(0)))
    }

    fn write_table(&mut self, table: Mfn, entries: &Table) -> Result<(), StoreError> {
        let start = usize::try_from(table.get()).unwrap_or(usize::MAX).saturating_mul(512);
        let slots = self.words.get_mut(start..).and_then(|rest| rest.get_mut(..512));
        slots.ok_or(StoreError::Refused { table, errno: 14 })?.copy_from_slice(entries);
        Ok(())
    }

    fn free(&mut self, _table: Mfn) {
        self.next -= 1;
    }
}
