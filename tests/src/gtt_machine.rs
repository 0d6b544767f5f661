//! A machine for shadow tables to live in: frames for tables, a map from guest frames, failures on demand.
#![expect(clippy::expect_used, reason = "tests state what they expect; a failed expectation is their result")]

use libxengt::addr::{Gfn, Maddr, Mfn};
use libxengt::gtt::{GfnMap, StoreError, Table, TableStore};
use libxengt::memory::FlatMemory;

/// Stretches of guest memory that are contiguous in the machine: (first gfn, frames, first mfn).
#[derive(Debug, Clone)]
pub struct Stretches(pub Vec<(u64, u64, u64)>);

impl GfnMap for Stretches {
    fn mfn(&self, gfn: Gfn) -> Option<Mfn> {
        let gfn = gfn.get();
        let (first, _, mfn) = self.0.iter().find(|(first, len, _)| (*first..first + len).contains(&gfn))?;
        Some(Mfn::new(mfn + (gfn - first)))
    }

    fn run(&self, first: Gfn, max: u64) -> Option<(Mfn, u64)> {
        let gfn = first.get();
        let (start, len, _) = self.0.iter().find(|(start, len, _)| (*start..start + len).contains(&gfn))?;
        Some((self.mfn(first)?, (start + len - gfn).min(max)))
    }
}

/// Table frames from machine frame 0 on, filled with garbage until written.
#[derive(Debug, Default)]
pub struct Store {
    /// Tables by frame.
    pub words: Vec<u64>,
    /// Frames given out and not taken back.
    pub live: Vec<Mfn>,
    /// Calls that may still succeed.
    pub left: usize,
}

impl Store {
    /// A store whose first `left` calls succeed.
    #[must_use]
    pub fn failing_after(left: usize) -> Self {
        Self { left, ..Self::default() }
    }

    /// The frames as machine memory.
    #[must_use]
    pub fn memory(&self) -> FlatMemory<Maddr, &[u64]> {
        FlatMemory::new(&self.words)
    }

    fn call(&mut self) -> Result<(), StoreError> {
        self.left = self.left.checked_sub(1).ok_or(StoreError::Full)?;
        Ok(())
    }

    fn range(table: Mfn) -> std::ops::Range<usize> {
        let start = usize::try_from(table.get()).expect("fits") * 512;
        start..start + 512
    }
}

impl TableStore for Store {
    fn alloc(&mut self) -> Result<Mfn, StoreError> {
        self.call()?;
        let table = Mfn::new(u64::try_from(self.words.len() / 512).expect("fits"));
        // What nobody wrote maps everything to one telling frame.
        self.words.extend([0xbad_bad0_0003; 512]);
        self.live.push(table);
        Ok(table)
    }

    fn write_table(&mut self, table: Mfn, entries: &Table) -> Result<(), StoreError> {
        self.call()?;
        assert!(self.live.contains(&table), "written before it was given out");
        self.words[Self::range(table)].copy_from_slice(entries);
        Ok(())
    }

    fn free(&mut self, table: Mfn) {
        let index = self.live.iter().position(|live| *live == table).expect("freed once");
        self.live.remove(index);
    }
}
