//! Where shadow tables are kept, and what can go wrong with that.

use std::borrow::Cow;

use crate::addr::Mfn;
use crate::error::{Diagnose, ErrorKind};
use crate::gtt::{Table, WalkError};

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No frame is left for another table.
    #[error("no machine frame is left for another shadow table")]
    Full,
    /// The frame cannot be written.
    #[error("cannot write the shadow table in machine frame {table}: errno {errno}")]
    Refused {
        /// The table.
        table: Mfn,
        /// The system's errno.
        errno: i32,
    },
}

/// Machine frames for shadow tables.
pub trait TableStore {
    /// A frame for one table. What it holds does not matter: it is written whole before anything points to it.
    ///
    /// # Errors
    /// [`StoreError::Full`].
    fn alloc(&mut self) -> Result<Mfn, StoreError>;

    /// Writes all of the table in `table`, which [`Self::alloc`] gave.
    ///
    /// # Errors
    /// [`StoreError::Refused`].
    fn write_table(&mut self, table: Mfn, entries: &Table) -> Result<(), StoreError>;

    /// Takes back a frame that [`Self::alloc`] gave and nothing points to.
    fn free(&mut self, table: Mfn);
}

/// Why shadow tables could not be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShadowError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store gave a frame that no entry can name.
    #[error("the store gave machine frame {table} for a table: entries name frames below {limit:#x}")]
    TableBeyondHaw {
        /// The frame.
        table: Mfn,
        /// One past the last frame that an entry can name.
        limit: u64,
    },
    /// The guest's root table cannot be read.
    #[error("the root table cannot be read: {0}")]
    Root(WalkError),
    /// The guest's tables take more work than was allowed.
    #[error("the guest's tables take more work than the {tables} tables allowed")]
    BudgetSpent {
        /// What was allowed, in 4 KiB tables.
        tables: u64,
    },
}

impl Diagnose for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Full => ErrorKind::NoSpace,
            Self::Refused { .. } => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        matches!(self, Self::Full).then(|| "free some of dom0's memory".into())
    }
}

impl Diagnose for ShadowError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::TableBeyondHaw { .. } => ErrorKind::Failed,
            Self::Root(error) => error.kind(),
            Self::BudgetSpent { .. } => ErrorKind::NoSpace,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Store(error) => error.hint(),
            Self::TableBeyondHaw { limit, .. } => {
                Some(format!("take the store's frames from below {limit:#x}").into())
            }
            Self::Root(error) => error.hint(),
            Self::BudgetSpent { .. } => {
                Some("allow more tables, if the guest can be trusted that far".into())
            }
        }
    }
}
