//! The card's configuration space: ids, two BARs, MSI.

const SIZE: usize = 256;

const COMMAND: usize = 0x04;
const DECODE_PORTS: u8 = 1 << 0;
const DECODE_MEMORY: u8 = 1 << 1;
const PORT_BAR: usize = 0x10;
const MEMORY_BAR: usize = 0x18;
const MSI: usize = 0x50;
const MSI_ENABLE: u8 = 1 << 0;

/// What the space holds at reset: offset and bytes.
const RESET: &[(usize, &[u8])] = &[
    (0x00, &[0x10, 0x97, 0x00, 0x99]), // NetMos 9900
    (0x06, &[0x10]),                   // there is a list of capabilities
    (0x08, &[0x00, 0x02, 0x00, 0x07]), // a 16550 serial port
    (PORT_BAR, &[0x01]),               // ports
    (0x2c, &[0x00, 0xa0, 0x00, 0x10]), // the subsystem with one port
    (0x34, &[0x50]),                   // the first capability
    (MSI, &[0x05, 0x00, 0x80, 0x00]),  // MSI, 64-bit addresses, one message
];

/// Which bits the guest can change: offset and masks. The BARs' masks are their sizes: 8 ports, 64 KB.
const WRITABLE: &[(usize, &[u8])] = &[
    (COMMAND, &[0x07, 0x04]),
    (PORT_BAR, &[0xf8, 0xff, 0x00, 0x00]),
    (MEMORY_BAR, &[0x00, 0x00, 0xff, 0xff]),
    (0x3c, &[0xff]),
    (MSI + 2, &[0x01]),
    (MSI + 4, &[0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
];

#[derive(Debug, Clone)]
pub(super) struct Config {
    bytes: [u8; SIZE],
    masks: [u8; SIZE],
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Self { bytes: [0; SIZE], masks: [0; SIZE] };
        put(&mut config.bytes, RESET);
        put(&mut config.masks, WRITABLE);
        config
    }
}

fn put(into: &mut [u8; SIZE], parts: &[(usize, &[u8])]) {
    for (at, part) in parts {
        for (to, from) in into.iter_mut().skip(*at).zip(*part) {
            *to = *from;
        }
    }
}

impl Config {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0xff)
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.byte(at), self.byte(at + 1), self.byte(at + 2), self.byte(at + 3)])
    }

    pub(super) fn read(&self, register: u16, size: u8) -> u64 {
        (0..size)
            .rev()
            .fold(0, |value, n| value << 8 | u64::from(self.byte(usize::from(register) + usize::from(n))))
    }

    /// Takes a write; whether it may have moved what the BARs show.
    pub(super) fn write(&mut self, register: u16, size: u8, value: u64) -> bool {
        let first = usize::from(register);
        for (at, byte) in (first..).zip(value.to_le_bytes()).take(size.into()) {
            let Some(mask) = self.masks.get(at).copied() else { continue };
            if let Some(held) = self.bytes.get_mut(at) {
                *held = *held & !mask | byte & mask;
            }
        }
        first <= MEMORY_BAR + 3 && first + usize::from(size) > COMMAND
    }

    /// The first of the 8 ports, if they are decoded.
    pub(super) fn port_base(&self) -> Option<u16> {
        let base = u16::try_from(self.word(PORT_BAR) & 0xfff8).ok()?;
        (self.byte(COMMAND) & DECODE_PORTS != 0 && base != 0 && base != 0xfff8).then_some(base)
    }

    /// The first byte of the memory, if it is decoded.
    pub(super) fn memory_base(&self) -> Option<u32> {
        let base = self.word(MEMORY_BAR);
        (self.byte(COMMAND) & DECODE_MEMORY != 0 && base != 0 && base != 0xffff_0000).then_some(base)
    }

    /// The message's address and data, if the guest wants one.
    pub(super) fn msi(&self) -> Option<(u64, u32)> {
        let address = u64::from(self.word(MSI + 4)) | u64::from(self.word(MSI + 8)) << 32;
        (self.byte(MSI + 2) & MSI_ENABLE != 0).then(|| (address, self.word(MSI + 12) & 0xffff))
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn bars_show_their_sizes_and_are_decoded_when_told() {
        let mut config = Config::default();
        assert_eq!(config.read(0, 4), 0x9900_9710);
        assert!(config.write(0x18, 4, 0xffff_ffff));
        assert_eq!(config.read(0x18, 4), 0xffff_0000, "64 KB");
        config.write(0x10, 4, 0xffff_ffff);
        assert_eq!(config.read(0x10, 4), 0xfff9, "8 ports");
        config.write(0x18, 4, 0xf100_0000);
        config.write(0x10, 4, 0xc001);
        assert_eq!((config.memory_base(), config.port_base()), (None, None));
        assert!(config.write(4, 2, 3));
        assert_eq!((config.memory_base(), config.port_base()), (Some(0xf100_0000), Some(0xc000)));
        assert!(!config.write(0x3c, 1, 5));
    }

    #[test]
    fn ids_stay_and_msi_is_off_until_enabled() {
        let mut config = Config::default();
        config.write(0, 4, 0);
        assert_eq!(config.read(2, 2), 0x9900);
        config.write(0x54, 4, 0xfee0_1000);
        config.write(0x5c, 2, 0x4021);
        assert_eq!(config.msi(), None);
        config.write(0x52, 2, 1);
        assert_eq!(config.msi(), Some((0xfee0_1000, 0x4021)));
        assert_eq!(config.read(0xff, 4), 0xffff_ff00, "beyond the end is nobody's");
    }
}
