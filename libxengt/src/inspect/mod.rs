//! Sight into one vGPU: what dom0's kernel shows of its virtual GGTT and MMIO registers, and of what lies behind.
//!
//! | file under `/sys/kernel/debug/xengt/vm<domid>` | content |
//! |---|---|
//! | `ggtt` | the guest's GGTT entries, 8 bytes each, little-endian, from graphics address 0 on |
//! | `mmio` | the vGPU's 2 MB of registers as its guest reads them |
//! | `scratch` | the machine frame that all entries lead to which the guest does not use: `0x`, hexadecimal digits, a newline |
//!
//! Kernels without our series have none of them; the error then says so, but for `scratch`, which is then not known.
#![forbid(unsafe_code)]

mod error;
mod image;
mod mmio;
mod scratch;
mod virtual_ggtt;

pub use error::InspectError;
pub use mmio::MmioImage;
pub use scratch::scratch_frame;
pub use virtual_ggtt::VirtualGgtt;
