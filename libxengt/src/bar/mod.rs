//! Maps of the GPU's BARs: the mapping edge, one of the three places where `unsafe` lives.
//!
//! A BAR's memory changes under us (registers, GGTT entries, a guest's framebuffer), so nothing here ever is
//! a Rust reference: [`Mapping`] hands out copies, made by volatile reads. The same code maps the real
//! `/sys/bus/pci/devices/0000:00:02.0/resource0` and the simulated host's file of that name.
//!
//! `stream` is the other way: stores past the caches into memory of our own.

mod error;
mod mapping;
mod registers;
pub(crate) mod stream;

pub use error::BarError;
pub use mapping::Mapping;
pub use registers::{GGTT_OFFSET, Mmio};
