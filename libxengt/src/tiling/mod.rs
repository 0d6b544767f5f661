//! X and Y tiles: where a surface's bytes lie, and copies between tiled and linear memory.
//!
//! Source: Intel PRM for Skylake, volume 5 "Memory Views", "Address Tiling Function"; kernel: `i915_drm.h`
//! (`I915_TILING_*`, `I915_BIT_6_SWIZZLE_*`). A tile is one 4 KiB page, and tiles follow each other along a
//! tile row. All positions, pitches and sizes are bytes and rows, never pixels.
//!
//! ```
//! use libxengt::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, Tiling};
//!
//! // A guest's screen of 64 x 48 pixels in BGRX, copied out of its memory already.
//! let screen = TiledSurface::try_new(Tiling::Y, Swizzle::None, 256, 48)?;
//! let tiled = vec![0x55; 256 * 64]; // 48 rows end in the second row of 32-row tiles
//! let mut rgba = vec![0; 256 * 48];
//! let all = Rect { x: 0, y: 0, width: 256, height: 48 };
//! screen.plan(all, LinearLayout { offset: 0, pitch: 256 }, Convert::BgrxRgba)?.detile(&tiled, &mut rgba)?;
//! assert_eq!(rgba[..4], [0x55, 0x55, 0x55, 0xff]);
//! # Ok::<(), libxengt::tiling::TilingError>(())
//! ```
#![forbid(unsafe_code)]

mod convert;
mod detile;
mod error;
mod interior;
mod pieces;
mod plan;
mod sink;
mod surface;
mod swizzle;
mod tile;

pub use convert::Convert;
pub use error::TilingError;
pub use plan::{CopyPlan, LinearLayout, Rect};
pub use surface::TiledSurface;
pub use swizzle::Swizzle;
pub use tile::Tiling;
