//! GMBUS: an I2C controller with a monitor's EDID behind port B.
//!
//! Source: Skylake PRM, volume 12, "GMBUS"; i915 `display/intel_gmbus.c`.
#![forbid(unsafe_code)]

use super::edid::{EDID_BYTES, edid};
use crate::bits::index;

/// `GMBUS0`: the pins of port B.
const PINS: u32 = 7;
const PINS_PORT_B: u32 = 5;
/// `GMBUS1`.
const CLEAR: u32 = 1 << 31;
const READY: u32 = 1 << 30;
const STOP: u32 = 1 << 27;
const INDEX: u32 = 1 << 26;
const WAIT: u32 = 1 << 25;
/// `GMBUS2`.
const IN_WAIT: u32 = 1 << 14;
const HARDWARE_READY: u32 = 1 << 11;
const NOT_ACKNOWLEDGED: u32 = 1 << 10;
const ACTIVE: u32 = 1 << 9;
/// The I2C address of the EDID.
const EDID_ADDRESS: u32 = 0x50;

/// The controller and the monitor's memory behind it.
#[derive(Debug, Clone)]
pub(crate) struct Gmbus {
    registers: [u32; 6],
    edid: [u8; EDID_BYTES],
    /// The next byte of the EDID that is read.
    position: usize,
    /// Bytes of the transfer that are still to come.
    left: usize,
}

impl Default for Gmbus {
    fn default() -> Self {
        Self { registers: [0, 0, HARDWARE_READY, 0, 0, 0], edid: edid(), position: 0, left: 0 }
    }
}

impl Gmbus {
    fn register(&self, number: u8) -> u32 {
        self.registers.get(usize::from(number)).copied().unwrap_or(0)
    }

    fn set(&mut self, number: u8, value: u32) {
        if let Some(register) = self.registers.get_mut(usize::from(number)) {
            *register = value;
        }
    }

    /// Reads `GMBUS0` to `GMBUS5`. Each read of the data register takes the next four bytes.
    pub(crate) fn read(&mut self, number: u8) -> u32 {
        if number == 3 && self.left > 0 {
            let mut word = [0; 4];
            for slot in word.iter_mut().take(self.left) {
                *slot = self.edid.get(self.position).copied().unwrap_or(0xff);
                self.position += 1;
            }
            self.left = self.left.saturating_sub(word.len());
            if self.left == 0 {
                self.set(2, self.register(2) | IN_WAIT);
            }
            self.set(3, u32::from_le_bytes(word));
        }
        self.register(number)
    }

    /// Writes `GMBUS0` to `GMBUS5`. The command register starts a transfer.
    pub(crate) fn write(&mut self, number: u8, value: u32) {
        match number {
            1 => self.command(value),
            // Bits of the status are the hardware's.
            2 => {}
            _ => self.set(number, value),
        }
    }

    fn command(&mut self, command: u32) {
        self.set(1, command);
        if command & CLEAR != 0 {
            self.left = 0;
            self.set(2, HARDWARE_READY);
            return;
        }
        if command & READY == 0 {
            return;
        }
        if command & (WAIT | INDEX) == 0 {
            if command & STOP != 0 {
                self.left = 0;
                self.set(2, HARDWARE_READY);
            }
            return;
        }
        let (count, address) = (index(command >> 16 & 0x1ff), command >> 1 & 0x7f);
        if self.register(0) & PINS != PINS_PORT_B || address != EDID_ADDRESS {
            self.left = 0;
            self.set(2, NOT_ACKNOWLEDGED);
            return;
        }
        if command & INDEX != 0 {
            self.position = index(command >> 8 & 0xff);
        }
        let reading = command & 1 != 0;
        if reading {
            self.left = count;
        } else if command & INDEX == 0 && count > 0 {
            // A write sets where the next read starts.
            self.position = index(self.register(3) & 0xff);
        }
        let waiting = if reading && count > 0 { 0 } else { IN_WAIT };
        self.set(2, HARDWARE_READY | ACTIVE | waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::{ACTIVE, CLEAR, Gmbus, HARDWARE_READY, IN_WAIT, INDEX, NOT_ACKNOWLEDGED, READY, STOP, WAIT};
    use crate::display::edid::edid;

    fn read_edid(gmbus: &mut Gmbus, words: usize) -> Vec<u8> {
        (0..words).flat_map(|_| gmbus.read(3).to_le_bytes()).collect()
    }

    #[test]
    fn an_indexed_read_gives_the_edid_and_then_waits() {
        let mut gmbus = Gmbus::default();
        gmbus.write(0, 5);
        gmbus.write(1, READY | WAIT | INDEX | 128 << 16 | 0x50 << 1 | 1);
        assert_eq!(gmbus.read(2), HARDWARE_READY | ACTIVE);
        assert_eq!(read_edid(&mut gmbus, 32), edid());
        assert_eq!(gmbus.read(2), HARDWARE_READY | ACTIVE | IN_WAIT);
        gmbus.write(1, READY | STOP);
        assert_eq!(gmbus.read(2), HARDWARE_READY);
    }

    #[test]
    fn a_write_of_one_byte_sets_where_the_next_read_starts() {
        let mut gmbus = Gmbus::default();
        gmbus.write(0, 5);
        gmbus.write(3, 0x36);
        gmbus.write(1, READY | WAIT | 1 << 16 | 0x50 << 1);
        assert_eq!(gmbus.read(2) & IN_WAIT, IN_WAIT);
        gmbus.write(1, READY | WAIT | 18 << 16 | 0x50 << 1 | 1);
        assert_eq!(read_edid(&mut gmbus, 5)[..18], edid()[0x36..0x36 + 18]);
    }

    #[test]
    fn nobody_answers_elsewhere_and_clearing_forgets_it() {
        let mut gmbus = Gmbus::default();
        for (pins, address) in [(4, 0x50), (5, 0x40), (5, 0x30)] {
            gmbus.write(0, pins);
            gmbus.write(1, READY | WAIT | 1 << 16 | address << 1 | 1);
            assert_eq!(gmbus.read(2), NOT_ACKNOWLEDGED, "{pins} {address:#x}");
            gmbus.write(1, CLEAR);
            gmbus.write(1, 0);
            assert_eq!(gmbus.read(2), HARDWARE_READY);
        }
    }

    #[test]
    fn reading_past_the_block_gives_what_an_empty_bus_gives() {
        let mut gmbus = Gmbus::default();
        gmbus.write(0, 5);
        gmbus.write(1, READY | WAIT | INDEX | 511 << 16 | 0xff << 8 | 0x50 << 1 | 1);
        assert_eq!(
            read_edid(&mut gmbus, 128),
            [0xff; 512].map(|_| 0xff).to_vec()[..508]
                .iter()
                .copied()
                .chain([0xff, 0xff, 0xff, 0])
                .collect::<Vec<_>>()
        );
    }
}
