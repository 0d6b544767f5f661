//! Pixel conversion on the way.

use crate::bar::stream::Block;

/// What happens to each pixel while it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Convert {
    /// Bytes stay as they are; any pixel size.
    #[default]
    AsIs,
    /// 4-byte pixels: first and third byte change places and the fourth becomes 255.
    ///
    /// From BGRX (a guest's usual framebuffer) to opaque RGBA (what image files hold), and back.
    BgrxRgba,
}

impl Convert {
    /// Bytes of a pixel: what positions and widths must be multiples of.
    #[must_use]
    pub const fn pixel_bytes(self) -> u64 {
        match self {
            Self::AsIs => 1,
            Self::BgrxRgba => 4,
        }
    }
}

/// A conversion as a type, so that each has loops of its own.
pub(super) trait Pixels: Copy {
    fn convert<const N: usize>(blocks: [Block; N]) -> [Block; N];
}

/// [`Convert::AsIs`].
#[derive(Clone, Copy)]
pub(super) struct AsIs;

impl Pixels for AsIs {
    #[inline(always)]
    fn convert<const N: usize>(blocks: [Block; N]) -> [Block; N] {
        blocks
    }
}

/// [`Convert::BgrxRgba`].
#[derive(Clone, Copy)]
pub(super) struct BgrxRgba;

impl Pixels for BgrxRgba {
    #[inline(always)]
    fn convert<const N: usize>(mut blocks: [Block; N]) -> [Block; N] {
        for block in &mut blocks {
            for pixel in block.as_chunks_mut::<4>().0 {
                *pixel = opaque_rgba(*pixel);
            }
        }
        blocks
    }
}

/// Byte order turned round, then one byte down: a shape that compilers turn into a single shuffle.
#[inline(always)]
fn opaque_rgba(bgrx: [u8; 4]) -> [u8; 4] {
    (u32::from_le_bytes(bgrx).swap_bytes() >> 8 | 0xff00_0000).to_le_bytes()
}

/// Copies `from` to `to`, which is as long, converting each pixel.
#[inline(always)]
pub(super) fn copy(convert: Convert, from: &[u8], to: &mut [u8]) {
    match convert {
        Convert::AsIs => {
            for (out, byte) in to.iter_mut().zip(from) {
                *out = *byte;
            }
        }
        Convert::BgrxRgba => {
            for (out, pixel) in to.as_chunks_mut::<4>().0.iter_mut().zip(from.as_chunks::<4>().0) {
                *out = opaque_rgba(*pixel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BgrxRgba, Convert, Pixels, copy};

    #[test]
    fn bgrx_becomes_opaque_rgba() {
        let mut out = [0; 8];
        copy(Convert::BgrxRgba, &[1, 2, 3, 4, 5, 6, 7, 8], &mut out);
        assert_eq!(out, [3, 2, 1, 255, 7, 6, 5, 255]);
        let block = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        let expected = [3, 2, 1, 255, 7, 6, 5, 255, 11, 10, 9, 255, 15, 14, 13, 255];
        assert_eq!(BgrxRgba::convert([block]), [expected]);
    }
}
