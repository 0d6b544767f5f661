//! Shared ground of the tests: simple, slow interpreters of the manuals that the fast code is held against.

mod cases;
mod churn;
pub mod gtt_machine;
pub mod gtt_prm;
pub mod gtt_tables;
pub mod gtt_valid;
mod host_check;
pub mod tiled;

pub use cases::cases;
pub use churn::{churn, one};
pub use host_check::check_host;
