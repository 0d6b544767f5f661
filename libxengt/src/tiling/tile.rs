//! The shapes of a tile.

use core::fmt;

/// How the bytes of a 4 KiB tile are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tiling {
    /// 8 rows of 512 bytes, one after the other: what scanout and blits prefer.
    X,
    /// 8 columns of 16 bytes by 32 rows, one after the other: what rendering prefers.
    Y,
}

impl Tiling {
    /// Bytes of a tile.
    pub const BYTES: u64 = 4096;

    /// Bytes of one row of a tile.
    #[must_use]
    pub const fn width(self) -> u64 {
        match self {
            Self::X => 512,
            Self::Y => 128,
        }
    }

    /// Rows of a tile.
    #[must_use]
    pub const fn rows(self) -> u64 {
        match self {
            Self::X => 8,
            Self::Y => 32,
        }
    }

    /// Bytes of a row that lie one after the other whatever the swizzle.
    pub(super) const fn granule(self) -> u64 {
        match self {
            Self::X => 64,
            Self::Y => 16,
        }
    }

    /// Where the byte at column `x` and row `y` of a tile lies in it, before swizzling.
    pub(super) const fn offset_in_tile(self, x: u64, y: u64) -> u64 {
        match self {
            Self::X => y << 9 | x,
            Self::Y => x >> 4 << 9 | y << 4 | x & 15,
        }
    }

    /// The inverse of [`Self::offset_in_tile`].
    pub(super) const fn position_in_tile(self, offset: u64) -> (u64, u64) {
        match self {
            Self::X => (offset & 511, offset >> 9),
            Self::Y => (offset >> 9 << 4 | offset & 15, offset >> 4 & 31),
        }
    }
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X => "X",
            Self::Y => "Y",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Tiling;

    #[test]
    fn every_offset_of_a_tile_has_one_position_and_back() {
        for tiling in [Tiling::X, Tiling::Y] {
            assert_eq!(tiling.width() * tiling.rows(), Tiling::BYTES);
            for offset in 0..Tiling::BYTES {
                let (x, y) = tiling.position_in_tile(offset);
                assert!(x < tiling.width() && y < tiling.rows(), "{tiling} {offset:#x}");
                assert_eq!(tiling.offset_in_tile(x, y), offset, "{tiling} {offset:#x}");
            }
        }
    }
}
