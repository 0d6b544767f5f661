//! Tiled addresses straight from the manual, one byte at a time.
//!
//! Source: Intel PRM for Skylake, volume 5 "Memory Views", "Address Tiling Function": the tiled address is the
//! tile's number times 4096 plus, from high bits to low, `y[2:0] x[8:0]` for X tiles and
//! `x[6:4] y[4:0] x[3:0]` for Y tiles. Written without the library's types, so that they share no mistake.

/// The bit field `hi:lo` of `value`.
fn bits(value: u64, hi: u32, lo: u32) -> u64 {
    (value >> lo) & ((1 << (hi - lo + 1)) - 1)
}

/// Where byte `x` of row `y` lies in a surface of `pitch` bytes a row.
///
/// `y_tiles` chooses Y tiles over X tiles; each of `swizzle_bits` is XORed into bit 6.
pub fn offset(y_tiles: bool, swizzle_bits: &[u32], pitch: u64, x: u64, y: u64) -> u64 {
    let (tile, in_tile) = if y_tiles {
        let tile = (y / 32) * (pitch / 128) + x / 128;
        (tile, bits(x, 6, 4) << 9 | bits(y, 4, 0) << 4 | bits(x, 3, 0))
    } else {
        let tile = (y / 8) * (pitch / 512) + x / 512;
        (tile, bits(y, 2, 0) << 9 | bits(x, 8, 0))
    };
    let mut address = tile * 4096 + in_tile;
    for bit in swizzle_bits {
        address ^= bits(address, *bit, *bit) << 6;
    }
    address
}
