//! A copy, checked once.

use core::fmt;

use super::{Convert, TiledSurface, Tiling, TilingError, detile, pieces};

/// A rectangle of a surface. `x` and `width` are bytes, `y` and `height` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// First byte of each row.
    pub x: u64,
    /// First row.
    pub y: u64,
    /// Bytes of each row.
    pub width: u64,
    /// How many rows.
    pub height: u64,
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes x {} rows at byte {}, row {}", self.width, self.height, self.x, self.y)
    }
}

/// How rows lie in a linear buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinearLayout {
    /// Where the rectangle's first row starts, in bytes from the buffer's start.
    pub offset: u64,
    /// Distance of one row from the next, in bytes: at least the rectangle's width.
    pub pitch: u64,
}

/// A copy between a rectangle of a tiled surface and a linear buffer.
///
/// # Invariants
/// The rectangle lies inside the surface; every offset of either side below its `needed` fits `usize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CopyPlan {
    pub(super) surface: TiledSurface,
    pub(super) rect: Rect,
    pub(super) linear: LinearLayout,
    pub(super) convert: Convert,
    tiled_needed: usize,
    linear_needed: usize,
}

impl CopyPlan {
    pub(super) fn try_new(
        surface: TiledSurface,
        rect: Rect,
        linear: LinearLayout,
        convert: Convert,
    ) -> Result<Self, TilingError> {
        let (pitch, rows) = (surface.pitch(), surface.rows());
        let outside = TilingError::Outside { rect, pitch, rows };
        rect.x.checked_add(rect.width).filter(|right| *right <= pitch).ok_or(outside)?;
        let bottom = rect.y.checked_add(rect.height).filter(|bottom| *bottom <= rows).ok_or(outside)?;
        let pixel_bytes = convert.pixel_bytes();
        if !(rect.x.is_multiple_of(pixel_bytes) && rect.width.is_multiple_of(pixel_bytes)) {
            return Err(TilingError::CutsPixels { rect, pixel_bytes });
        }
        // INVARIANT: both lengths are checked to fit here, and nothing beyond them is touched later.
        let too_large = TilingError::TooLarge { pitch, rows };
        let bad_linear = TilingError::LinearPitch { pitch: linear.pitch, offset: linear.offset, rect };
        let (tiled_needed, linear_needed) = if rect.width == 0 || rect.height == 0 {
            (0, 0)
        } else if linear.pitch < rect.width {
            return Err(bad_linear);
        } else {
            let tiled = bottom.next_multiple_of(surface.tiling().rows()) * pitch;
            let linear = (rect.height - 1)
                .checked_mul(linear.pitch)
                .and_then(|last| last.checked_add(rect.width))
                .and_then(|bytes| bytes.checked_add(linear.offset))
                .ok_or(bad_linear)?;
            (usize::try_from(tiled).map_err(|_| too_large)?, usize::try_from(linear).map_err(|_| bad_linear)?)
        };
        // A copy of nothing has no rows to walk, however tall it is: their offsets were not checked to fit.
        let rect = if tiled_needed == 0 { Rect { width: 0, height: 0, ..rect } } else { rect };
        Ok(Self { surface, rect, linear, convert, tiled_needed, linear_needed })
    }

    /// Bytes of the tiled buffer that the copy needs, from the surface's start: whole tile rows.
    #[must_use]
    pub const fn tiled_needed(&self) -> usize {
        self.tiled_needed
    }

    /// Bytes of the linear buffer that the copy needs, from the buffer's start.
    #[must_use]
    pub const fn linear_needed(&self) -> usize {
        self.linear_needed
    }

    /// Copies from `tiled`, the surface from its start on, to `linear`. Bytes between rows stay as they are.
    ///
    /// Fastest where every linear row starts at a multiple of 64 in memory, and half as fast where rows do not
    /// start at multiples of 16.
    ///
    /// # Errors
    /// [`TilingError::TiledShort`] or [`TilingError::LinearShort`] if a buffer is too short; nothing is
    /// copied then.
    pub fn detile(&self, tiled: &[u8], linear: &mut [u8]) -> Result<(), TilingError> {
        self.check(tiled.len(), linear.len())?;
        detile::detile(self, tiled, linear);
        Ok(())
    }

    /// Copies from `linear` to `tiled`, the surface from its start on. Other bytes of the surface stay as they
    /// are.
    ///
    /// # Errors
    /// [`TilingError::TiledShort`] or [`TilingError::LinearShort`] if a buffer is too short; nothing is
    /// copied then.
    pub fn tile(&self, linear: &[u8], tiled: &mut [u8]) -> Result<(), TilingError> {
        self.check(tiled.len(), linear.len())?;
        pieces::tile(self, linear, tiled);
        Ok(())
    }

    /// How the surface is tiled.
    #[must_use]
    pub const fn tiling(&self) -> Tiling {
        self.surface.tiling()
    }

    fn check(&self, tiled: usize, linear: usize) -> Result<(), TilingError> {
        if tiled < self.tiled_needed {
            return Err(TilingError::TiledShort { len: tiled, needed: self.tiled_needed });
        }
        if linear < self.linear_needed {
            return Err(TilingError::LinearShort { len: linear, needed: self.linear_needed });
        }
        Ok(())
    }
}
