//! Pixel conversion on the way.

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
            let (from, _) = from.as_chunks::<4>();
            let (to, _) = to.as_chunks_mut::<4>();
            for (out, [blue, green, red, _]) in to.iter_mut().zip(from) {
                *out = [*red, *green, *blue, 255];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Convert, copy};

    #[test]
    fn bgrx_becomes_opaque_rgba() {
        let mut out = [0; 8];
        copy(Convert::BgrxRgba, &[1, 2, 3, 4, 5, 6, 7, 8], &mut out);
        assert_eq!(out, [3, 2, 1, 255, 7, 6, 5, 255]);
    }
}
