//! What a guest shows: its primary plane's registers, and a picture of what they point at.
#![forbid(unsafe_code)]

mod capture;
mod plane;

pub use capture::{Capture, CaptureError, capture};
pub use plane::{MAX_SIDE, PixelOrder, Plane, PlaneError};
