//! The host's GPU as PCI shows it: its id, its BARs and the size of its GGTT.
#![forbid(unsafe_code)]

mod config;
mod error;
mod find;
mod resource;

pub use config::{ConfigError, ConfigSpace};
pub use error::GpuError;
pub use find::{Gpu, find};
pub use resource::{Region, parse_resource};
