//! The monitor: its EDID, frames that pass, and pictures of what is shown.
#![forbid(unsafe_code)]

mod edid;
pub(crate) mod frames;
pub(crate) mod gmbus;
pub mod screenshot;

pub use edid::{EDID_BYTES, edid};
