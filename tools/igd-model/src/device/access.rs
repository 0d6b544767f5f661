//! What happens when a register is read or written.
#![forbid(unsafe_code)]

use super::Device;
use crate::bits::{high, low, masked};
use crate::engine::EngineId;
use crate::engine::state::State;
use crate::registers::{Behaviour, REGISTER_BYTES, Special, engine as reg, gt, power};

/// `RING_MI_MODE`: idle, and asked to stop.
const MODE_IDLE: u32 = 1 << 9;
const STOP_RING: u32 = 1 << 8;
/// `RING_RESET_CTL`: asked, and ready.
const RESET_REQUEST: u32 = 1;
const RESET_READY: u32 = 1 << 1;
/// `GEN6_GDRST`: all of it.
const RESET_ALL: u32 = 1;
/// `DP_AUX_CH_CTL`.
const AUX_BUSY: u32 = 1 << 31;
const AUX_DONE: u32 = 1 << 30;
const AUX_TIMEOUT: u32 = 1 << 28;
const AUX_RECEIVE_ERROR: u32 = 1 << 25;
/// `DDI_BUF_CTL`.
const DDI_ENABLE: u32 = 1 << 31;
const DDI_IDLE: u32 = 1 << 7;
/// `LCPLL1_CTL` and its kin.
const PLL_ENABLE: u32 = 1 << 31;
const PLL_LOCK: u32 = 1 << 30;

impl Device {
    /// The 32-bit register at `offset`, with what reading it does.
    pub fn read_register(&mut self, offset: u32) -> u32 {
        let offset = offset & !3;
        let Some(declared) = self.registers.declared(offset) else { return self.registers.get(offset) };
        let stored = self.registers.get(offset);
        let Behaviour::Special(special) = declared.register.behaviour else { return stored };
        let engine = declared.engine;
        match (special, engine) {
            (Special::TimestampLow, _) => low(self.clock.ticks()),
            (Special::TimestampHigh, _) => high(self.clock.ticks()),
            (Special::ContextTimestamp, Some(id)) => self.context_ticks(id),
            (Special::MiMode, Some(id)) => {
                let idle = self.engines.get(id).active.is_none() || stored & STOP_RING != 0;
                stored & !MODE_IDLE | if idle { MODE_IDLE } else { 0 }
            }
            (Special::InstructionDone, Some(id)) => {
                if self.engines.get(id).state == State::Idle {
                    stored
                } else {
                    stored & !1
                }
            }
            (Special::ExeclistStatus, Some(id)) => self.execlist_status(id),
            (Special::ExeclistContext, Some(id)) => {
                self.engines.get(id).active.map_or(0, |context| context.id())
            }
            (Special::MasterInterrupt, _) => self.master_interrupt(),
            (Special::ScanLine, _) => self.scan_line(offset),
            (Special::FrameCount, _) => self.frame_count(offset),
            (Special::Gmbus(number), _) => self.gmbus.read(number),
            _ => stored,
        }
    }

    /// Writes the 32-bit register at `offset`.
    pub fn write_register(&mut self, offset: u32, value: u32) {
        let offset = offset & !3;
        self.frames.note_write(offset, self.clock.now());
        let Some(&declared) = self.registers.declared(offset) else {
            self.registers.set(offset, value);
            return;
        };
        let stored = self.registers.get(offset);
        let written = match declared.register.behaviour {
            Behaviour::Plain => value,
            Behaviour::Fixed => stored,
            Behaviour::SelfClearing => declared.register.reset,
            Behaviour::Masked => masked(stored, value),
            Behaviour::ClearByOne => stored & !value,
            Behaviour::Acknowledged(acknowledgement) => {
                let request = masked(stored, value);
                self.registers.set(acknowledgement, request);
                request
            }
            Behaviour::Enable { enable, status } => follow(value, enable, status),
            Behaviour::Special(special) => {
                self.write_special(offset, special, declared.engine, stored, value);
                return;
            }
        };
        self.registers.set(offset, written);
    }

    fn write_special(
        &mut self,
        offset: u32,
        special: Special,
        engine: Option<EngineId>,
        stored: u32,
        value: u32,
    ) {
        let written = match special {
            Special::MiMode => masked(stored, value) & !MODE_IDLE,
            Special::ResetControl => follow(masked(stored, value), RESET_REQUEST, RESET_READY),
            Special::ContextTimestamp => value,
            Special::InterruptGate => value,
            Special::InterruptIdentity => stored & !value,
            Special::DdiBuffer => follow(value ^ DDI_ENABLE, DDI_ENABLE, DDI_IDLE) ^ DDI_ENABLE,
            Special::Pll(bit) => {
                let status = self.registers.get(power::DPLL_STATUS) & !(1 << bit);
                let locked = if value & PLL_ENABLE != 0 { 1 << bit } else { 0 };
                self.registers.set(power::DPLL_STATUS, status | locked);
                follow(value, PLL_ENABLE, PLL_LOCK)
            }
            Special::Aux => {
                let sticky = AUX_DONE | AUX_TIMEOUT | AUX_RECEIVE_ERROR;
                let nobody = if value & AUX_BUSY != 0 { AUX_DONE | AUX_TIMEOUT } else { 0 };
                value & !(sticky | AUX_BUSY) | stored & sticky & !value | nobody
            }
            Special::Submit => {
                if let Some(id) = engine {
                    self.submit_word(id, value);
                }
                return;
            }
            Special::Reset => return self.reset_domains(value),
            Special::MasterInterrupt => return self.write_master_interrupt(value),
            Special::PowerWell => return self.write_power_well(offset, value),
            Special::Pcode => return self.pcode(offset, value),
            Special::Gmbus(number) => return self.gmbus.write(number, value),
            Special::TimestampLow
            | Special::TimestampHigh
            | Special::ExeclistStatus
            | Special::ExeclistContext
            | Special::InstructionDone
            | Special::ScanLine
            | Special::FrameCount => return,
        };
        self.registers.set(offset, written);
        if matches!(special, Special::InterruptGate | Special::InterruptIdentity) {
            self.update_interrupt();
        }
        if let (Special::MiMode, Some(id)) = (special, engine)
            && written & STOP_RING == 0
            && stored & STOP_RING != 0
        {
            // The engine goes on where it was stopped, at its next turn.
            let engine = self.engines.get_mut(id);
            if engine.active.is_some() && engine.state == State::Waiting {
                engine.state = State::Running;
            }
        }
    }

    /// A write by a command: of any register, but not of those that start what commands cannot survive.
    pub(crate) fn command_writes_register(&mut self, offset: u32, value: u32) {
        let special = match self.registers.behaviour(offset) {
            Behaviour::Special(special) => Some(special),
            _ => None,
        };
        if offset < REGISTER_BYTES && !matches!(special, Some(Special::Submit | Special::Reset)) {
            self.write_register(offset, value);
        }
    }

    /// `GEN6_GDRST`: done as soon as it is asked.
    fn reset_domains(&mut self, domains: u32) {
        for id in EngineId::ALL {
            if domains & (RESET_ALL | id.reset_bit()) != 0 {
                log::info!("reset of {}", id.name());
                *self.engines.get_mut(id) = crate::engine::state::Engine::default();
                self.registers.reset_engine(id);
            }
        }
        if domains & RESET_ALL != 0 {
            self.registers.set(gt::RING_FAULT, 0);
        }
    }

    /// The state bits follow what any of the four requesters wants.
    fn write_power_well(&mut self, offset: u32, value: u32) {
        const REQUESTS: u32 = 0xaaaa_aaaa;
        self.registers.set(offset, value & REQUESTS);
        let all = power::POWER_WELLS.map(|well| self.registers.get(well) & REQUESTS);
        let states = all.iter().fold(0, |all, requests| all | requests) >> 1;
        for (well, requests) in power::POWER_WELLS.into_iter().zip(all) {
            self.registers.set(well, requests | states);
        }
    }

    /// The power controller's answer to a request.
    fn pcode(&mut self, offset: u32, value: u32) {
        const BUSY: u32 = 1 << 31;
        if value & BUSY != 0 {
            let argument = self.registers.get(power::PCODE_DATA);
            let answer = match value & 0xff {
                // How long memory takes, in microseconds, for eight levels of watermarks.
                0x06 if argument == 0 => 0x0e07_0402,
                0x06 => 0x6363_321e,
                // The display clock may change; system agent frequency changes are off: both say 1.
                0x07 | 0x21 => 1,
                _ => 0,
            };
            log::debug!("power controller request {value:#x} with {argument:#x}: {answer:#x}");
            self.registers.set(power::PCODE_DATA, answer);
            self.registers.set(power::PCODE_DATA1, 0);
        }
        // The low byte then says whether it failed: it did not.
        self.registers.set(offset, value & !BUSY & !0xff);
    }

    fn execlist_status(&self, id: EngineId) -> u32 {
        const ACTIVE: u32 = 1 << 14;
        if self.engines.get(id).active.is_some() { ACTIVE } else { 0 }
    }

    /// An engine's register by its offset from the engine's base, as it is stored.
    #[must_use]
    #[inline]
    pub fn engine_register(&self, id: EngineId, offset: u32) -> u32 {
        self.registers.get(id.base() + offset)
    }

    /// Stores an engine's register.
    #[inline]
    pub(crate) fn set_engine_register(&mut self, id: EngineId, offset: u32, value: u32) {
        self.registers.set(id.base() + offset, value);
    }

    /// The first page of the running context, its status page; 0 if none runs.
    pub(crate) fn context_page(&self, id: EngineId) -> u64 {
        self.engines.get(id).active.map_or(0, |context| context.image().get())
    }

    /// The state of each engine, one a line.
    #[must_use]
    pub fn engines_report(&self) -> String {
        let line = |id: EngineId| {
            let engine = self.engines.get(id);
            format!(
                "{} {:?} switches {} commands {} head {:#x} tail {:#x} at {:#x}\n",
                id.name(),
                engine.state,
                engine.switches,
                engine.commands,
                self.engine_register(id, reg::HEAD),
                self.engine_register(id, reg::TAIL),
                self.engine_register(id, reg::ACTHD)
            )
        };
        EngineId::ALL.map(line).concat()
    }
}

/// `value` with `status` set where `enable` is.
const fn follow(value: u32, enable: u32, status: u32) -> u32 {
    if value & enable != 0 { value | status } else { value & !status }
}
