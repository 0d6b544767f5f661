//! Shared ground of the benches.
#![forbid(unsafe_code)]

pub mod ratio;
