//! The fast copy out of tiles: whole rows of the destination in order, walking the tiles of a row side by side.
//!
//! A tile at a time would read memory in order, and write in as many places at once as a tile has rows. Writing
//! is what the memory punishes more, so it is the destination that is walked in order.

use core::marker::PhantomData;

use super::convert::{AsIs, BgrxRgba, Pixels};
use super::interior::Interior;
use super::sink::{Plain, Sink};
use super::{Convert, CopyPlan, Tiling, pieces};
use crate::bar::stream::{self, Block, Kernel};

/// From how many bytes on the output goes past the caches: about what a core's own cache holds.
///
/// Less than that is faster in the cache, and its reader finds it there.
const STREAM_FROM: u64 = 1 << 20;

/// How many tiles ahead a Y tile's cache lines are asked for.
///
/// They lie 512 bytes apart, eight to a page: too few for the CPU to see the pattern before the page ends. It
/// saves an eighth of the time where the source is in no cache, and costs nothing where it is.
const AHEAD: usize = 2;

type Tile = [u8; 4096];

pub(super) fn detile(plan: &CopyPlan, tiled: &[u8], linear: &mut [u8]) {
    let (interior, edges) = Interior::split(plan);
    for edge in edges {
        pieces::detile(plan, edge, tiled, linear);
    }
    let Some(interior) = interior else { return };
    let Some(linear) = linear.get_mut(interior.linear_start..) else { return };
    let tiles = tiled.as_chunks().0;
    if interior.bytes >= STREAM_FROM
        && interior.linear_pitch.is_multiple_of(size_of::<Block>())
        && let Some(lanes) = stream::lanes(linear)
    {
        return stream::write(lanes, |sink| run(plan, interior, tiles, sink));
    }
    run(plan, interior, tiles, &mut Plain(linear));
}

fn run(plan: &CopyPlan, interior: Interior, tiles: &[Tile], sink: &mut impl Sink) {
    match (plan.tiling(), plan.convert) {
        (Tiling::X, Convert::AsIs) => XRows::<_, AsIs> { interior, tiles, sink, pixels: PhantomData }.run(),
        (Tiling::Y, Convert::AsIs) => YRows::<_, AsIs> { interior, tiles, sink, pixels: PhantomData }.run(),
        (Tiling::X, Convert::BgrxRgba) => {
            stream::run_fastest(XRows::<_, BgrxRgba> { interior, tiles, sink, pixels: PhantomData });
        }
        (Tiling::Y, Convert::BgrxRgba) => {
            stream::run_fastest(YRows::<_, BgrxRgba> { interior, tiles, sink, pixels: PhantomData });
        }
    }
}

/// X tiles: eight cache lines of each tile make 512 bytes of a row.
struct XRows<'a, S, P> {
    interior: Interior,
    tiles: &'a [Tile],
    sink: &'a mut S,
    pixels: PhantomData<P>,
}

impl<S: Sink, P: Pixels> Kernel for XRows<'_, S, P> {
    #[inline(always)]
    fn run(self) {
        let Interior { top, bottom, linear_pitch, swizzle, .. } = self.interior;
        let mut row_at = 0;
        for y in top..bottom {
            let in_tile = y % 8;
            // Bits 9 to 11 of the address are the row, so one row swizzles alike in all tiles.
            let flip = odd(in_tile & swizzle);
            let mut at = row_at;
            for tile in tile_row(self.tiles, &self.interior, y / 8) {
                let lines = lines(tile);
                for line in 0..8 {
                    let blocks = lines[(in_tile * 8 + (line ^ flip)) % 64];
                    self.sink.put(at + line * 64, P::convert(blocks));
                }
                at += 512;
            }
            row_at += linear_pitch;
        }
    }
}

/// Y tiles: eight columns of 16 bytes make 128 bytes of a row, and neighbouring rows share cache lines.
struct YRows<'a, S, P> {
    interior: Interior,
    tiles: &'a [Tile],
    sink: &'a mut S,
    pixels: PhantomData<P>,
}

impl<S: Sink, P: Pixels> Kernel for YRows<'_, S, P> {
    #[inline(always)]
    fn run(self) {
        let Interior { top, bottom, linear_pitch, swizzle, .. } = self.interior;
        let mut row_at = 0;
        for y in (top..bottom).step_by(2) {
            let in_tile = y % 32;
            // Bits 9 to 11 of the address are the column, and bit 6 is row 4: the choice is the same in all tiles.
            let line_of: [usize; 8] =
                core::array::from_fn(|column| column * 8 + ((in_tile / 4) ^ odd(column & swizzle)));
            let upper = in_tile % 4;
            let mut at = row_at;
            let tiles = tile_row(self.tiles, &self.interior, y / 32);
            for (index, tile) in tiles.iter().enumerate() {
                // The lower two rows find the lines that the upper two fetched.
                if upper == 0
                    && let Some(ahead) = tiles.get(index + AHEAD)
                {
                    for line in line_of {
                        stream::prefetch(&lines(ahead)[line % 64]);
                    }
                }
                let lines = lines(tile);
                let row = |row: usize| -> [Block; 8] {
                    core::array::from_fn(|column| lines[line_of[column] % 64][(upper + row) % 4])
                };
                self.sink.put(at, P::convert(row(0)));
                self.sink.put(at + linear_pitch, P::convert(row(1)));
                at += 128;
            }
            row_at += 2 * linear_pitch;
        }
    }
}

/// The tiles of tile row `row` that the interior covers.
#[inline(always)]
fn tile_row<'a>(tiles: &'a [Tile], interior: &Interior, row: usize) -> &'a [Tile] {
    let first = row * interior.tiles_per_row + interior.first_tile;
    // Always there: the plan's lengths were checked before.
    tiles.get(first..first + interior.tiles).unwrap_or_default()
}

/// A tile as cache lines of four blocks.
#[inline(always)]
fn lines(tile: &Tile) -> &[[Block; 4]; 64] {
    zerocopy::transmute_ref!(tile)
}

/// 1 if an odd number of `bits` is set.
#[inline(always)]
const fn odd(bits: usize) -> usize {
    (bits ^ bits >> 1 ^ bits >> 2) & 1
}
