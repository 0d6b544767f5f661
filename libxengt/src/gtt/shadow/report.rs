//! What could not be shadowed.

use crate::addr::{Gfn, Mfn};
use crate::gtt::{Fault, Level};

/// Why a present guest entry has no shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// The guest has no such frame.
    UnknownGfn(Gfn),
    /// The frame's machine frame is one that no entry can name.
    MfnBeyondHaw(Mfn),
    /// The entry is malformed, or points to a table that cannot be read.
    Fault(Fault),
}

/// A present guest entry, or a page of a large one, that has no shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The kind of table the guest's entry lies in.
    pub level: Level,
    /// The guest's entry.
    pub entry: u64,
    /// Why.
    pub reason: DropReason,
}

/// The sum of what was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShadowReport {
    /// Leaf entries written, of any page size.
    pub pages: u64,
    /// Guest entries, and 4 KiB pages of large ones, that were left out.
    pub dropped: u64,
    /// The first of those, at most [`ShadowReport::KEPT`].
    pub first_dropped: Vec<Dropped>,
}

impl ShadowReport {
    /// How many drops are kept one by one: enough to see a pattern, and no guest can make it more.
    pub const KEPT: usize = 64;

    #[cold]
    pub(super) fn drop_entry(&mut self, level: Level, entry: u64, reason: DropReason) {
        self.dropped += 1;
        if self.first_dropped.len() < Self::KEPT {
            self.first_dropped.push(Dropped { level, entry, reason });
        }
    }
}
