//! The primary plane of pipe A, as a guest programmed it.
//!
//! Source: Skylake PRM, volume 2c, "PLANE_CTL", "PLANE_STRIDE", "PLANE_SIZE", "PLANE_SURF", "PLANE_OFFSET";
//! Broadwell PRM, volume 2c, "DSPACNTR" and its neighbours; kernel `i915_reg.h`. Everything in these registers
//! is the guest's word.

use std::borrow::Cow;

use crate::addr::GuestGma;
use crate::error::{Diagnose, ErrorKind};
use crate::platform::Generation;
use crate::tiling::Tiling;

/// `PIPEASRC`: the source size, (width - 1) in the upper half, (height - 1) in the lower.
const PIPE_SRC: u64 = 0x6_001c;
/// `PLANE_CTL_1_A` (Gen9), `DSPACNTR` (Gen8).
const CONTROL: u64 = 0x7_0180;
/// `PLANE_STRIDE_1_A` (Gen9: in tiles, or 64 bytes if linear), `DSPASTRIDE` (Gen8: in bytes).
const STRIDE: u64 = 0x7_0188;
/// `PLANE_SIZE_1_A` (Gen9 only): (height - 1) in the upper half, (width - 1) in the lower.
const SIZE: u64 = 0x7_0190;
/// `PLANE_SURF_1_A`, `DSPASURF`: graphics address, 4 KiB aligned.
const SURFACE: u64 = 0x7_019c;
/// `PLANE_OFFSET_1_A`, `DSPAOFFSET`: first row shown in the upper half, first pixel in the lower.
const OFFSET: u64 = 0x7_01a4;

/// The longest side a plane can have, in pixels (Skylake PRM, "PLANE_SIZE": 8192 wide at most).
pub const MAX_SIDE: u32 = 8192;
/// The longest pitch that the registers' users program, in bytes.
const MAX_PITCH: u32 = 256 * 1024;

/// Where red is in a 32-bit pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelOrder {
    /// Blue first in memory (XRGB8888), what almost everybody uses.
    Bgrx,
    /// Red first in memory (XBGR8888).
    Rgbx,
}

/// A plane that shows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// Width in pixels, 1 to [`MAX_SIDE`].
    pub width: u32,
    /// Height in rows, 1 to [`MAX_SIDE`].
    pub height: u32,
    /// Bytes from one row to the next.
    pub pitch: u32,
    /// First pixel and first row shown.
    pub offset: (u32, u32),
    /// How the surface is tiled; `None` is linear.
    pub tiling: Option<Tiling>,
    /// The order of the colours.
    pub order: PixelOrder,
    /// Where the surface starts in the guest's GGTT.
    pub surface: GuestGma,
}

/// A plane that shows nothing we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaneError {
    /// The guest's driver has not switched it on.
    #[error("the guest's primary plane is off (control register {control:#010x})")]
    Off {
        /// `PLANE_CTL` or `DSPACNTR`.
        control: u32,
    },
    /// Not 32 bits per pixel.
    #[error("pixel format {format:#x} (control register {control:#010x}) is not a 32-bit one")]
    Format {
        /// The format field.
        format: u32,
        /// `PLANE_CTL` or `DSPACNTR`.
        control: u32,
    },
    /// A tiling this library does not read.
    #[error("tiling mode {mode} (control register {control:#010x}) is neither linear, X nor Y")]
    Tiling {
        /// The tiling field.
        mode: u32,
        /// `PLANE_CTL` or `DSPACNTR`.
        control: u32,
    },
    /// The size or pitch is impossible.
    #[error("{width}x{height} pixels at {offset:?} with a pitch of {pitch} bytes is no surface")]
    Geometry {
        /// Width in pixels.
        width: u32,
        /// Height in rows.
        height: u32,
        /// First pixel and row.
        offset: (u32, u32),
        /// Pitch in bytes.
        pitch: u32,
    },
}

impl Diagnose for PlaneError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Off { .. } => ErrorKind::NotFound,
            Self::Format { .. } | Self::Tiling { .. } => ErrorKind::Unsupported,
            Self::Geometry { .. } => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Off { .. } => "the guest's i915 driver must have set a mode first".into(),
            _ => "set a 32-bit mode with X or Y tiling in the guest".into(),
        })
    }
}

impl Plane {
    /// Reads the plane out of a vGPU's registers; `read` gives the 32-bit register at an MMIO offset.
    ///
    /// # Errors
    /// The inner [`PlaneError`] if the plane is off or shows what we cannot read; the outer `E` if a register
    /// could not be read.
    pub fn decode<E>(
        generation: Generation,
        mut read: impl FnMut(u64) -> Result<u32, E>,
    ) -> Result<Result<Self, PlaneError>, E> {
        let control = read(CONTROL)?;
        let (stride, surface, offset) = (read(STRIDE)?, read(SURFACE)?, read(OFFSET)?);
        let size = match generation {
            Generation::Gen9 => read(SIZE)?.rotate_left(16),
            _ => read(PIPE_SRC)?,
        };
        Ok(Self::of(generation, control, stride, size, surface, offset))
    }

    fn of(
        generation: Generation,
        control: u32,
        stride: u32,
        size: u32,
        surface: u32,
        offset: u32,
    ) -> Result<Self, PlaneError> {
        if control >> 31 == 0 {
            return Err(PlaneError::Off { control });
        }
        let (order, tiling, unit) = match generation {
            Generation::Gen9 => gen9_control(control)?,
            _ => gen8_control(control)?,
        };
        let plane = Self {
            width: (size >> 16 & 0x1fff) + 1,
            height: (size & 0x1fff) + 1,
            pitch: (stride & 0xffff).saturating_mul(unit),
            offset: (offset & 0x1fff, offset >> 16 & 0x1fff),
            tiling,
            order,
            surface: GuestGma::from_truncated(u64::from(surface & !0xfff)),
        };
        let row_end = (plane.offset.0 + plane.width) * 4;
        let whole_tiles = tiling.is_none_or(|tiling| u64::from(plane.pitch).is_multiple_of(tiling.width()));
        if row_end > plane.pitch || plane.pitch > MAX_PITCH || !whole_tiles {
            let Self { width, height, pitch, offset, .. } = plane;
            return Err(PlaneError::Geometry { width, height, offset, pitch });
        }
        Ok(plane)
    }

    /// Rows of the surface that are shown or lie above what is shown.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.offset.1 + self.height
    }
}

/// Order, tiling and the unit of the stride field, in bytes.
fn gen9_control(control: u32) -> Result<(PixelOrder, Option<Tiling>, u32), PlaneError> {
    let format = control >> 24 & 0xf;
    if format != 4 {
        return Err(PlaneError::Format { format, control });
    }
    let order = if control >> 20 & 1 == 1 { PixelOrder::Rgbx } else { PixelOrder::Bgrx };
    let (tiling, unit) = match control >> 10 & 7 {
        0 => (None, 64),
        1 => (Some(Tiling::X), 512),
        4 => (Some(Tiling::Y), 128),
        mode => return Err(PlaneError::Tiling { mode, control }),
    };
    Ok((order, tiling, unit))
}

fn gen8_control(control: u32) -> Result<(PixelOrder, Option<Tiling>, u32), PlaneError> {
    let order = match control >> 26 & 0xf {
        6 => PixelOrder::Bgrx,
        14 => PixelOrder::Rgbx,
        format => return Err(PlaneError::Format { format, control }),
    };
    Ok((order, (control >> 10 & 1 == 1).then_some(Tiling::X), 1))
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::{CONTROL, OFFSET, PIPE_SRC, PixelOrder, Plane, PlaneError, SIZE, STRIDE, SURFACE};
    use crate::addr::GuestGma;
    use crate::platform::Generation;
    use crate::tiling::Tiling;

    fn decode(generation: Generation, registers: &[(u64, u32)]) -> Result<Plane, PlaneError> {
        let read = |at| {
            Ok::<_, Infallible>(
                registers.iter().find(|(offset, _)| *offset == at).map_or(0, |(_, value)| *value),
            )
        };
        Plane::decode(generation, read).unwrap()
    }

    #[test]
    fn a_gen9_plane_is_read_with_its_stride_in_tiles() {
        let registers = [
            (CONTROL, 0x8400_0400),
            (STRIDE, 8),
            (SIZE, (767 << 16) | 1023),
            (SURFACE, 0x0800_0000),
            (PIPE_SRC, 0xffff_ffff),
        ];
        let plane = decode(Generation::Gen9, &registers).unwrap();
        assert_eq!((plane.width, plane.height, plane.pitch), (1024, 768, 4096));
        assert_eq!((plane.tiling, plane.order), (Some(Tiling::X), PixelOrder::Bgrx));
        assert_eq!(plane.surface, GuestGma::new(0x0800_0000));
    }

    #[test]
    fn a_gen8_plane_is_read_with_its_stride_in_bytes() {
        let registers =
            [(CONTROL, 0x9800_0000), (STRIDE, 7680), (PIPE_SRC, (1919 << 16) | 1079), (SURFACE, 0x1000)];
        let plane = decode(Generation::Gen8, &registers).unwrap();
        assert_eq!((plane.width, plane.height, plane.pitch), (1920, 1080, 7680));
        assert_eq!(plane.tiling, None);
    }

    #[test]
    fn lies_are_refused() {
        assert!(matches!(decode(Generation::Gen9, &[]), Err(PlaneError::Off { .. })));
        let on = |control, stride, size, offset| {
            decode(Generation::Gen9, &[(CONTROL, control), (STRIDE, stride), (SIZE, size), (OFFSET, offset)])
        };
        assert!(matches!(on(0x8200_0400, 8, 0, 0), Err(PlaneError::Format { format: 2, .. })));
        assert!(matches!(on(0x8400_1400, 8, 0, 0), Err(PlaneError::Tiling { mode: 5, .. })));
        assert!(matches!(on(0x8400_0400, 0, 0, 0), Err(PlaneError::Geometry { .. })));
        assert!(matches!(on(0x8400_0400, 0xffff, 0, 0), Err(PlaneError::Geometry { .. })));
        assert!(matches!(on(0x8400_0400, 8, 0x1fff_1fff, 0), Err(PlaneError::Geometry { .. })));
        assert!(matches!(on(0x8400_0400, 1, 127, 1), Err(PlaneError::Geometry { .. })));
        assert!(on(0x8400_0400, 1, 127, 0).is_ok());
    }
}
