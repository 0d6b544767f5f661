//! What the monitor says of itself.
//!
//! Source: VESA Enhanced EDID standard, release A, revision 2 (EDID 1.3).
#![forbid(unsafe_code)]

/// Length of the block in bytes.
pub const EDID_BYTES: usize = 128;

/// A mode's timing: pixels or rows.
struct Timing {
    active: u16,
    blank: u16,
    sync_offset: u16,
    sync_width: u16,
}

/// The one mode: 640x480 at 60 Hz (VESA DMT 4). Every pixel that a program draws through the aperture is a
/// message here, so it is a small one.
const CLOCK_10KHZ: u16 = 2518;
const HORIZONTAL: Timing = Timing { active: 640, blank: 160, sync_offset: 16, sync_width: 96 };
const VERTICAL: Timing = Timing { active: 480, blank: 45, sync_offset: 10, sync_width: 2 };
const WIDTH_MM: u16 = 320;
const HEIGHT_MM: u16 = 240;

const NAME: &[u8; 13] = b"XenGT model\n ";

/// The block, with its checksum.
#[must_use]
pub fn edid() -> [u8; EDID_BYTES] {
    let mut block = [0; EDID_BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        for (slot, byte) in block.iter_mut().skip(at).zip(bytes) {
            *slot = *byte;
        }
    };
    put(0, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
    // Maker "XGT", product 1, serial number 1, week 1 of 2026, EDID 1.3.
    put(8, &maker(b"XGT").to_be_bytes());
    put(10, &[1, 0, 1, 0, 0, 0, 1, 36, 1, 3]);
    // Digital; 32 by 24 cm; gamma 2.2; RGB, the first timing is the preferred one.
    put(20, &[0x80, 32, 24, 120, 0x0a]);
    // sRGB's colours.
    put(25, &[0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54]);
    // Established: 640x480 at 60 Hz; no standard timings.
    put(35, &[1 << 5, 0, 0]);
    put(38, &[1; 16]);
    put(54, &detailed());
    put(72, &[0, 0, 0, 0xfc, 0]);
    put(77, NAME);
    // Range: 50 to 70 Hz, 30 to 35 kHz, up to 30 MHz.
    put(90, &[0, 0, 0, 0xfd, 0, 50, 70, 30, 35, 3, 0, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20]);
    put(108, &[0, 0, 0, 0x10]);
    let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if let Some(last) = block.last_mut() {
        *last = 0_u8.wrapping_sub(sum);
    }
    block
}

/// Three letters, five bits each.
fn maker(letters: &[u8; 3]) -> u16 {
    letters.iter().fold(0, |packed, letter| packed << 5 | u16::from(letter & 0x1f))
}

/// The detailed timing descriptor.
fn detailed() -> [u8; 18] {
    let low = |number: u16| number.to_le_bytes()[0];
    let high = |number: u16| number.to_le_bytes()[1] & 0xf;
    let [clock_low, clock_high] = CLOCK_10KHZ.to_le_bytes();
    let (h, v) = (HORIZONTAL, VERTICAL);
    [
        clock_low,
        clock_high,
        low(h.active),
        low(h.blank),
        high(h.active) << 4 | high(h.blank),
        low(v.active),
        low(v.blank),
        high(v.active) << 4 | high(v.blank),
        low(h.sync_offset),
        low(h.sync_width),
        low(v.sync_offset) << 4 | low(v.sync_width),
        0,
        low(WIDTH_MM),
        low(HEIGHT_MM),
        high(WIDTH_MM) << 4 | high(HEIGHT_MM),
        0,
        0,
        // Digital separate sync, both negative.
        0x18,
    ]
}

#[cfg(test)]
mod tests {
    use super::{edid, maker};

    #[test]
    fn the_block_sums_to_zero_and_names_its_maker() {
        let block = edid();
        assert_eq!(block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), 0);
        assert_eq!(maker(b"XGT"), 0x60f4);
        assert_eq!(block[8..10], [0x60, 0xf4]);
    }

    #[test]
    fn the_preferred_timing_is_the_mode() {
        let timing = &edid()[54..72];
        assert_eq!(u16::from_le_bytes([timing[0], timing[1]]), 2518);
        let active = |low: usize, high: usize| u16::from(timing[low]) | u16::from(timing[high] >> 4) << 8;
        assert_eq!((active(2, 4), active(5, 7)), (640, 480));
        let blank = |low: usize, high: usize| u16::from(timing[low]) | u16::from(timing[high] & 0xf) << 8;
        let frame = u32::from(640 + blank(3, 4)) * u32::from(480 + blank(6, 7));
        assert_eq!(25_180_000 / frame, 59, "59.95 Hz");
    }
}
