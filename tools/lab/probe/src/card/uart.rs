//! A 16550A serial port whose far end sends each line back in capitals. Source: the PC16550D's data sheet.

use std::collections::VecDeque;

const DATA: u16 = 0;
const IER: u16 = 1;
const IIR_FCR: u16 = 2;
const LCR: u16 = 3;
const MCR: u16 = 4;
const LSR: u16 = 5;
const MSR: u16 = 6;
const SCRATCH: u16 = 7;

const IER_RECEIVED: u8 = 1 << 0;
const IER_EMPTY: u8 = 1 << 1;
const LCR_DIVISOR: u8 = 1 << 7;
const LSR_READY: u8 = 1 << 0;
/// Nothing waits to be sent: it is gone at once.
const LSR_EMPTY: u8 = 0x60;
/// Carrier, data set ready, clear to send.
const MSR_CONNECTED: u8 = 0xb0;

const IIR_NONE: u8 = 1;
const IIR_EMPTY: u8 = 2;
const IIR_RECEIVED: u8 = 4;

/// What the far end keeps for a guest that does not read, and of a line that does not end.
const LONGEST: usize = 4096;

#[derive(Debug, Clone, Default)]
pub(super) struct Uart {
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scratch: u8,
    divisor: [u8; 2],
    empty_pending: bool,
    received: VecDeque<u8>,
    line: Vec<u8>,
    was_pending: bool,
}

impl Uart {
    fn identification(&self) -> u8 {
        if self.ier & IER_RECEIVED != 0 && !self.received.is_empty() {
            IIR_RECEIVED
        } else if self.ier & IER_EMPTY != 0 && self.empty_pending {
            IIR_EMPTY
        } else {
            IIR_NONE
        }
    }

    /// Whether a message must be sent: a reason came up since the last time this was asked.
    pub(super) fn wants_attention(&mut self) -> bool {
        let pending = self.identification() != IIR_NONE;
        let rising = pending && !self.was_pending;
        self.was_pending = pending;
        rising
    }

    pub(super) fn read(&mut self, register: u16) -> u8 {
        let divisor = self.lcr & LCR_DIVISOR != 0;
        match register {
            DATA if divisor => self.divisor[0],
            IER if divisor => self.divisor[1],
            DATA => self.received.pop_front().unwrap_or(0),
            IER => self.ier,
            IIR_FCR => {
                let reason = self.identification();
                if reason == IIR_EMPTY {
                    self.empty_pending = false;
                }
                // The driver looks here until there is no reason left, so a new one is new.
                if reason == IIR_NONE {
                    self.was_pending = false;
                }
                reason | if self.fcr & 1 == 0 { 0 } else { 0xc0 }
            }
            LCR => self.lcr,
            MCR => self.mcr,
            LSR => LSR_EMPTY | if self.received.is_empty() { 0 } else { LSR_READY },
            MSR => MSR_CONNECTED,
            SCRATCH => self.scratch,
            _ => 0xff,
        }
    }

    /// Takes a write; a line that it completes.
    pub(super) fn write(&mut self, register: u16, value: u8) -> Option<Vec<u8>> {
        let divisor = self.lcr & LCR_DIVISOR != 0;
        match register {
            DATA if divisor => self.divisor[0] = value,
            IER if divisor => self.divisor[1] = value,
            DATA => {
                self.empty_pending = true;
                self.was_pending = false;
                return self.send(value);
            }
            IER => {
                if value & !self.ier & IER_EMPTY != 0 {
                    self.empty_pending = true;
                }
                self.ier = value & 0xf;
                self.was_pending = false;
            }
            IIR_FCR => self.fcr = value,
            LCR => self.lcr = value,
            MCR => self.mcr = value,
            SCRATCH => self.scratch = value,
            _ => {}
        }
        None
    }

    /// The far end takes a byte, and answers a line.
    fn send(&mut self, byte: u8) -> Option<Vec<u8>> {
        if self.line.len() < LONGEST {
            self.line.push(byte);
        }
        if byte != b'\n' {
            return None;
        }
        let line = core::mem::take(&mut self.line);
        if self.received.len() < LONGEST {
            self.received.extend(line.to_ascii_uppercase());
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::{DATA, IER, IIR_FCR, LSR, Uart};

    #[test]
    fn a_line_comes_back_in_capitals_with_one_message_for_each_reason() {
        let mut uart = Uart::default();
        assert!(!uart.wants_attention());
        uart.write(IER, 3);
        assert!(uart.wants_attention() && !uart.wants_attention(), "the holding register is empty");
        assert_eq!((uart.read(IIR_FCR), uart.read(IIR_FCR)), (2, 1), "told once");
        assert_eq!(uart.write(DATA, b'a'), None);
        assert_eq!(uart.write(DATA, b'\n').unwrap(), b"a\n");
        assert!(uart.wants_attention());
        assert_eq!((uart.read(IIR_FCR), uart.read(LSR) & 1), (4, 1));
        assert_eq!((uart.read(DATA), uart.read(DATA), uart.read(LSR) & 1), (b'A', b'\n', 0));
    }

    #[test]
    fn a_guest_that_never_reads_or_never_ends_its_line_is_bounded() {
        let mut uart = Uart::default();
        for _ in 0..100_000 {
            uart.write(DATA, b'x');
        }
        assert!(uart.line.len() <= super::LONGEST);
        for _ in 0..10 {
            uart.write(DATA, b'\n');
        }
        assert!(uart.received.len() <= 2 * super::LONGEST);
    }
}
