//! `card`: a PCI card that exists in this program only: a serial port with MSI, and 64 KB of memory.
//!
//! It has the ids of a NetMos 9900, because Linux's 8250_pci drives that one's port by MSI alone: no driver of ours is
//! needed in the guest. Lines that the guest sends come back in capitals.

mod config;
mod uart;

use std::io::Write;
use std::time::Duration;

use libxengt::addr::{DomId, Gpa};
use libxengt::root::Root;
use libxengt::xen::ioreq::{Handler, IoreqServer, Size, Stats};
use libxengt::xen::{IoRange, Sbdf, XenError};

use crate::Outcome;
use crate::stop::Stop;
use config::Config;
use uart::Uart;

const TICK: Duration = Duration::from_millis(100);
/// Bytes of the memory BAR.
const MEMORY: usize = 64 << 10;
/// The guest's program copies from here on, and accesses single values below.
const COPIES: u64 = 0x400;

struct Card {
    sbdf: Sbdf,
    config: Config,
    uart: Uart,
    memory: Vec<u8>,
    moved: bool,
    copied: u64,
}

impl Card {
    fn new(slot: u8) -> Self {
        Self {
            sbdf: slot_of(slot),
            config: Config::default(),
            uart: Uart::default(),
            memory: vec![0; MEMORY],
            moved: false,
            copied: 0,
        }
    }

    /// Where in the memory BAR an access goes.
    fn offset(&self, at: Gpa, size: Size) -> Option<usize> {
        let base = self.config.memory_base()?;
        let offset = usize::try_from(at.get().checked_sub(base.into())?).ok()?;
        (offset.checked_add(size.bytes().into())? <= MEMORY).then_some(offset)
    }

    fn say(&mut self, what: &str, offset: usize, size: Size, value: u64) {
        // The guest's program does the same in each page.
        let in_page = u64::try_from(offset).unwrap_or(0) % 4096;
        if in_page >= COPIES {
            self.copied += 1;
            // What it copies: the n-th word is n in each of its bytes.
            let n = (in_page - COPIES) / 8;
            if value != 0x0101_0101_0101_0101 * (n & 0xff) {
                say(&format!("wrong: {what} {offset:#x} {value:#x}"));
            }
        } else {
            say(&format!("card {what} {offset:#x} {} {value:#x}", size.bytes()));
        }
    }
}

impl Handler for Card {
    fn config_read(&mut self, function: Sbdf, register: u16, size: Size) -> u64 {
        if function == self.sbdf { self.config.read(register, size.bytes()) } else { u64::MAX }
    }

    fn config_write(&mut self, function: Sbdf, register: u16, size: Size, value: u64) {
        if function == self.sbdf && self.config.write(register, size.bytes(), value) {
            self.moved = true;
        }
    }

    fn port_read(&mut self, port: u16, size: Size) -> u64 {
        let register = self.config.port_base().and_then(|base| port.checked_sub(base));
        register.filter(|_| size == Size::One).map_or(u64::MAX, |register| self.uart.read(register).into())
    }

    fn port_write(&mut self, port: u16, _size: Size, value: u64) {
        let register = self.config.port_base().and_then(|base| port.checked_sub(base));
        if let (Some(register), Ok(value)) = (register, u8::try_from(value & 0xff))
            && let Some(line) = self.uart.write(register, value)
        {
            say(&format!("card line {:?}", String::from_utf8_lossy(&line)));
        }
    }

    fn memory_read(&mut self, at: Gpa, size: Size) -> u64 {
        let Some(offset) = self.offset(at, size) else { return u64::MAX };
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(self.memory.iter().skip(offset).take(size.bytes().into())) {
            *to = *from;
        }
        let value = u64::from_le_bytes(bytes);
        self.say("read", offset, size, value);
        value
    }

    fn memory_write(&mut self, at: Gpa, size: Size, value: u64) {
        let Some(offset) = self.offset(at, size) else { return };
        self.say("write", offset, size, value);
        let bytes = value.to_le_bytes();
        for (to, from) in self.memory.iter_mut().skip(offset).take(size.bytes().into()).zip(bytes) {
            *to = from;
        }
    }

    fn moved(&mut self) -> Option<Vec<IoRange>> {
        if !core::mem::take(&mut self.moved) {
            return None;
        }
        let mut ranges = vec![IoRange::Pci(self.sbdf)];
        if let Some(first) = self.config.port_base() {
            ranges.push(IoRange::Ports { first, last: first.saturating_add(7) });
        }
        if let Some(base) = self.config.memory_base() {
            let first = Gpa::new(base.into());
            let last = Gpa::new(u64::from(base).saturating_add(u64::try_from(MEMORY - 1).unwrap_or(0)));
            ranges.push(IoRange::Memory { first, last });
        }
        Some(ranges)
    }
}

/// The function that the card in a slot is.
pub(crate) fn slot_of(slot: u8) -> Sbdf {
    Sbdf { segment: 0, bus: 0, devfn: slot << 3 }
}

/// A line that is out before anything can kill this program.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody may read it any more; the card goes on.
    let _unread = writeln!(out, "{line}").and_then(|()| out.flush());
}

pub(crate) fn serve(domid: DomId, slot: u8) -> Outcome {
    let stop = Stop::listen()?;
    let mut card = Card::new(slot);
    let mut server = IoreqServer::start(&Root::system(), domid, &[IoRange::Pci(card.sbdf)], false)?;
    say(&format!("card {} of domain {domid} by server {}", card.sbdf, server.id()));
    let mut signals = 0_u64;
    let ended = loop {
        if stop.asked() {
            break Ok(());
        }
        if let Err(error) = server.serve(&mut card, TICK) {
            break Err(error);
        }
        if card.uart.wants_attention()
            && let Some((address, data)) = card.config.msi()
        {
            if let Err(error) = server.model().inject_msi(address, data) {
                break Err(error);
            }
            signals += 1;
        }
    };
    let Stats { answered, invalid, lost, .. } = server.stats();
    say(&format!(
        "copied {} values; answered {answered}, invalid {invalid}, lost {lost}; MSI {signals}",
        card.copied
    ));
    match ended {
        Ok(()) => Ok(invalid == 0 && lost == 0),
        Err(error @ XenError::NoDomain { .. }) => {
            say(&format!("ended: {error}"));
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}
