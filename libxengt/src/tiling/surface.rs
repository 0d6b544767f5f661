//! A tiled surface: its size and where each of its bytes lies.

use super::{Convert, CopyPlan, LinearLayout, Rect, Swizzle, Tiling, TilingError};

/// A surface of whole tiles that starts at a 4 KiB boundary.
///
/// # Invariants
/// The pitch is a multiple of the tile's width and not zero; pitch times the rows, rounded up to whole tiles,
/// is a length that a slice can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TiledSurface {
    tiling: Tiling,
    swizzle: Swizzle,
    pitch: u64,
    rows: u64,
}

impl TiledSurface {
    /// A surface of `rows` rows that lie `pitch` bytes apart.
    ///
    /// # Errors
    /// [`TilingError::Pitch`] if the pitch is zero or not whole tiles, [`TilingError::TooLarge`] if the surface
    /// would not fit memory.
    pub fn try_new(tiling: Tiling, swizzle: Swizzle, pitch: u64, rows: u64) -> Result<Self, TilingError> {
        if pitch == 0 || !pitch.is_multiple_of(tiling.width()) {
            return Err(TilingError::Pitch { pitch, tiling });
        }
        // INVARIANT: `bytes()` fits a slice.
        rows.checked_next_multiple_of(tiling.rows())
            .and_then(|whole| whole.checked_mul(pitch))
            .filter(|bytes| isize::try_from(*bytes).is_ok())
            .ok_or(TilingError::TooLarge { pitch, rows })?;
        Ok(Self { tiling, swizzle, pitch, rows })
    }

    /// How the surface is tiled.
    #[must_use]
    pub const fn tiling(&self) -> Tiling {
        self.tiling
    }

    /// How its addresses are swizzled.
    #[must_use]
    pub const fn swizzle(&self) -> Swizzle {
        self.swizzle
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn pitch(&self) -> u64 {
        self.pitch
    }

    /// How many rows it has.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the surface in memory: whole tiles.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.rows.next_multiple_of(self.tiling.rows()) * self.pitch
    }

    /// Where byte `x` of row `y` lies, in bytes from the surface's start; `None` outside the surface.
    #[must_use]
    pub fn offset_of(&self, x: u64, y: u64) -> Option<u64> {
        (x < self.pitch && y < self.rows).then(|| self.offset_inside(x, y))
    }

    /// Which byte and row (x, y) lies at `offset` bytes from the surface's start; `None` outside the surface.
    ///
    /// The last tile row may hold rows past the surface's last: they are outside.
    #[must_use]
    pub fn position_of(&self, offset: u64) -> Option<(u64, u64)> {
        let offset = self.swizzle.apply(offset);
        let (tile, in_tile) = (offset / Tiling::BYTES, offset % Tiling::BYTES);
        let tiles_per_row = self.pitch / self.tiling.width();
        let (x, y) = self.tiling.position_in_tile(in_tile);
        let y = y + tile / tiles_per_row * self.tiling.rows();
        (y < self.rows).then(|| (x + tile % tiles_per_row * self.tiling.width(), y))
    }

    /// Checks a copy between `rect` of this surface and a linear buffer, once and for all its runs.
    ///
    /// # Errors
    /// [`TilingError`] if the rectangle leaves the surface or cuts pixels, or the linear rows would overlap.
    pub fn plan(&self, rect: Rect, linear: LinearLayout, convert: Convert) -> Result<CopyPlan, TilingError> {
        CopyPlan::try_new(*self, rect, linear, convert)
    }

    /// [`Self::offset_of`] where (x, y) is known to be inside.
    pub(super) const fn offset_inside(&self, x: u64, y: u64) -> u64 {
        let (width, rows) = (self.tiling.width(), self.tiling.rows());
        // A row of tiles takes `rows` rows of `pitch` bytes.
        let tile = y / rows * rows * self.pitch + x / width * Tiling::BYTES;
        tile + self.swizzle.apply(self.tiling.offset_in_tile(x % width, y % rows))
    }
}

#[cfg(test)]
mod tests {
    use super::{Swizzle, TiledSurface, Tiling, TilingError};

    #[test]
    fn offsets_and_positions_are_inverse_over_whole_surfaces() {
        for (tiling, pitch, rows) in [(Tiling::X, 1536, 19), (Tiling::Y, 384, 70)] {
            for swizzle in Swizzle::ALL {
                let surface = TiledSurface::try_new(tiling, swizzle, pitch, rows).unwrap();
                let mut inside = 0;
                for offset in 0..surface.bytes() {
                    if let Some((x, y)) = surface.position_of(offset) {
                        assert_eq!(surface.offset_of(x, y), Some(offset));
                        inside += 1;
                    }
                }
                assert_eq!(inside, pitch * rows);
                assert_eq!(surface.position_of(surface.bytes()), None);
                assert_eq!(surface.position_of(u64::MAX), None);
                assert_eq!(surface.offset_of(pitch, 0), None);
                assert_eq!(surface.offset_of(0, rows), None);
            }
        }
    }

    #[test]
    fn surfaces_that_cannot_be_are_refused() {
        let new = |tiling, pitch, rows| TiledSurface::try_new(tiling, Swizzle::None, pitch, rows);
        for (tiling, pitch) in [(Tiling::X, 0), (Tiling::X, 128), (Tiling::Y, 64), (Tiling::Y, u64::MAX)] {
            assert_eq!(new(tiling, pitch, 1), Err(TilingError::Pitch { pitch, tiling }));
        }
        for (pitch, rows) in [(512, u64::MAX), (1 << 62, 8), (512, 1 << 54), (u64::MAX - 511, 1)] {
            assert_eq!(new(Tiling::X, pitch, rows), Err(TilingError::TooLarge { pitch, rows }));
        }
        assert!(new(Tiling::X, 512, 0).is_ok());
    }
}
