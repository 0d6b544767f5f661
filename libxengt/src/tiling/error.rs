//! Why a surface or a copy is refused.

use std::borrow::Cow;

use super::{Rect, Tiling};
use crate::error::{Diagnose, ErrorKind};

/// A surface that cannot be, or a copy that would leave its surface or its buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TilingError {
    /// The swizzle mode is not one that addresses alone decide.
    #[error("bit-6 swizzle mode {mode} cannot be undone: {reason}")]
    Swizzle {
        /// The kernel's number of the mode.
        mode: u32,
        /// Its name, and why not.
        reason: &'static str,
    },
    /// The pitch is zero or not whole tiles.
    #[error("surface pitch {pitch} is not a multiple of {}, the width of an {tiling} tile", .tiling.width())]
    Pitch {
        /// The pitch in bytes.
        pitch: u64,
        /// How the surface is tiled.
        tiling: Tiling,
    },
    /// The surface's size overflows.
    #[error("a surface of {rows} rows with pitch {pitch} does not fit memory")]
    TooLarge {
        /// The pitch in bytes.
        pitch: u64,
        /// How many rows were asked for.
        rows: u64,
    },
    /// The rectangle is not inside the surface.
    #[error("rectangle {rect} is not inside a surface of {pitch} bytes by {rows} rows")]
    Outside {
        /// What was to be copied.
        rect: Rect,
        /// Bytes of a row of the surface.
        pitch: u64,
        /// Rows of the surface.
        rows: u64,
    },
    /// The rectangle cuts pixels in two.
    #[error("rectangle {rect} cuts pixels of {pixel_bytes} bytes: give a position and width in whole pixels")]
    CutsPixels {
        /// What was to be copied.
        rect: Rect,
        /// Bytes of a pixel of this conversion.
        pixel_bytes: u64,
    },
    /// Rows of the linear side would overlap, or its size overflows.
    #[error("linear pitch {pitch} at offset {offset} cannot hold rectangle {rect}")]
    LinearPitch {
        /// Distance of the linear rows, in bytes.
        pitch: u64,
        /// Where the first of them starts, in bytes.
        offset: u64,
        /// What was to be copied.
        rect: Rect,
    },
    /// The buffer of the tiled surface is too short.
    #[error("the tiled buffer has {len} bytes where the copy touches {needed}")]
    TiledShort {
        /// Bytes of the buffer.
        len: usize,
        /// Bytes that the copy needs, from the surface's start.
        needed: usize,
    },
    /// The linear buffer is too short.
    #[error("the linear buffer has {len} bytes where the copy touches {needed}")]
    LinearShort {
        /// Bytes of the buffer.
        len: usize,
        /// Bytes that the copy needs, from the buffer's start.
        needed: usize,
    },
}

impl Diagnose for TilingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Swizzle { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::InvalidInput,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Swizzle { .. } => "read the surface through the aperture, where the hardware detiles it",
            Self::Pitch { .. } => "round the pitch up to whole tiles: 512 bytes for X, 128 for Y",
            Self::TooLarge { .. } => "check the surface's pitch and height",
            Self::Outside { .. } => "clip the rectangle to the surface",
            Self::CutsPixels { .. } => "make x and width multiples of the pixel's bytes",
            Self::LinearPitch { .. } => "give a linear pitch of at least the rectangle's width",
            Self::TiledShort { .. } => "copy whole tile rows out of memory before detiling",
            Self::LinearShort { .. } => "allocate (height - 1) * pitch + width bytes after the offset",
        }))
    }
}
