//! The interrupt line: banks, the master control, and the message.
//!
//! Source: Skylake PRM, volume 12, "Interrupts"; i915 `i915_irq.c`, `gen8_irq_handler`.
#![forbid(unsafe_code)]

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Device;
use crate::registers::interrupts::{ENABLE, GT, IDENTITY, MASK, MASTER, MISC, PCU, PIPE, PORT, SOUTH};

const MASTER_ENABLE: u32 = 1 << 31;

/// A bank's bits and what the master register says of them.
const SOURCES: [(u32, u32, u32); 13] = [
    (GT, 0x0000_ffff, 1),
    (GT, 0xffff_0000, 1 << 1),
    (GT + 0x10, 0x0000_ffff, 1 << 2),
    (GT + 0x10, 0xffff_0000, 1 << 3),
    (GT + 0x20, 0x0000_ffff, 1 << 4),
    (GT + 0x20, 0xffff_0000, 1 << 5),
    (GT + 0x30, 0xffff_ffff, 1 << 6),
    (PIPE, 0xffff_ffff, 1 << 16),
    (PIPE + 0x10, 0xffff_ffff, 1 << 17),
    (PIPE + 0x20, 0xffff_ffff, 1 << 18),
    (PORT, 0xffff_ffff, 1 << 20),
    (MISC, 0xffff_ffff, 1 << 22),
    (PCU, 0xffff_ffff, 1 << 30),
];
const SOUTH_PENDING: u32 = 1 << 23;

/// The message-signalled interrupt.
#[derive(Debug, Default)]
pub(super) struct Msi {
    file: Option<OwnedFd>,
    asserted: bool,
}

impl Device {
    /// Where messages go from now on.
    pub fn connect_msi(&mut self, file: Option<OwnedFd>) {
        self.msi.file = file;
    }

    /// Sends a message as if something had happened.
    pub fn trigger_msi(&mut self) {
        let Some(file) = &self.msi.file else { return };
        // A full one has a message that nobody has taken yet; waiting for that would stop everything.
        let mut polled = [PollFd::new(file, PollFlags::OUT)];
        let ready = poll(&mut polled, Some(&Timespec::default()));
        let [polled] = polled;
        if ready != Ok(1) || !polled.revents().contains(PollFlags::OUT) {
            log::debug!("the interrupt's file takes no message now");
            return;
        }
        if let Err(error) = rustix::io::write(file, &1_u64.to_ne_bytes()) {
            log::debug!("the interrupt's file cannot be written: {error}");
        }
    }

    /// What the master register reads.
    pub(super) fn master_interrupt(&self) -> u32 {
        self.registers.get(MASTER) & MASTER_ENABLE | self.pending()
    }

    /// A write to the master register: switched on, it tells again of what is pending.
    pub(super) fn write_master_interrupt(&mut self, value: u32) {
        self.registers.set(MASTER, value & MASTER_ENABLE);
        self.msi.asserted = false;
        self.update_interrupt();
    }

    fn pending(&self) -> u32 {
        let bank = |bank: u32| self.registers.get(bank + IDENTITY) & self.registers.get(bank + ENABLE);
        let south = if bank(SOUTH) == 0 { 0 } else { SOUTH_PENDING };
        SOURCES
            .iter()
            .filter(|(first, bits, _)| bank(*first) & bits != 0)
            .fold(south, |pending, (_, _, bit)| pending | bit)
    }

    /// Sends a message when something becomes pending.
    pub(super) fn update_interrupt(&mut self) {
        let level = self.registers.get(MASTER) & MASTER_ENABLE != 0 && self.pending() != 0;
        if level && !self.msi.asserted {
            self.trigger_msi();
        }
        self.msi.asserted = level;
    }

    /// Something happened that `bits` of the bank at `bank` stand for.
    pub(crate) fn interrupt(&mut self, bank: u32, bits: u32) {
        let passed = bits & !self.registers.get(bank + MASK);
        if passed != 0 {
            let identity = self.registers.get(bank + IDENTITY);
            self.registers.set(bank + IDENTITY, identity | passed);
            self.update_interrupt();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::event::EventfdFlags;

    use super::{ENABLE, GT, IDENTITY, MASK, MASTER, PIPE};
    use crate::device::Device;

    fn connected() -> (Device, OwnedFd) {
        let mut device = Device::new().unwrap();
        let file = rustix::event::eventfd(0, EventfdFlags::NONBLOCK).unwrap();
        device.connect_msi(Some(file.try_clone().unwrap()));
        device.write_register(GT + MASK, 0);
        device.write_register(GT + ENABLE, u32::MAX);
        (device, file)
    }

    fn messages(file: &OwnedFd) -> u64 {
        let mut count = [0; 8];
        rustix::io::read(file, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
    }

    #[test]
    fn messages_are_sent_on_edges_and_again_when_the_master_is_switched_on() {
        let (mut device, file) = connected();
        device.interrupt(GT, 1);
        assert_eq!(messages(&file), 0, "the master is off");
        device.write_register(MASTER, 1 << 31);
        assert_eq!(messages(&file), 1);
        device.interrupt(GT, 1 << 16);
        assert_eq!(messages(&file), 0, "it is pending already");
        assert_eq!(device.read_register(MASTER), 1 << 31 | 3);
        device.write_register(MASTER, 0);
        device.write_register(GT + IDENTITY, 1);
        device.write_register(MASTER, 1 << 31);
        assert_eq!(messages(&file), 1, "the blitter's is still pending");
        device.write_register(GT + IDENTITY, 1 << 16);
        assert_eq!(device.read_register(MASTER), 1 << 31);
        device.interrupt(GT, 1);
        assert_eq!(messages(&file), 1, "a new edge");
    }

    #[test]
    fn a_file_that_is_full_stops_nothing() {
        let mut device = Device::new().unwrap();
        let full = rustix::event::eventfd(0, EventfdFlags::empty()).unwrap();
        rustix::io::write(&full, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        let (_reader, pipe) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).unwrap();
        while rustix::io::write(&pipe, &[0; 4096]).is_ok() {}
        rustix::fs::fcntl_setfl(&pipe, rustix::fs::OFlags::empty()).unwrap();
        for file in [full, pipe] {
            device.connect_msi(Some(file));
            device.trigger_msi();
        }
    }

    #[test]
    fn masked_and_disabled_events_send_nothing() {
        let (mut device, file) = connected();
        device.write_register(MASTER, 1 << 31);
        device.write_register(GT + MASK, 1);
        device.interrupt(GT, 1);
        assert_eq!(device.read_register(GT + IDENTITY), 0, "the mask holds it back");
        device.write_register(PIPE + MASK, 0);
        device.interrupt(PIPE, 1);
        assert_eq!(device.read_register(PIPE + IDENTITY), 1);
        assert_eq!(messages(&file), 0, "it is not enabled");
    }
}
