//! Intel GVT-g on Xen: control of vGPUs, and sight into them.
#![deny(unsafe_code)]

pub mod addr;
pub mod capacity;
pub mod error;
pub mod fence;
pub mod gtt;
pub mod memory;
pub mod platform;
pub mod pvinfo;
pub mod tiling;
pub mod vgpu_type;
pub mod window;
