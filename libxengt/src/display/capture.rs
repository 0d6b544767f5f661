//! A picture of a plane, whatever path its bytes come by.

use std::borrow::Cow;

use super::{PixelOrder, Plane};
use crate::error::{Diagnose, ErrorKind};
use crate::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, TilingError};

/// A picture: 8 bits each of red, green, blue and alpha (opaque), rows from the top, no padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Width in pixels.
    pub width: u32,
    /// Height in rows.
    pub height: u32,
    /// `width * height * 4` bytes.
    pub rgba: Vec<u8>,
    /// Bytes of the surface that could not be read; they are black.
    pub missing: u64,
}

/// A plane that cannot be pictured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The plane's geometry and tiling contradict each other.
    #[error("cannot read the surface: {0}")]
    Tiling(#[from] TilingError),
    /// The plane's size is more than [`super::MAX_SIDE`] allows.
    #[error("a surface of {width}x{height} pixels is too large")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in rows.
        height: u32,
    },
}

impl Diagnose for CaptureError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
    fn hint(&self) -> Option<Cow<'static, str>> {
        Some("the guest's plane registers contradict each other; take the picture again".into())
    }
}

/// Pictures `plane`. `read` copies the surface's bytes at an offset from its start, in whole 4 KiB pages;
/// where it returns `false` nothing could be read, and the picture is black.
///
/// One row of tiles is held at a time, so memory is bounded by the picture and the pitch.
///
/// # Errors
/// [`CaptureError`] if the plane was not made by [`Plane::decode`] and its numbers contradict each other.
pub fn capture(plane: &Plane, mut read: impl FnMut(u64, &mut [u8]) -> bool) -> Result<Capture, CaptureError> {
    let too_large = CaptureError::TooLarge { width: plane.width, height: plane.height };
    let side = |side: u32| usize::try_from(side).ok().filter(|_| side <= super::MAX_SIDE);
    let (Some(width), Some(height)) = (side(plane.width), side(plane.height)) else {
        return Err(too_large);
    };
    let row_bytes = width * 4;
    let mut rgba = vec![0; row_bytes * height];
    let mut missing = 0;
    let pitch = u64::from(plane.pitch);
    // A linear surface goes through the same band loop, one row of pages at a time.
    let band_rows = plane.tiling.map_or(1, |tiling| tiling.rows());
    let (first, end) = (u64::from(plane.offset.1), u64::from(plane.rows()));
    let mut row = first;
    while row < end {
        let band = row / band_rows;
        let band_end = ((band + 1) * band_rows).min(end);
        let from = band * band_rows * pitch;
        let to = if plane.tiling.is_some() { from + band_rows * pitch } else { from + pitch };
        let (page_from, page_to) = (from / 4096 * 4096, to.next_multiple_of(4096));
        let mut bytes = vec![0; usize::try_from(page_to - page_from).map_err(|_| too_large.clone())?];
        for (page, at) in bytes.chunks_mut(4096).zip((page_from..).step_by(4096)) {
            if !read(at, page) {
                page.fill(0);
                missing += 4096;
            }
        }
        let skip = usize::try_from(from - page_from).map_err(|_| too_large.clone())?;
        let source = bytes.get(skip..).unwrap_or_default();
        let rect = Rect {
            x: u64::from(plane.offset.0) * 4,
            y: row - band * band_rows,
            width: u64::from(plane.width) * 4,
            height: band_end - row,
        };
        let out_at = usize::try_from(row - first).map_err(|_| too_large.clone())? * row_bytes;
        let out = rgba.get_mut(out_at..).unwrap_or_default();
        match plane.tiling {
            Some(tiling) => {
                let surface = TiledSurface::try_new(tiling, Swizzle::None, pitch, band_rows)?;
                let linear = LinearLayout { offset: 0, pitch: u64::from(plane.width) * 4 };
                surface.plan(rect, linear, convert(plane.order))?.detile(source, out)?;
            }
            None => {
                let start = usize::try_from(rect.x).map_err(|_| too_large.clone())?;
                let row = source.get(start..).unwrap_or_default();
                for (to, from) in out.chunks_exact_mut(4).take(width).zip(row.chunks_exact(4)) {
                    to.copy_from_slice(from);
                    if plane.order == PixelOrder::Bgrx {
                        to.swap(0, 2);
                    }
                }
            }
        }
        row = band_end;
    }
    for pixel in rgba.chunks_exact_mut(4) {
        if let [_, _, _, alpha] = pixel {
            *alpha = 0xff;
        }
    }
    Ok(Capture { width: plane.width, height: plane.height, rgba, missing })
}

fn convert(order: PixelOrder) -> Convert {
    match order {
        PixelOrder::Bgrx => Convert::BgrxRgba,
        PixelOrder::Rgbx => Convert::AsIs,
    }
}

#[cfg(test)]
mod tests {
    use super::{Plane, capture};
    use crate::addr::GuestGma;
    use crate::display::PixelOrder;
    use crate::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, Tiling};

    /// The picture of a surface whose pixel (x, y) is (x, y, x ^ y).
    fn pixel(x: u64, y: u64) -> [u8; 4] {
        let byte = |v: u64| u8::try_from(v & 0xff).unwrap();
        [byte(x ^ y), byte(y), byte(x), 0]
    }

    fn linear_surface(pitch: u64, rows: u64) -> Vec<u8> {
        (0..rows).flat_map(|y| (0..pitch / 4).flat_map(move |x| pixel(x, y))).collect()
    }

    #[test]
    fn every_tiling_gives_the_same_picture() {
        let (pitch, rows) = (1024, 96);
        let linear = linear_surface(pitch, rows);
        for tiling in [None, Some(Tiling::X), Some(Tiling::Y)] {
            let surface = match tiling {
                None => linear.clone(),
                Some(tiling) => {
                    let all = Rect { x: 0, y: 0, width: pitch, height: rows };
                    let mut tiled = vec![0; linear.len()];
                    TiledSurface::try_new(tiling, Swizzle::None, pitch, rows)
                        .unwrap()
                        .plan(all, LinearLayout { offset: 0, pitch }, Convert::AsIs)
                        .unwrap()
                        .tile(&linear, &mut tiled)
                        .unwrap();
                    tiled
                }
            };
            let plane = Plane {
                width: 200,
                height: 50,
                pitch: 1024,
                offset: (13, 21),
                tiling,
                order: PixelOrder::Bgrx,
                surface: GuestGma::ZERO,
            };
            let picture = capture(&plane, |at, out| {
                let at = usize::try_from(at).unwrap();
                out.copy_from_slice(&surface[at..at + out.len()]);
                true
            })
            .unwrap();
            assert_eq!(picture.missing, 0);
            for y in 0..50_u64 {
                for x in 0..200_u64 {
                    let [b, g, r, _] = pixel(x + 13, y + 21);
                    let at = usize::try_from((y * 200 + x) * 4).unwrap();
                    assert_eq!(picture.rgba[at..at + 4], [r, g, b, 0xff], "{tiling:?} at {x},{y}");
                }
            }
        }
    }

    #[test]
    fn pages_that_are_not_there_are_black_and_counted() {
        let plane = Plane {
            width: 128,
            height: 8,
            pitch: 512,
            offset: (0, 0),
            tiling: Some(Tiling::X),
            order: PixelOrder::Rgbx,
            surface: GuestGma::ZERO,
        };
        let picture = capture(&plane, |_, _| false).unwrap();
        assert_eq!(picture.missing, 4096);
        assert!(picture.rgba.chunks(4).all(|pixel| pixel == [0, 0, 0, 0xff]));
    }
}
