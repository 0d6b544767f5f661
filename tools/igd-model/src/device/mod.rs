//! The PCI device: its regions, and what ties its parts together.
#![forbid(unsafe_code)]

mod access;
mod aperture;
pub mod config;
mod interrupt;
mod opregion;
mod region;

pub use region::{APERTURE_BYTES, Region};

use std::io;
use std::time::Duration;

use libxengt::bar::GGTT_OFFSET;

use crate::bits::low;
use crate::clock::Clock;
use crate::display::frames::Frames;
use crate::display::gmbus::Gmbus;
use crate::engine::EngineId;
use crate::engine::history::History;
use crate::engine::state::{Engines, State};
use crate::global_gtt::GlobalGtt;
use crate::memory::Memory;
use crate::registers::{REGISTER_BYTES, RegisterFile, interrupts};
use config::ConfigSpace;
use interrupt::Msi;

/// How long a waiting semaphore is left alone.
const SEMAPHORE_POLL: Duration = Duration::from_millis(1);
/// `SDEISR`: a monitor is plugged into port B.
const PORT_B_PLUGGED: u32 = 1 << 21;

/// The GPU.
#[derive(Debug)]
pub struct Device {
    config: ConfigSpace,
    registers: RegisterFile,
    memory: Memory,
    gtt: GlobalGtt,
    map_gtt: bool,
    engines: Engines,
    history: History,
    msi: Msi,
    clock: Clock,
    gmbus: Gmbus,
    frames: Frames,
    /// Whether the log has a line of a hang.
    pub(crate) hang_said: bool,
}

impl Device {
    /// A device as after power-on.
    ///
    /// # Errors
    /// What the system answers if it has no memory for the global GTT.
    pub fn new() -> io::Result<Self> {
        let mut device = Self {
            config: ConfigSpace::default(),
            registers: RegisterFile::default(),
            memory: Memory::default(),
            gtt: GlobalGtt::new()?,
            map_gtt: false,
            engines: Engines::default(),
            history: History::default(),
            msi: Msi::default(),
            clock: Clock::default(),
            gmbus: Gmbus::default(),
            frames: Frames::default(),
            hang_said: false,
        };
        device.reset();
        Ok(device)
    }

    /// Whether the client may map the global GTT, so that no access to it is a message.
    ///
    /// QEMU then waits for an answer to each write of any region: nothing else would keep the order. Without a
    /// map it sends writes on their way and many at once, and a driver comes up several times faster, though it
    /// writes the whole table; only who reads all of the table is better off with a map.
    #[must_use]
    pub fn with_mapped_gtt(mut self, map: bool) -> Self {
        self.map_gtt = map;
        self
    }

    pub(crate) const fn maps_gtt(&self) -> bool {
        self.map_gtt
    }

    /// Everything as after power-on but the client's maps, the interrupt's file and the GTT's contents.
    pub fn reset(&mut self) {
        self.config = ConfigSpace::default();
        self.registers.reset();
        self.engines = Engines::default();
        self.history = History::default();
        self.gmbus = Gmbus::default();
        self.frames = Frames::default();
        self.registers.set(interrupts::SOUTH + interrupts::STATUS, PORT_B_PLUGGED);
    }

    /// The client is gone: nothing of its is kept. The GTT is a new file, as the old one may still be mapped.
    ///
    /// # Errors
    /// What the system answers if it has no memory for the new global GTT.
    pub fn disconnect(&mut self) -> io::Result<()> {
        self.memory.clear();
        self.gtt = GlobalGtt::new()?;
        self.msi = Msi::default();
        self.reset();
        Ok(())
    }

    /// Reads a region.
    pub fn region_read(&mut self, region: Region, offset: u64, out: &mut [u8]) {
        match region {
            Region::Bar0 => self.read_bar0(offset, out),
            Region::Bar2 => self.read_aperture(offset, out),
            // The ports of real hardware reach registers and GTT; no driver of today uses them.
            Region::Bar4 => out.fill(0),
            Region::Config => self.config.read(offset, out),
            Region::OpRegion => opregion::read(offset, out),
        }
    }

    /// Writes a region.
    pub fn region_write(&mut self, region: Region, offset: u64, data: &[u8]) {
        match region {
            Region::Bar0 => self.write_bar0(offset, data),
            Region::Bar2 => self.write_aperture(offset, data),
            Region::Bar4 | Region::OpRegion => {}
            Region::Config => self.config.write(offset, data),
        }
    }

    fn read_bar0(&mut self, offset: u64, out: &mut [u8]) {
        if let Some(entry) = offset.checked_sub(GGTT_OFFSET) {
            return self.gtt.read(entry, out);
        }
        out.fill(0);
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset + crate::bits::length(done);
            if at >= u64::from(REGISTER_BYTES) {
                return;
            }
            let register = low(at) & !3;
            let value = self.read_register(register);
            self.registers.note(register, value, false);
            log::trace!("read {register:#08x}: {value:#010x}");
            let bytes = value.to_le_bytes();
            let skip = crate::bits::index(at % 4);
            let mut copied = 0;
            for (slot, byte) in rest.iter_mut().zip(bytes.iter().skip(skip)) {
                *slot = *byte;
                copied += 1;
            }
            done += copied;
        }
    }

    fn write_bar0(&mut self, offset: u64, data: &[u8]) {
        if let Some(entry) = offset.checked_sub(GGTT_OFFSET) {
            return self.gtt.write(entry, data);
        }
        let mut rest = data;
        let mut at = offset;
        while !rest.is_empty() && at < u64::from(REGISTER_BYTES) {
            let register = low(at) & !3;
            let skip = crate::bits::index(at % 4);
            let (part, next) = rest.split_at(rest.len().min(4 - skip));
            let mut bytes = self.registers.get(register).to_le_bytes();
            for (slot, byte) in bytes.iter_mut().skip(skip).zip(part) {
                *slot = *byte;
            }
            let value = u32::from_le_bytes(bytes);
            log::trace!("write {register:#08x}: {value:#010x}");
            self.write_register(register, value);
            self.registers.note(register, value, true);
            at += crate::bits::length(part.len());
            rest = next;
        }
    }

    /// Lets engines and pipes do what is due; returns how long they have nothing to do, if not for ever.
    pub fn tick(&mut self) -> Option<Duration> {
        let mut idle = self.frame_tick();
        let mut sooner = |until: Duration| idle = Some(idle.map_or(until, |idle| idle.min(until)));
        for id in EngineId::ALL {
            if matches!(self.engines.get(id).state, State::Running | State::Waiting) {
                self.run_engine(id);
            }
            match self.engines.get(id).state {
                State::Idle | State::Halted => {}
                State::Running => sooner(Duration::ZERO),
                State::Waiting => sooner(SEMAPHORE_POLL),
            }
        }
        idle
    }

    /// The memory that the client mapped.
    #[must_use]
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The memory that the client mapped, to map more.
    pub const fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// The global GTT.
    #[must_use]
    pub const fn gtt(&self) -> &GlobalGtt {
        &self.gtt
    }

    /// The registers as they are stored.
    #[must_use]
    pub const fn registers(&self) -> &RegisterFile {
        &self.registers
    }

    pub(crate) const fn registers_mut(&mut self) -> &mut RegisterFile {
        &mut self.registers
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The clock, to turn it on in tests.
    pub const fn clock_mut(&mut self) -> &mut Clock {
        &mut self.clock
    }

    pub(crate) const fn engines(&self) -> &Engines {
        &self.engines
    }

    pub(crate) const fn engines_mut(&mut self) -> &mut Engines {
        &mut self.engines
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    pub(crate) const fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    pub(crate) const fn frames(&self) -> &Frames {
        &self.frames
    }

    pub(crate) const fn frames_mut(&mut self) -> &mut Frames {
        &mut self.frames
    }
}
