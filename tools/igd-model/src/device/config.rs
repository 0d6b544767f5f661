//! PCI configuration space.
//!
//! Source: PCI Local Bus 3.0, chapter 6; Skylake datasheet, volume 2, "GMCH graphics control", "BDSM", "ASLS".
#![forbid(unsafe_code)]

use crate::bits::index;

/// Its size in bytes.
pub const CONFIG_BYTES: u64 = 256;
const SIZE: usize = 256;

/// Kaby Lake GT2 of mobile processors.
const VENDOR_AND_DEVICE: u32 = 0x5916_8086;
/// The command register, of which the bits for I/O, memory, bus mastering and INTx can be written.
const COMMAND: usize = 0x04;
const BAR0: usize = 0x10;
const CAPABILITIES: u8 = 0xac;
const MSI: usize = 0xac;
const POWER: usize = 0xd0;

/// The space: each byte's value, and which of its bits can be written.
#[derive(Debug, Clone)]
pub struct ConfigSpace {
    bytes: [u8; SIZE],
    writable: [u8; SIZE],
}

impl Default for ConfigSpace {
    fn default() -> Self {
        let mut space = Self { bytes: [0; SIZE], writable: [0; SIZE] };
        space.put(0x00, &VENDOR_AND_DEVICE.to_le_bytes(), &[]);
        // The status register says that there are capabilities.
        space.put(COMMAND, &[0, 0, 0x10, 0], &[0x07, 0x04]);
        // Revision 2, VGA compatible.
        space.put(0x08, &0x0300_0002_u32.to_le_bytes(), &[0, 0, 0, 0, 0xff, 0xff]);
        // 64-bit memory of 16 MB; 64-bit prefetchable memory of 256 MB; 64 bytes of I/O.
        space.put(BAR0, &0x4_u64.to_le_bytes(), &(!0x00ff_ffff_u64).to_le_bytes());
        space.put(BAR0 + 8, &0xc_u64.to_le_bytes(), &(!0x0fff_ffff_u64).to_le_bytes());
        space.put(BAR0 + 16, &0x1_u32.to_le_bytes(), &0xffc0_u32.to_le_bytes());
        // Subsystem: an Intel board.
        space.put(0x2c, &0x2015_8086_u32.to_le_bytes(), &[]);
        space.put(0x34, &[CAPABILITIES], &[]);
        // The interrupt line can be written; there is no pin: interrupts are messages.
        space.put(0x3c, &[0, 0], &[0xff]);
        // GMCH graphics control: 8 MB of GTT entries, no stolen memory. BDSM, where it would start: 0.
        space.put(0x50, &0x00c0_u16.to_le_bytes(), &[]);
        // Message-signalled interrupt, one vector, 32-bit address; then power management.
        space.put(MSI, &[0x05, 0xd0, 0, 0], &[0, 0, 0x01, 0]);
        space.put(MSI + 4, &[0; 6], &[0xfc, 0xff, 0xff, 0xff, 0xff, 0xff]);
        space.put(POWER, &[0x01, 0x00, 0x22, 0x00, 0, 0], &[0, 0, 0, 0, 0x03, 0]);
        // SWSCI, ASLE: scratch between firmware and driver; ASLS: where firmware has put the OpRegion.
        space.put(0xe8, &[0; 2], &[0xff; 2]);
        space.put(0xfc, &[0; 4], &[0xff; 4]);
        space
    }
}

impl ConfigSpace {
    fn put(&mut self, at: usize, bytes: &[u8], writable: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(at).zip(bytes) {
            *slot = *byte;
        }
        for (slot, byte) in self.writable.iter_mut().skip(at).zip(writable) {
            *slot = *byte;
        }
    }

    /// Copies bytes; those outside are zero.
    pub fn read(&self, offset: u64, out: &mut [u8]) {
        for (at, slot) in (index(offset)..).zip(out) {
            *slot = self.bytes.get(at).copied().unwrap_or(0);
        }
    }

    /// Writes bytes where they can be written.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        let start = index(offset);
        let slots = self.bytes.iter_mut().zip(&self.writable).skip(start);
        for ((slot, writable), byte) in slots.zip(data) {
            *slot = *slot & !writable | byte & writable;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ConfigSpace;

    fn word(space: &ConfigSpace, at: u64) -> u32 {
        let mut bytes = [0; 4];
        space.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn bars_tell_their_sizes_as_pci_asks_for_them() {
        let mut space = ConfigSpace::default();
        space.write(0x10, &[0xff; 24]);
        assert_eq!([0x10, 0x14].map(|at| word(&space, at)), [0xff00_0004, 0xffff_ffff]);
        assert_eq!([0x18, 0x1c].map(|at| word(&space, at)), [0xf000_000c, 0xffff_ffff]);
        assert_eq!([0x20, 0x24].map(|at| word(&space, at)), [0x0000_ffc1, 0]);
    }

    #[test]
    fn what_names_the_device_cannot_be_written() {
        let mut space = ConfigSpace::default();
        space.write(0, &[0xff; 256]);
        assert_eq!(word(&space, 0), 0x5916_8086);
        assert_eq!(word(&space, 8), 0x0300_0002);
        assert_eq!(word(&space, 0x50), 0x00c0);
        assert_eq!(word(&space, 4), 0x0010_0407);
        assert_eq!(word(&space, 0xfc), 0xffff_ffff);
    }

    #[test]
    fn accesses_past_the_end_read_zero_and_write_nothing() {
        let mut space = ConfigSpace::default();
        space.write(254, &[0xaa; 8]);
        space.write(u64::MAX, &[0xaa; 8]);
        assert_eq!(word(&space, 0xfc), 0xaaaa_0000);
        assert_eq!(word(&space, 0x100), 0);
    }
}
