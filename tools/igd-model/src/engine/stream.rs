//! The command streamer: where the next command is, and what is done with it.
#![forbid(unsafe_code)]

use super::command::{self, Command};
use super::interrupt::Event;
use super::space::Space;
use super::{EngineId, Flow, Step, Stop};
use crate::bits::{high, join, low};
use crate::device::Device;
use crate::registers::engine as reg;

/// `RING_BBADDR`: a batch is being executed.
const BATCH_VALID: u32 = 1;
/// `RING_BBSTATE`: it lies in the context's own space.
const BATCH_PROCESS: u32 = 1 << 5;
/// `RING_EIR`: an instruction error; memory that could not be reached.
const INSTRUCTION_ERROR: u32 = 1;
const MEMORY_ERROR: u32 = 1 << 1;
/// The most work that a batch may do inside a restore of a context: nothing has its turn before it ends.
const RESTORE_WORK: u64 = 16 << 10;

/// Where commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The ring.
    Ring,
    /// A batch that the ring called.
    Batch,
    /// A batch that a batch called.
    Nested,
    /// A batch that runs inside a restore of a context; it has no registers of its own.
    Restore,
}

/// The place of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fetch {
    pub(crate) engine: EngineId,
    pub(crate) level: Level,
    /// A graphics address; in the ring, an offset from its start.
    pub(crate) at: u64,
    pub(crate) space: Space,
    ring_start: u64,
    ring_size: u64,
}

impl Device {
    /// Executes one command of the running context.
    pub(super) fn step(&mut self, id: EngineId) -> Step {
        let Some(fetch) = self.next(id) else { return Step::Complete };
        self.engines_mut().get_mut(id).commands += 1;
        let outcome = self.execute(&fetch);
        if outcome != Ok(Flow::Repeat) {
            self.forget_blit(id);
        }
        match outcome {
            Ok(Flow::Next(words)) => {
                self.advance(&fetch, words);
                Step::Next
            }
            Ok(Flow::Jumped | Flow::Repeat) => Step::Next,
            Ok(Flow::Wait) => Step::Wait,
            Err(stop) => {
                self.stop(&fetch, stop);
                Step::Halt
            }
        }
    }

    /// Where the next command is; `None` if the ring is empty.
    fn next(&self, id: EngineId) -> Option<Fetch> {
        let get = |offset| self.engine_register(id, offset);
        let batch = |address: u32, upper: u32, state: u32, level| Fetch {
            engine: id,
            level,
            at: join(get(address) & !3, get(upper) & 0xffff),
            space: Space::global_if(get(state) & BATCH_PROCESS == 0),
            ring_start: 0,
            ring_size: 0,
        };
        if get(reg::SBB_ADDR) & BATCH_VALID != 0 {
            return Some(batch(reg::SBB_ADDR, reg::SBB_ADDR_UDW, reg::SBB_STATE, Level::Nested));
        }
        if get(reg::BB_ADDR) & BATCH_VALID != 0 {
            return Some(batch(reg::BB_ADDR, reg::BB_ADDR_UDW, reg::BB_STATE, Level::Batch));
        }
        let ring_size = u64::from(get(reg::CTL) & 0x1f_f000) + 0x1000;
        let head = u64::from(get(reg::HEAD) & 0x1f_fffc) % ring_size;
        let tail = u64::from(get(reg::TAIL) & 0x1f_fff8) % ring_size;
        let ring_start = u64::from(get(reg::START) & !0xfff);
        (head != tail).then_some(Fetch {
            engine: id,
            level: Level::Ring,
            at: head,
            space: Space::Global,
            ring_start,
            ring_size,
        })
    }

    /// The word `number` of the command at `fetch`.
    pub(crate) fn word(&self, fetch: &Fetch, number: u32) -> Result<u32, Stop> {
        let at = fetch.at.wrapping_add(u64::from(number) * 4);
        let at = if fetch.level == Level::Ring { fetch.ring_start + at % fetch.ring_size } else { at };
        self.load(fetch.engine, fetch.space, at)
    }

    fn execute(&mut self, fetch: &Fetch) -> Result<Flow, Stop> {
        let header = self.word(fetch, 0)?;
        let id = fetch.engine;
        let address = if fetch.level == Level::Ring { fetch.ring_start + fetch.at } else { fetch.at };
        self.set_engine_register(id, reg::ACTHD, low(address));
        self.set_engine_register(id, reg::ACTHD_UDW, high(address));
        self.set_engine_register(id, reg::IPEHR, header);
        log::trace!("{}: {:?} {address:#x}: {header:08x}", id.name(), fetch.level);
        let command = Command { fetch: *fetch, header };
        command::execute(self, &command)
    }

    /// Goes `words` words on from the command at `fetch`.
    pub(crate) fn advance(&mut self, fetch: &Fetch, words: u32) {
        let next = fetch.at.wrapping_add(u64::from(words) * 4);
        match fetch.level {
            Level::Ring => self.set_engine_register(fetch.engine, reg::HEAD, low(next % fetch.ring_size)),
            Level::Batch | Level::Nested => self.set_batch(fetch.engine, fetch.level, next),
            Level::Restore => {}
        }
    }

    fn set_batch(&mut self, id: EngineId, level: Level, at: u64) {
        let (address, upper) = match level {
            Level::Nested => (reg::SBB_ADDR, reg::SBB_ADDR_UDW),
            _ => (reg::BB_ADDR, reg::BB_ADDR_UDW),
        };
        self.set_engine_register(id, address, low(at) & !3 | BATCH_VALID);
        self.set_engine_register(id, upper, high(at) & 0xffff);
    }

    /// Goes on in a batch of the given level.
    pub(crate) fn call_batch(&mut self, id: EngineId, level: Level, at: u64, space: Space) {
        let state = if level == Level::Nested { reg::SBB_STATE } else { reg::BB_STATE };
        self.set_engine_register(id, state, if space == Space::Process { BATCH_PROCESS } else { 0 });
        self.set_batch(id, level, at);
    }

    /// Goes back from a batch to what called it.
    pub(crate) fn end_batch(&mut self, fetch: &Fetch) {
        let register = if fetch.level == Level::Nested { reg::SBB_ADDR } else { reg::BB_ADDR };
        let address = self.engine_register(fetch.engine, register);
        self.set_engine_register(fetch.engine, register, address & !BATCH_VALID);
    }

    /// Runs the batches that a context wants run each time it is restored.
    pub(super) fn run_restore_batches(&mut self, id: EngineId) {
        let indirect = u64::from(self.engine_register(id, reg::INDIRECT_CTX));
        // The low bits are the length in cache lines of 64 bytes.
        let (at, lines) = (indirect & !0x3f, indirect & 0x3f);
        if lines != 0 {
            self.run_restore_batch(id, at, Some(at + lines * 64));
            self.forget_blit(id);
        }
        let per_context = u64::from(self.engine_register(id, reg::BB_PER_CTX));
        if per_context & 1 != 0 {
            self.run_restore_batch(id, per_context & !0xfff, None);
            self.forget_blit(id);
        }
    }

    /// The next blit is another one, and starts at its first row.
    fn forget_blit(&mut self, id: EngineId) {
        self.engines_mut().get_mut(id).blit_rows = 0;
    }

    fn run_restore_batch(&mut self, id: EngineId, start: u64, end: Option<u64>) {
        let mut at = start;
        let limit = self.engines().get(id).work.saturating_add(RESTORE_WORK);
        while self.engines().get(id).work < limit {
            self.charge(id, 1);
            if end.is_some_and(|end| at >= end) {
                return;
            }
            let fetch = Fetch {
                engine: id,
                level: Level::Restore,
                at,
                space: Space::Global,
                ring_start: 0,
                ring_size: 0,
            };
            match self.execute(&fetch) {
                Ok(Flow::Next(words)) => at = at.saturating_add(u64::from(words) * 4),
                Ok(Flow::Repeat) => {}
                // The end of the batch; calls and waits have no place here.
                Ok(_) => return,
                Err(stop) => {
                    log::debug!("{}: a restore's batch stopped at {at:#x}: {stop:?}", id.name());
                    return;
                }
            }
        }
    }

    /// The command at `fetch` cannot be executed: the engine hangs on it, and says so.
    fn stop(&mut self, fetch: &Fetch, stop: Stop) {
        let id = fetch.engine;
        // A guest can do this as often as it likes: only the first is worth a line of every log.
        let level = if self.hang_said { log::Level::Debug } else { log::Level::Warn };
        self.hang_said = true;
        log::log!(level, "{}: hangs at {:?} {:#x}: {stop:?}", id.name(), fetch.level, fetch.at);
        let error = match stop {
            Stop::Fault { space, address } => {
                self.record_fault(id, space, address);
                MEMORY_ERROR
            }
            Stop::BadCommand { .. } => INSTRUCTION_ERROR,
        };
        // What is masked is not even remembered.
        let error = error & !self.engine_register(id, reg::EMR);
        if error != 0 {
            let errors = self.engine_register(id, reg::EIR);
            self.set_engine_register(id, reg::EIR, errors | error);
            self.engine_interrupt(id, Event::Error);
        }
    }
}
