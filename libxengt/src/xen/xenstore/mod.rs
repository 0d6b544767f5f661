//! Xenstore, as much of it as names domains and tells of their end: read, list, watch.
#![forbid(unsafe_code)]

mod client;
mod error;
mod lifetime;
#[cfg(test)]
pub(super) mod mock;
mod names;
pub mod wire;

pub use client::{WatchEvent, Xenstore};
pub use error::StoreError;
pub use lifetime::Lifetime;
pub use names::{NamedDomain, find_domain};
