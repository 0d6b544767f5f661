//! Sight into one vGPU: what dom0's kernel shows of its virtual GGTT and MMIO registers.
//!
//! | file under `/sys/kernel/debug/xengt/vm<domid>` | content |
//! |---|---|
//! | `ggtt` | the guest's GGTT entries, 8 bytes each, little-endian, from graphics address 0 on |
//! | `mmio` | the vGPU's 2 MB of registers as its guest reads them |
//!
//! Kernels without our series have neither; the error then says so.
#![forbid(unsafe_code)]

mod error;
mod image;
mod mmio;
mod virtual_ggtt;

pub use error::InspectError;
pub use mmio::MmioImage;
pub use virtual_ggtt::VirtualGgtt;
