//! Why an address does not translate.

use std::borrow::Cow;

use super::spec::Level;
use crate::error::{Diagnose, ErrorKind};
use crate::memory::MemoryError;

/// What was wrong where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The entry's present bit is 0: nothing is mapped.
    NotPresent,
    /// The table could not be read.
    Memory(MemoryError),
    /// Bits of the entry are set that must be zero.
    Reserved {
        /// Those bits, where they lie in the entry.
        bits: u64,
    },
    /// The entry names an address wider than the GPU has.
    BeyondHaw {
        /// The bits of the entry above the width.
        bits: u64,
        /// The width in bits.
        haw: u32,
    },
    /// The graphics address, or the range that starts there, does not fit the space.
    BeyondSpace {
        /// The space's size in bytes.
        size: u64,
    },
    /// The walk read as many tables as it was allowed to.
    BudgetSpent {
        /// That many, in 4 KiB tables.
        tables: u64,
    },
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotPresent => f.write_str("not present"),
            Self::Memory(error) => error.fmt(f),
            Self::Reserved { bits } => write!(f, "bits {bits:#x} are set and must be zero"),
            Self::BeyondHaw { bits, haw } => {
                write!(f, "address bits {bits:#x} lie beyond the GPU's {haw}")
            }
            Self::BeyondSpace { size } => write!(f, "the space ends at {size:#x}"),
            Self::BudgetSpent { tables } => write!(f, "gave up after reading {tables} tables"),
        }
    }
}

/// A graphics address that did not translate: where the walk ended, and why.
///
/// The numbers are bare because one type serves all spaces: `va` is in the space that was asked, `table` in
/// the memory that holds the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{va:#x} does not translate: {}: {fault}", Place(self))]
pub struct WalkError {
    /// The graphics address, in bytes.
    pub va: u64,
    /// The table the walk ended in.
    pub level: Level,
    /// That table's address in bytes; 0 for the global GTT, which is addressed by index.
    pub table: u64,
    /// The index of the entry in the table.
    pub index: u32,
    /// The entry, if it could be read.
    pub entry: Option<u64>,
    /// What was wrong.
    pub fault: Fault,
}

struct Place<'a>(&'a WalkError);

impl core::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let WalkError { level, table, index, entry, fault, .. } = self.0;
        if matches!(fault, Fault::BeyondSpace { .. }) {
            return f.write_str("no table");
        }
        write!(f, "{level}")?;
        if *level != Level::Ggtt {
            write!(f, " at {table:#x}")?;
        }
        write!(f, ", entry {index}")?;
        entry.map_or(Ok(()), |entry| write!(f, " = {entry:#x}"))
    }
}

impl Diagnose for WalkError {
    fn kind(&self) -> ErrorKind {
        match self.fault {
            Fault::NotPresent => ErrorKind::NotFound,
            Fault::BeyondSpace { .. } => ErrorKind::InvalidInput,
            Fault::Memory(_) | Fault::Reserved { .. } | Fault::BeyondHaw { .. } => ErrorKind::Failed,
            Fault::BudgetSpent { .. } => ErrorKind::NoSpace,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self.fault {
            Fault::NotPresent => "dump the space to see what is mapped".into(),
            Fault::BeyondSpace { size } => format!("give a range that ends at or below {size:#x}").into(),
            Fault::BudgetSpent { .. } => "ask for a smaller range, or allow more tables".into(),
            Fault::Reserved { .. } | Fault::BeyondHaw { .. } => {
                "check the GPU generation and the root; the guest's driver may also have written garbage"
                    .into()
            }
            Fault::Memory(_) => "check that the guest is still there and the root is its own".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, WalkError};
    use crate::error::{Diagnose, ErrorKind};
    use crate::gtt::Level;

    #[test]
    fn message_names_the_entry_and_the_reason() {
        let mut error = WalkError {
            va: 0x4000_1000,
            level: Level::Pd,
            table: 0x7000,
            index: 3,
            entry: Some(0x8),
            fault: Fault::NotPresent,
        };
        assert_eq!(
            error.to_string(),
            "0x40001000 does not translate: page directory at 0x7000, entry 3 = 0x8: not present"
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
        error.fault = Fault::BudgetSpent { tables: 9 };
        assert_eq!(error.kind(), ErrorKind::NoSpace);
    }
}
