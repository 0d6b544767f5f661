//! What a simulated guest holds, and what its vGPU's host side shows.
//!
//! Everything is computed from the vGPU's record alone, so drawing it twice gives the same bytes.

mod drawing;
mod font;
mod ggtt;
pub mod layout;
mod memory;
mod p2m;
mod ppgtt;
mod registers;
mod test_card;

pub(super) use drawing::Drawing;
pub use layout::GUEST_MEMORY;
pub use memory::FileMemory;
