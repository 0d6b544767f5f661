//! The picture on a simulated guest's screen.
//!
//! Eight colour bars (white, yellow, cyan, green, magenta, red, blue, black), a grey ramp below, a square of
//! its own colour in each corner (red, green, blue, white, clockwise from the top left), and the domain's
//! number in words: enough to see at a glance whether a picture is upright, mirrored, or has its colours
//! swapped.

use super::font::glyph;
use super::layout::{HEIGHT, PITCH, WIDTH};
use crate::addr::DomId;

/// Side of the corner squares, in pixels.
const CORNER: u32 = 48;
/// Size of a letter's dot, in pixels.
const DOT: u32 = 8;
/// Where the words start.
const TEXT: (u32, u32) = (120, 300);

/// The linear framebuffer: XRGB8888, [`PITCH`] bytes a row, [`HEIGHT`] rows.
pub(super) fn pixels(domid: DomId) -> Vec<u8> {
    let text = format!("XENGT DOMAIN {domid}");
    let row = |y: u32| {
        (0..PITCH / 4).flat_map({
            let text = text.clone();
            move |x| colour(x, y, &text).to_le_bytes()
        })
    };
    (0..HEIGHT).flat_map(row).collect()
}

/// The colour at a place, 0x00RRGGBB.
fn colour(x: u32, y: u32, text: &str) -> u32 {
    let corner = !(CORNER..WIDTH - CORNER).contains(&x) && !(CORNER..HEIGHT - CORNER).contains(&y);
    if corner {
        return match (x < CORNER, y < CORNER) {
            (true, true) => 0xff_0000,
            (false, true) => 0x00_ff00,
            (false, false) => 0x00_00ff,
            (true, false) => 0xff_ffff,
        };
    }
    if is_ink(x, y, text) {
        return 0x00_0000;
    }
    // A light plate under the words, whatever bar is behind.
    let plate_end = TEXT.0 + u32::try_from(text.len()).unwrap_or(0) * 6 * DOT;
    if (TEXT.0 - 2 * DOT..plate_end + DOT).contains(&x) && (TEXT.1 - 2 * DOT..TEXT.1 + 9 * DOT).contains(&y) {
        return 0xe0_e0e0;
    }
    if y >= HEIGHT * 3 / 4 {
        let grey = x * 255 / (WIDTH - 1);
        return grey << 16 | grey << 8 | grey;
    }
    let bar = 7 - x * 8 / WIDTH;
    // Bit 1 green, bit 2 red, bit 0 blue: the order of falling brightness.
    let level = |bit: u32| if bar >> bit & 1 == 1 { 0xff } else { 0 };
    level(1) << 16 | level(2) << 8 | level(0)
}

fn is_ink(x: u32, y: u32, text: &str) -> bool {
    let (Some(x), Some(y)) = (x.checked_sub(TEXT.0), y.checked_sub(TEXT.1)) else { return false };
    let (column, row) = (x / DOT, y / DOT);
    let letter = usize::try_from(column / 6).ok().and_then(|index| text.chars().nth(index));
    let dots = usize::try_from(row).ok().and_then(|row| glyph(letter?).get(row).copied());
    column % 6 < 5 && dots.is_some_and(|dots| dots >> (4 - column % 6) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::colour;

    #[test]
    fn corners_and_bars_have_their_colours() {
        for (x, y, expected) in [
            (0, 0, 0xff_0000),
            (1023, 0, 0x00_ff00),
            (1023, 767, 0x00_00ff),
            (0, 767, 0xff_ffff),
            (64, 100, 0xff_ffff),
            (192, 100, 0xff_ff00),
            (320, 100, 0x00_ffff),
            (448, 100, 0x00_ff00),
            (576, 100, 0xff_00ff),
            (704, 100, 0xff_0000),
            (832, 100, 0x00_00ff),
            (960, 100, 0x00_0000),
        ] {
            assert_eq!(colour(x, y, "X"), expected, "{x},{y}");
        }
    }
}
