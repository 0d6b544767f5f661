//! Frames: what moves by itself while a pipe is on.
//!
//! Source: Skylake PRM, volume 12, "PIPE_SCANLINE", "PIPE_FRMCNT"; i915 `display/intel_vblank.c`.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::bits::{high16, low16};
use crate::device::Device;
use crate::registers::{display, interrupts};

/// How long a frame takes, whatever the mode says.
///
/// A register access takes a thousand times longer here than on hardware. A driver updates its planes between
/// two frames and complains if it does not get done in time, so frames are longer as well, and the next one does
/// not begin while somebody writes to the display's registers.
const FRAME: Duration = Duration::from_millis(45);
/// How long nobody has written to the display's registers before a frame may begin.
const QUIET: Duration = Duration::from_millis(15);
/// The longest frame: drivers wait 100 ms for one.
const LATEST: Duration = Duration::from_millis(90);

/// The registers whose writes count.
const DISPLAY: std::ops::Range<u32> = 0x6_0000..0x8_0000;

const PIPES: u32 = 3;
/// From one pipe's registers to the next one's, and from one bank of interrupts to the next.
const PIPE_STRIDE: u32 = 0x1000;
const BANK_STRIDE: u32 = 0x10;
/// `TRANSCONF`: the pipe is on.
const PIPE_ON: u32 = 1 << 31;
/// `GEN8_DE_PIPE_IIR`: the vertical blank begins.
const VBLANK: u32 = 1;

/// What frame is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Frames {
    number: u32,
    /// When it began, with the vertical blank.
    begun: Duration,
    /// When somebody last wrote to the display's registers.
    written: Duration,
}

impl Frames {
    /// Notes a write to the register at `offset`.
    pub(crate) fn note_write(&mut self, offset: u32, now: Duration) {
        if DISPLAY.contains(&offset) {
            self.written = now;
        }
    }

    /// When the next one begins, if nobody writes any more.
    fn next(&self) -> Duration {
        (self.begun + FRAME).max(self.written + QUIET).min(self.begun + LATEST)
    }
}

impl Device {
    fn pipe_on(&self, pipe: u32) -> bool {
        self.registers().get(display::PIPE_CONF + pipe * PIPE_STRIDE) & PIPE_ON != 0
    }

    /// Begins frames and interrupts for it; returns when the next one that somebody waits for does.
    pub(crate) fn frame_tick(&mut self) -> Option<Duration> {
        let now = self.clock().now();
        let frames = self.frames_mut();
        let new = now >= frames.next();
        if new {
            frames.number = frames.number.wrapping_add(1);
            frames.begun = now;
        }
        let left = frames.next().saturating_sub(now);
        let mut waited_for = false;
        for pipe in 0..PIPES {
            let bank = interrupts::PIPE + pipe * BANK_STRIDE;
            let masked = self.registers().get(bank + interrupts::MASK) & VBLANK != 0;
            if self.pipe_on(pipe) && !masked {
                waited_for = true;
                if new {
                    self.interrupt(bank, VBLANK);
                }
            }
        }
        waited_for.then_some(left)
    }

    /// `PIPE_FRMCOUNT`.
    pub(crate) fn frame_count(&self, offset: u32) -> u32 {
        if self.pipe_on(offset >> 12 & 3) { self.frames().number } else { 0 }
    }

    /// `PIPEDSL`: rows from the top, the blank's last. Late frames stay at a row that is far from the blank, so
    /// that nobody waits for it.
    pub(crate) fn scan_line(&self, offset: u32) -> u32 {
        let pipe = offset >> 12 & 3;
        if !self.pipe_on(pipe) {
            return 0;
        }
        let timing = self.registers().get(display::VTOTAL + pipe * PIPE_STRIDE);
        let (active, total) = (u32::from(low16(timing)) + 1, u32::from(high16(timing)) + 1);
        let over = self.clock().now().saturating_sub(self.frames().begun).min(FRAME);
        let rows = over.as_nanos() * u128::from(total) / FRAME.as_nanos();
        // The frame begins with the blank, behind the last row shown.
        let blank = total.saturating_sub(active);
        match u32::try_from(rows).unwrap_or(0) {
            row if row < blank => active + row,
            row => (row - blank).min(active - active / 8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FRAME, LATEST, QUIET};
    use crate::device::Device;
    use crate::registers::{display, interrupts};

    const PIPE_B: u32 = 0x1000;
    const BANK_B: u32 = interrupts::PIPE + 0x10;

    #[test]
    fn blanks_interrupt_once_per_frame_while_the_pipe_is_on_and_unmasked() {
        let mut device = Device::new().unwrap();
        device.clock_mut().advance(LATEST);
        assert_eq!(device.tick(), None, "nobody waits");
        device.write_register(display::PIPE_CONF + PIPE_B, 1 << 31);
        device.write_register(BANK_B + interrupts::MASK, !1);
        device.clock_mut().advance(LATEST);
        assert!(device.tick().is_some_and(|until| until <= FRAME));
        assert_eq!(device.read_register(BANK_B + interrupts::IDENTITY), 1);
        device.write_register(BANK_B + interrupts::IDENTITY, 1);
        device.tick();
        assert_eq!(device.read_register(BANK_B + interrupts::IDENTITY), 0, "the same frame");
        device.write_register(BANK_B + interrupts::MASK, !0);
        device.clock_mut().advance(LATEST);
        assert_eq!(device.tick(), None);
        assert_eq!(device.read_register(BANK_B + interrupts::IDENTITY), 0, "masked");
    }

    #[test]
    fn the_scan_line_moves_and_stays_inside_the_frame() {
        let mut device = Device::new().unwrap();
        assert_eq!(device.read_register(0x7_0000), 0, "the pipe is off");
        device.write_register(display::PIPE_CONF, 1 << 31);
        device.write_register(display::VTOTAL, 524 << 16 | 479);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            device.clock_mut().advance(FRAME / 41);
            device.tick();
            let line = device.read_register(0x7_0000);
            assert!(line < 525);
            seen.insert(line);
        }
        assert!(seen.len() > 30, "{seen:?}");
        let before = device.read_register(0x7_0040);
        device.clock_mut().advance(LATEST);
        device.tick();
        assert!(device.read_register(0x7_0040) > before);
    }

    #[test]
    fn a_frame_is_late_while_planes_are_written_but_not_for_ever() {
        let mut device = Device::new().unwrap();
        device.write_register(display::PIPE_CONF, 1 << 31);
        device.clock_mut().advance(LATEST);
        device.tick();
        let before = device.read_register(0x7_0040);
        let step = QUIET / 3;
        let mut late = 0;
        while device.read_register(0x7_0040) == before {
            late += 1;
            device.clock_mut().advance(step);
            device.write_register(0x7_019c, 0x1000);
            device.tick();
        }
        assert!((FRAME + QUIET..=LATEST + step).contains(&(step * late)), "{late} steps");
    }
}
