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
/// two frames and complains if it does not get done in time, so frames are longer as well; but two of them fit
/// into the 100 ms that drivers wait for one.
const FRAME: Duration = Duration::from_millis(45);

const PIPES: u32 = 3;
/// From one pipe's registers to the next one's, and from one bank of interrupts to the next.
const PIPE_STRIDE: u32 = 0x1000;
const BANK_STRIDE: u32 = 0x10;
/// `TRANSCONF`: the pipe is on.
const PIPE_ON: u32 = 1 << 31;
/// `GEN8_DE_PIPE_IIR`: the vertical blank begins.
const VBLANK: u32 = 1;

/// The frame that each pipe was told of last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Frames {
    told: [u64; 3],
}

impl Device {
    /// The frame that is being shown, counted from the start of the clock, and how much of it is over. It begins
    /// with the vertical blank.
    fn frame(&self) -> (u64, Duration) {
        let now = self.clock().now();
        let number = now.as_nanos() / FRAME.as_nanos();
        let begun = FRAME.as_nanos().saturating_mul(number);
        let over = Duration::from_nanos(u64::try_from(now.as_nanos().saturating_sub(begun)).unwrap_or(0));
        (u64::try_from(number).unwrap_or(u64::MAX), over)
    }

    fn pipe_on(&self, pipe: u32) -> bool {
        self.registers().get(display::PIPE_CONF + pipe * PIPE_STRIDE) & PIPE_ON != 0
    }

    /// Interrupts for blanks that have begun; returns when the next one that somebody waits for does.
    pub(crate) fn frame_tick(&mut self) -> Option<Duration> {
        let (frame, over) = self.frame();
        let mut waited_for = false;
        for pipe in 0..PIPES {
            let bank = interrupts::PIPE + pipe * BANK_STRIDE;
            let masked = self.registers().get(bank + interrupts::MASK) & VBLANK != 0;
            let told = self.frames_mut().told.get_mut(crate::bits::index(pipe));
            let new = told.is_some_and(|told| std::mem::replace(told, frame) != frame);
            if self.pipe_on(pipe) && !masked {
                waited_for = true;
                if new {
                    self.interrupt(bank, VBLANK);
                }
            }
        }
        waited_for.then(|| FRAME.saturating_sub(over))
    }

    /// `PIPE_FRMCOUNT`.
    pub(crate) fn frame_count(&self, offset: u32) -> u32 {
        let pipe = offset >> 12 & 3;
        if self.pipe_on(pipe) { crate::bits::low(self.frame().0) } else { 0 }
    }

    /// `PIPEDSL`: rows from the top, the blank's last.
    pub(crate) fn scan_line(&self, offset: u32) -> u32 {
        let pipe = offset >> 12 & 3;
        if !self.pipe_on(pipe) {
            return 0;
        }
        let timing = self.registers().get(display::VTOTAL + pipe * PIPE_STRIDE);
        let (active, total) = (u32::from(low16(timing)) + 1, u32::from(high16(timing)) + 1);
        let over = self.frame().1.as_nanos() * u128::from(total) / FRAME.as_nanos();
        (active + u32::try_from(over).unwrap_or(0)) % total
    }
}

#[cfg(test)]
mod tests {
    use super::FRAME;
    use crate::device::Device;
    use crate::registers::{display, interrupts};

    const PIPE_B: u32 = 0x1000;
    const BANK_B: u32 = interrupts::PIPE + 0x10;

    #[test]
    fn blanks_interrupt_once_per_frame_while_the_pipe_is_on_and_unmasked() {
        let mut device = Device::new().unwrap();
        device.clock_mut().advance(FRAME * 3);
        assert_eq!(device.tick(), None, "nobody waits");
        device.write_register(display::PIPE_CONF + PIPE_B, 1 << 31);
        device.write_register(BANK_B + interrupts::MASK, !1);
        device.clock_mut().advance(FRAME);
        assert!(device.tick().is_some_and(|until| until <= FRAME));
        assert_eq!(device.read_register(BANK_B + interrupts::IDENTITY), 1);
        device.write_register(BANK_B + interrupts::IDENTITY, 1);
        device.tick();
        assert_eq!(device.read_register(BANK_B + interrupts::IDENTITY), 0, "the same frame");
        device.write_register(BANK_B + interrupts::MASK, !0);
        device.clock_mut().advance(FRAME);
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
            let line = device.read_register(0x7_0000);
            assert!(line < 525);
            seen.insert(line);
        }
        assert!(seen.len() > 30, "{seen:?}");
        let before = device.read_register(0x7_0040);
        device.clock_mut().advance(FRAME);
        assert!(device.read_register(0x7_0040) > before);
    }
}
