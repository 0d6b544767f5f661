//! The blitter: fills and copies of rectangles (`XY_COLOR_BLT`, `XY_SRC_COPY_BLT`).
//!
//! A blit may cover gigabytes, so it is done some rows at a time: between them the other engines and the client
//! have their turn.
//!
//! Source: Skylake PRM, volume 2a, "XY_COLOR_BLT", "XY_SRC_COPY_BLT"; volume 8, "Blitter".
#![forbid(unsafe_code)]

use libxengt::tiling::{Swizzle, TiledSurface, Tiling};

use super::command::Command;
use super::space::Space;
use super::{EngineId, Flow, Stop};
use crate::bits::{high16, index, low16};
use crate::device::Device;
use crate::registers::engine as reg;

const XY_COLOR: u32 = 0x50;
const XY_SRC_COPY: u32 = 0x53;

/// First word: the destination is tiled; the source is.
const DESTINATION_TILED: u32 = 11;
const SOURCE_TILED: u32 = 15;
/// First word: which bytes of a 32-bit pixel are written.
const WRITE_ALPHA: u32 = 21;
const WRITE_RGB: u32 = 20;
/// Second word: clip to the rectangle in the blitter's own registers, which nobody here sets.
const CLIP: u32 = 1 << 30;
/// `BCS_SWCTRL`: tiled means Y-tiled.
const SOURCE_Y: u32 = 1;
const DESTINATION_Y: u32 = 1 << 1;

/// Pixels of whole rows that are blitted before it is asked whether others shall have their turn.
const STEP: u32 = 16 << 10;

/// One side of a blit.
#[derive(Debug, Clone, Copy)]
struct Surface {
    address: u64,
    pitch: i64,
    tiled: Option<TiledSurface>,
}

impl Surface {
    fn new(address: u64, pitch: u16, tiling: Option<Tiling>, bad: Stop) -> Result<Self, Stop> {
        let Some(tiling) = tiling else {
            return Ok(Self { address, pitch: i64::from(pitch.cast_signed()), tiled: None });
        };
        // The pitch of a tiled surface is in words of 32 bits; it may be as high as coordinates go.
        let pitch = u64::from(pitch) * 4;
        let tiled = TiledSurface::try_new(tiling, Swizzle::None, pitch, 1 << 15).map_err(|_| bad)?;
        Ok(Self { address, pitch: i64::try_from(pitch).unwrap_or(0), tiled: Some(tiled) })
    }

    /// Where byte `x` of row `y` lies; `None` if the surface has no such place.
    fn at(&self, x: i64, y: i64) -> Option<u64> {
        match self.tiled {
            Some(tiled) => {
                let (x, y) = (u64::try_from(x).ok()?, u64::try_from(y).ok()?);
                Some(self.address.wrapping_add(tiled.offset_of(x, y)?))
            }
            None => Some(self.address.wrapping_add_signed(y * self.pitch + x)),
        }
    }
}

/// A blit, read from its command.
#[derive(Debug, Clone, Copy)]
struct Blit {
    destination: Surface,
    left: i16,
    top: i16,
    right: i16,
    bottom: i16,
    pixel_bytes: u8,
    raster: u8,
    pattern: u32,
    /// Which bits of a pixel are written.
    mask: u32,
    source: Option<(Surface, i16, i16)>,
}

impl Device {
    /// Executes a blitter command; those that draw otherwise are skipped.
    pub(super) fn blit(&mut self, command: &Command) -> Result<Flow, Stop> {
        let words = command.length(8);
        let blit = match command.header >> 22 & 0x7f {
            XY_COLOR if words >= 7 => self.color_blit(command)?,
            XY_SRC_COPY if words >= 10 => self.copy_blit(command)?,
            other => {
                log::debug!("blitter command {other:#x} is not drawn");
                return Ok(Flow::Next(words));
            }
        };
        let id = command.fetch.engine;
        let (width, height) = (blit.right.saturating_sub(blit.left), blit.bottom.saturating_sub(blit.top));
        if width <= 0 || height <= 0 {
            return Ok(Flow::Next(words));
        }
        let done = self.engines().get(id).blit_rows;
        let width = u32::from(width.unsigned_abs());
        let rows = (STEP / width).max(1);
        let height = u32::from(height.unsigned_abs());
        let end = done.saturating_add(rows).min(height);
        for row in done..end {
            self.blit_row(id, command.space(), &blit, i64::from(row))?;
        }
        self.charge(id, u64::from(end.saturating_sub(done)) * u64::from(width));
        let more = end < height;
        self.engines_mut().get_mut(id).blit_rows = if more { end } else { 0 };
        Ok(if more { Flow::Repeat } else { Flow::Next(words) })
    }

    fn blit_of(&self, command: &Command, pattern: u32) -> Result<Blit, Stop> {
        let word = |number| self.word(&command.fetch, number);
        let control = word(1)?;
        if control & CLIP != 0 {
            log::debug!("a blit's clipping rectangle is not applied");
        }
        let pixel_bytes = match control >> 24 & 3 {
            0 => 1,
            3 => 4,
            _ => 2,
        };
        let bit = |bit: u32| command.header >> bit & 1 != 0;
        let rgb = if bit(WRITE_RGB) { 0x00ff_ffff } else { 0 };
        let alpha = if bit(WRITE_ALPHA) { 0xff00_0000 } else { 0 };
        let tiling = self.tiling(command.fetch.engine, bit(DESTINATION_TILED), DESTINATION_Y);
        let (from, to) = (word(2)?, word(3)?);
        Ok(Blit {
            destination: Surface::new(command.address(self, 4)?, low16(control), tiling, command.bad())?,
            left: low16(from).cast_signed(),
            top: high16(from).cast_signed(),
            right: low16(to).cast_signed(),
            bottom: high16(to).cast_signed(),
            pixel_bytes,
            raster: u8::try_from(control >> 16 & 0xff).unwrap_or(0),
            pattern,
            mask: if pixel_bytes == 4 { rgb | alpha } else { u32::MAX },
            source: None,
        })
    }

    fn color_blit(&self, command: &Command) -> Result<Blit, Stop> {
        self.blit_of(command, self.word(&command.fetch, 6)?)
    }

    fn copy_blit(&self, command: &Command) -> Result<Blit, Stop> {
        let blit = self.blit_of(command, 0)?;
        let corner = self.word(&command.fetch, 6)?;
        let pitch = low16(self.word(&command.fetch, 7)?);
        let tiled = command.header >> SOURCE_TILED & 1 != 0;
        let tiling = self.tiling(command.fetch.engine, tiled, SOURCE_Y);
        let source = Surface::new(command.address(self, 8)?, pitch, tiling, command.bad())?;
        let (x, y) = (low16(corner).cast_signed(), high16(corner).cast_signed());
        Ok(Blit { source: Some((source, x, y)), ..blit })
    }

    fn tiling(&self, id: EngineId, tiled: bool, y_bit: u32) -> Option<Tiling> {
        let y = self.engine_register(id, reg::BCS_SWCTRL) & y_bit != 0;
        tiled.then_some(if y { Tiling::Y } else { Tiling::X })
    }

    fn blit_row(&self, id: EngineId, space: Space, blit: &Blit, row: i64) -> Result<(), Stop> {
        let bytes = i64::from(blit.pixel_bytes);
        for column in 0..i64::from(blit.right) - i64::from(blit.left) {
            let place = |surface: &Surface, x: i16, y: i16| {
                surface.at((i64::from(x) + column) * bytes, i64::from(y) + row)
            };
            let Some(at) = place(&blit.destination, blit.left, blit.top) else { continue };
            let source = match &blit.source {
                Some((surface, x, y)) => match place(surface, *x, *y) {
                    Some(at) => self.load_pixel(id, space, at, blit.pixel_bytes)?,
                    None => 0,
                },
                None => 0,
            };
            let needs_old = blit.mask != u32::MAX || raster_reads_destination(blit.raster);
            let old = if needs_old { self.load_pixel(id, space, at, blit.pixel_bytes)? } else { 0 };
            let new = raster(blit.raster, blit.pattern, source, old);
            let pixel = new & blit.mask | old & !blit.mask;
            self.store_pixel(id, space, at, blit.pixel_bytes, pixel)?;
        }
        Ok(())
    }

    fn load_pixel(&self, id: EngineId, space: Space, at: u64, bytes: u8) -> Result<u32, Stop> {
        let at = pixel_start(at, bytes);
        let word = self.load(id, space, at)?;
        Ok(if bytes == 4 { word } else { word >> ((at & 3) * 8) })
    }

    fn store_pixel(&self, id: EngineId, space: Space, at: u64, bytes: u8, pixel: u32) -> Result<(), Stop> {
        if bytes == 4 {
            return self.store(id, space, at, pixel);
        }
        let pixel = pixel.to_le_bytes();
        let data = pixel.get(..index(bytes)).unwrap_or_default();
        self.store_bytes(id, space, pixel_start(at, bytes), data)
    }
}

/// Where a pixel lies: at a multiple of its size, and so never across the end of a page.
fn pixel_start(at: u64, bytes: u8) -> u64 {
    at - at % u64::from(bytes.max(1))
}

/// A raster operation: bit `4p + 2s + d` of `operation` is the result for those bits of pattern, source and
/// destination.
fn raster(operation: u8, pattern: u32, source: u32, destination: u32) -> u32 {
    match operation {
        0xf0 => pattern,
        0xcc => source,
        _ => (0..8_u32).filter(|term| operation >> term & 1 != 0).fold(0, |result, term| {
            let pick = |bit: u32, value: u32| if term >> bit & 1 != 0 { value } else { !value };
            result | pick(2, pattern) & pick(1, source) & pick(0, destination)
        }),
    }
}

/// Whether the result depends on the destination.
const fn raster_reads_destination(operation: u8) -> bool {
    operation >> 1 & 0x55 != operation & 0x55
}

#[cfg(test)]
mod tests {
    use super::{raster, raster_reads_destination};

    #[test]
    fn raster_operations_are_what_their_names_say() {
        let (p, s, d) = (0xf0f0_1234, 0xcccc_5678, 0xaaaa_9abc);
        for (operation, expected) in [
            (0x00, 0),
            (0xff, u32::MAX),
            (0xf0, p),
            (0xcc, s),
            (0xaa, d),
            (0x55, !d),
            (0x66, s ^ d),
            (0x5a, p ^ d),
            (0x88, s & d),
            (0xee, s | d),
            (0xb8, (p & !s) | (s & d)),
        ] {
            assert_eq!(raster(operation, p, s, d), expected, "{operation:#x}");
        }
        for operation in [0x00, 0xff, 0xf0, 0xcc, 0x0f, 0x33, 0xc0] {
            assert!(!raster_reads_destination(operation), "{operation:#x}");
        }
        for operation in [0xaa, 0x55, 0x66, 0x5a, 0xb8] {
            assert!(raster_reads_destination(operation), "{operation:#x}");
        }
    }
}
