//! The PPGTT as the PRM's volume 5 describes it, one sentence after the other, with no thought of speed.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "tests state what they expect; a failed expectation is their result"
)]

use std::collections::BTreeMap;

/// What the manual says an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A page.
    Page {
        /// The byte that the address names.
        addr: u64,
        /// Bytes of the page.
        size: u64,
        /// Whether all levels allow writing.
        writable: bool,
        /// PAT, PCD, PWT as a number.
        ppat: u64,
    },
    /// Some level's present bit is 0.
    Absent,
    /// Some level is present and must not look like that, or is not in memory.
    Broken,
}

/// Tables in words by address, and how to read them.
#[derive(Debug, Clone)]
pub struct Prm {
    words: BTreeMap<u64, u64>,
    end: u64,
    gen9: bool,
}

/// Bits `high` to `low` of a number, in the PRM's way of writing them.
fn field(number: u64, high: u32, low: u32) -> u64 {
    let dropped = u128::from(number) / (1_u128 << low);
    u64::try_from(dropped % (1_u128 << (high - low + 1))).expect("fits")
}

impl Prm {
    /// Memory that holds `words` from address 0 on.
    #[must_use]
    pub fn new(words: &[u64], gen9: bool) -> Self {
        let end = 8 * u64::try_from(words.len()).expect("fits");
        let words = (0..).step_by(8).zip(words.iter().copied()).filter(|(_, word)| *word != 0).collect();
        Self { words, end, gen9 }
    }

    fn word(&self, table_frame: u64, index: u64) -> Option<u64> {
        let at = table_frame * 4096 + index * 8;
        (at < self.end).then(|| self.words.get(&at).copied().unwrap_or(0))
    }

    /// The four-level walk from the table in frame `pml4`.
    #[must_use]
    pub fn four_levels(&self, pml4: u64, va: u64) -> Answer {
        let Some(entry) = self.word(pml4, field(va, 47, 39)) else { return Answer::Broken };
        match entry {
            e if field(e, 0, 0) == 0 => Answer::Absent,
            e if field(e, 51, 46) != 0 || field(e, 7, 7) == 1 => Answer::Broken,
            e => self.pointer_table(field(e, 45, 12), va, field(e, 1, 1) == 1),
        }
    }

    /// The three-level walk from the page directories in frames `pdps`.
    #[must_use]
    pub fn three_levels(&self, pdps: [Option<u64>; 4], va: u64) -> Answer {
        assert_eq!(field(va, 63, 32), 0, "outside a 32-bit space");
        let quarter = usize::try_from(field(va, 31, 30)).expect("fits");
        pdps[quarter].map_or(Answer::Absent, |directory| self.directory(directory, va, true))
    }

    fn pointer_table(&self, frame: u64, va: u64, writable: bool) -> Answer {
        let Some(entry) = self.word(frame, field(va, 38, 30)) else { return Answer::Broken };
        if field(entry, 0, 0) == 0 {
            return Answer::Absent;
        }
        if field(entry, 51, 46) != 0 {
            return Answer::Broken;
        }
        let writable = writable && field(entry, 1, 1) == 1;
        if field(entry, 7, 7) == 0 {
            return self.directory(field(entry, 45, 12), va, writable);
        }
        if field(entry, 29, 13) != 0 {
            return Answer::Broken;
        }
        let ppat = 4 * field(entry, 12, 12) + field(entry, 4, 3);
        let size = 1024 * 1024 * 1024;
        Answer::Page { addr: field(entry, 45, 30) * size + field(va, 29, 0), size, writable, ppat }
    }

    fn directory(&self, frame: u64, va: u64, writable: bool) -> Answer {
        let Some(entry) = self.word(frame, field(va, 29, 21)) else { return Answer::Broken };
        if field(entry, 0, 0) == 0 {
            return Answer::Absent;
        }
        if field(entry, 51, 46) != 0 {
            return Answer::Broken;
        }
        let writable = writable && field(entry, 1, 1) == 1;
        if field(entry, 7, 7) == 0 {
            let table = field(entry, 45, 12);
            return if self.gen9 && field(entry, 11, 11) == 1 {
                self.table_of_64k(table, va, writable)
            } else {
                self.table_of_4k(table, va, writable)
            };
        }
        if field(entry, 20, 13) != 0 {
            return Answer::Broken;
        }
        let ppat = 4 * field(entry, 12, 12) + field(entry, 4, 3);
        let size = 2 * 1024 * 1024;
        Answer::Page { addr: field(entry, 45, 21) * size + field(va, 20, 0), size, writable, ppat }
    }

    fn table_of_4k(&self, frame: u64, va: u64, writable: bool) -> Answer {
        let Some(entry) = self.word(frame, field(va, 20, 12)) else { return Answer::Broken };
        if field(entry, 0, 0) == 0 {
            return Answer::Absent;
        }
        if field(entry, 51, 46) != 0 {
            return Answer::Broken;
        }
        let ppat = 4 * field(entry, 7, 7) + field(entry, 4, 3);
        let addr = field(entry, 45, 12) * 4096 + field(va, 11, 0);
        Answer::Page { addr, size: 4096, writable: writable && field(entry, 1, 1) == 1, ppat }
    }

    fn table_of_64k(&self, frame: u64, va: u64, writable: bool) -> Answer {
        // The low four bits of the index are part of the page offset: entry 16 x bits 20:16.
        let Some(entry) = self.word(frame, 16 * field(va, 20, 16)) else { return Answer::Broken };
        if field(entry, 0, 0) == 0 {
            return Answer::Absent;
        }
        if field(entry, 51, 46) != 0 || field(entry, 15, 12) != 0 {
            return Answer::Broken;
        }
        let ppat = 4 * field(entry, 7, 7) + field(entry, 4, 3);
        let addr = field(entry, 45, 16) * 65536 + field(va, 15, 0);
        Answer::Page { addr, size: 65536, writable: writable && field(entry, 1, 1) == 1, ppat }
    }
}
