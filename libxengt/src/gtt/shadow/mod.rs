//! Shadow tables: a guest's PPGTT rebuilt with machine frames.
//!
//! The guest's tables name guest frames, which the GPU cannot use. [`shadow`] builds tables of the same
//! shape whose entries name machine frames, each entry from the guest's entry and the frame map, afresh.
//! An entry whose frame is unknown is left not present and counted: it never inherits what stood in the
//! slot before (GVT-g once wrote such entries from uninitialised memory, `ppgtt_populate_spt`).

mod build;
mod large;
mod map;
mod page_table;
mod report;
mod store;

pub use build::{Shadow, shadow};
pub use map::{FlatGfnMap, GfnMap};
pub use page_table::reshadow_page_table;
pub use report::{DropReason, Dropped, ShadowReport};
pub use store::{ShadowError, StoreError, TableStore};
