//! Fence registers: ranges of the global GTT that the hardware detiles for the CPU.
//!
//! Source: Intel PRM for Skylake, volume 2c, "FENCE"; kernel: `i915/i915_reg.h` (`FENCE_REG_GEN6_LO`) and
//! `i915/gt/intel_ggtt_fencing.c`. The layout is the one of Gen7 and later. All sizes are bytes.
//!
//! ```
//! use libxengt::addr::HostGma;
//! use libxengt::fence::{Fence, FenceReg};
//! use libxengt::tiling::Tiling;
//!
//! let fence = Fence { start: HostGma::new(0x80_0000), len: 0x7f_0000, pitch: 7680, tiling: Tiling::X };
//! let register = fence.encode()?;
//! assert_eq!(u64::from(register), 0x00fe_f03b_0080_0001);
//! assert_eq!(Fence::decode(register)?, Some(fence));
//! # Ok::<(), libxengt::fence::FenceError>(())
//! ```
#![forbid(unsafe_code)]

mod codec;
mod error;
mod index;
mod register;

pub use codec::{Fence, FenceAddr};
pub use error::FenceError;
pub use index::FenceIndex;
pub use register::FenceReg;

/// How many fence registers the hardware has.
pub const COUNT: u8 = 32;
/// Where the first fence register lies in the registers' BAR, in bytes.
pub const MMIO_BASE: u64 = 0x10_0000;
/// Distance of one fence register from the next, in bytes.
pub const MMIO_STRIDE: u64 = 8;
/// The longest pitch a fence can hold, in bytes (kernel: `GEN7_FENCE_MAX_PITCH_VAL` units).
pub const MAX_PITCH: u64 = 0x800 * PITCH_UNIT;
/// The unit of the register's pitch field, in bytes.
pub const PITCH_UNIT: u64 = 128;
