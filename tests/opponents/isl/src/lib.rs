//! Mesa's isl tile copies (`src/intel/isl/isl_tiled_memcpy*.c`), callable from tests and benches.
//!
//! The functions answer `None` when isl was not there to build (see `tests/opponents/fetch-isl.sh`), so callers
//! need no `cfg` of their own. They check what C does not: bounds and alignment.

mod aligned;
#[cfg(have_isl)]
mod ffi;

pub use aligned::Aligned;

/// How isl names the two tilings we share with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiling {
    /// `ISL_TILING_X`.
    X,
    /// `ISL_TILING_Y0`.
    Y,
}

/// Which of isl's copies runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ISL_MEMCPY`: the plain copy.
    Plain,
    /// `ISL_MEMCPY_BGRA8`: red and blue change places, alpha stays.
    Bgra8,
    /// `ISL_MEMCPY_STREAMING_LOAD` of the SSE4.1 build; from tiled memory only.
    Streaming,
    /// `ISL_MEMCPY_BGRA8` of the SSE4.1 build, which may use byte shuffles.
    Bgra8Sse41,
}

/// A rectangle, and the surface it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// How the surface is tiled.
    pub tiling: Tiling,
    /// Whether bit 6 is swizzled: by bits 9 and 10 for X tiles, by bit 9 for Y tiles.
    pub swizzled: bool,
    /// First byte of the rectangle's rows.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Bytes of a row of the rectangle.
    pub width: u32,
    /// Rows of the rectangle.
    pub height: u32,
    /// Bytes of a row of the surface: whole tiles.
    pub tiled_pitch: u32,
    /// Distance of the linear rows in bytes.
    pub linear_pitch: u32,
}

/// Whether isl was there to build.
#[must_use]
pub const fn available() -> bool {
    cfg!(have_isl)
}

/// Why a test without isl did nothing, in the words to print.
pub const SKIP: &str = "SKIP isl: not fetched, run tests/opponents/fetch-isl.sh and set XENGT_ISL_DIR";

/// Copies from `tiled`, the surface from its start and 64-byte aligned, to `linear`, the rectangle from its
/// first byte on.
///
/// `None`, and nothing copied, without isl.
///
/// # Panics
/// If the copy would leave a buffer, or `tiled` is not aligned.
pub fn tiled_to_linear(copy: Copy, kind: Kind, tiled: &[u8], linear: &mut [u8]) -> Option<()> {
    copy.check(tiled, linear.len());
    #[cfg(have_isl)]
    {
        ffi::tiled_to_linear(copy, kind, tiled, linear);
        Some(())
    }
    #[cfg(not(have_isl))]
    {
        let _ = kind;
        None
    }
}

/// Copies from `linear`, the rectangle from its first byte on, to `tiled`, the surface from its start and
/// 64-byte aligned.
///
/// `None`, and nothing copied, without isl.
///
/// # Panics
/// If the copy would leave a buffer, `tiled` is not aligned, or `kind` is [`Kind::Streaming`].
pub fn linear_to_tiled(copy: Copy, kind: Kind, linear: &[u8], tiled: &mut [u8]) -> Option<()> {
    copy.check(tiled, linear.len());
    assert!(kind != Kind::Streaming, "streaming loads read tiled memory only");
    #[cfg(have_isl)]
    {
        ffi::linear_to_tiled(copy, kind, linear, tiled);
        Some(())
    }
    #[cfg(not(have_isl))]
    None
}

impl Copy {
    /// Panics unless isl stays inside both buffers.
    fn check(&self, tiled: &[u8], linear_len: usize) {
        let (tile_width, tile_rows) = match self.tiling {
            Tiling::X => (512, 8),
            Tiling::Y => (128, 32),
        };
        let [x, y, width, height, tiled_pitch, linear_pitch] =
            [self.x, self.y, self.width, self.height, self.tiled_pitch, self.linear_pitch].map(u64::from);
        assert!(width > 0 && height > 0, "an empty copy proves nothing");
        assert!(tiled_pitch % tile_width == 0 && x + width <= tiled_pitch, "rectangle outside the surface");
        assert!(linear_pitch >= width && linear_pitch <= 1 << 30, "linear rows overlap");
        let rows = (y + height).next_multiple_of(tile_rows);
        assert!(
            u64::try_from(tiled.len()).is_ok_and(|len| len >= rows * tiled_pitch),
            "tiled buffer too short"
        );
        let needed = (height - 1) * linear_pitch + width;
        assert!(u64::try_from(linear_len).is_ok_and(|len| len >= needed), "linear buffer too short");
        assert!(tiled.as_ptr().addr().is_multiple_of(64), "tiled buffer not aligned");
    }
}
