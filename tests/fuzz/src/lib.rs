//! The bodies of the fuzz targets, so that ordinary tests run them over the committed seeds too.
//!
//! Each takes any bytes, and panics only when the library broke a promise.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod addresses;
mod capi;
mod input;
mod ioreq;
mod ioreq_model;
mod page_tables;
mod shadow;
mod sysfs_text;
mod tiling;
mod xenstore;

pub use addresses::addresses;
pub use capi::capi;
pub use ioreq::ioreq;
pub use page_tables::page_tables;
pub use sysfs_text::sysfs_text;
pub use tiling::tiling;
pub use xenstore::xenstore;
