//! Which Intel graphics can host vGPUs.
#![forbid(unsafe_code)]

mod generation;

pub use generation::Generation;
