//! Execution lists: submissions, switches between contexts, and the status events that tell of them.
//!
//! Source: Skylake PRM, volume 3, "Execlists", "Context Status"; i915 `gt/intel_execlists_submission.c`.
#![forbid(unsafe_code)]

use super::interrupt::Event;
use super::state::{Descriptor, State, Submission};
use super::{EngineId, Step};
use crate::bits::{join, masked};
use crate::device::Device;
use crate::registers::engine as reg;

/// Status events: what happened to a context.
const IDLE_TO_ACTIVE: u32 = 1;
const PREEMPTED: u32 = 1 << 1;
const ELEMENT_SWITCH: u32 = 1 << 2;
const ACTIVE_TO_IDLE: u32 = 1 << 3;
const COMPLETE: u32 = 1 << 4;
const LITE_RESTORE: u32 = 1 << 15;

/// Status events that the buffer holds.
const EVENTS: u32 = 6;
/// Where the hardware status page repeats the buffer, and its write pointer.
const PAGE_EVENTS: u64 = 0x40;
const PAGE_POINTER: u64 = 0x7c;

/// `STOP_RING` of `RING_MI_MODE`.
pub(super) const STOP_RING: u32 = 1 << 8;

/// Work that one engine does before the others and the client have their turn: commands, words and pixels.
const SLICE: u64 = 20_000;

impl Device {
    /// A write to the submit port: the fourth submits.
    pub(crate) fn submit_word(&mut self, id: EngineId, word: u32) {
        let engine = self.engines_mut().get_mut(id);
        let at = usize::from(engine.port_words);
        if let Some(slot) = engine.port.get_mut(at) {
            *slot = word;
            engine.port_words += 1;
            return;
        }
        // The second element comes first, and of each the upper half.
        let [second_high, second_low, first_high] = engine.port;
        engine.port_words = 0;
        let first = Descriptor::from_bits(join(word, first_high));
        let second = Descriptor::from_bits(join(second_low, second_high));
        if !first.valid() {
            log::debug!("{}: a submission without a context: {first:?}", id.name());
            return;
        }
        engine.pending = Some(Submission { first, second: second.valid().then_some(second) });
        log::trace!("{}: submission {first:?}, then {second:?}", id.name());
        self.run_engine(id);
    }

    /// Executes until there is nothing to do, something to wait for, or the slice is over.
    pub(crate) fn run_engine(&mut self, id: EngineId) {
        self.engines_mut().get_mut(id).work = 0;
        while self.engines().get(id).work < SLICE {
            self.charge(id, 1);
            if self.engine_register(id, reg::MI_MODE) & STOP_RING != 0 {
                return;
            }
            let engine = self.engines().get(id);
            // A blit that was begun is finished first: what its rows have changed cannot be done again.
            let between = !engine.arbitration_off && engine.blit_rows == 0;
            let interruptible = engine.active.is_none() || between && engine.state != State::Halted;
            if interruptible && engine.pending.is_some() {
                self.switch(id);
            }
            let step = match self.engines().get(id).active {
                Some(_) => self.step(id),
                None => return,
            };
            let engine = self.engines_mut().get_mut(id);
            match step {
                Step::Next => engine.state = State::Running,
                Step::Complete => self.complete(id),
                Step::Wait => {
                    engine.state = State::Waiting;
                    // A submission may have come while the semaphore was looked at.
                    if engine.arbitration_off || engine.pending.is_none() {
                        return;
                    }
                }
                Step::Halt => {
                    engine.state = State::Halted;
                    return;
                }
            }
        }
    }

    /// Counts work of the engine's turn, so that a turn ends soon whatever it is made of.
    pub(in crate::engine) fn charge(&mut self, id: EngineId, work: u64) {
        let engine = self.engines_mut().get_mut(id);
        engine.work = engine.work.saturating_add(work);
    }

    /// Takes the pending submission over.
    fn switch(&mut self, id: EngineId) {
        let engine = self.engines_mut().get_mut(id);
        let Some(Submission { first, second }) = engine.pending.take() else { return };
        engine.queued = second;
        engine.switches += 1;
        engine.state = State::Running;
        match engine.active {
            None => {
                self.load_context(id, first);
                self.status_event(id, IDLE_TO_ACTIVE, first);
            }
            Some(running) if running.is_same(first) && !first.force_restore() => {
                self.resample_tail(id, first);
                self.status_event(id, PREEMPTED | LITE_RESTORE, running);
            }
            Some(running) => {
                self.save_context(id, running);
                self.load_context(id, first);
                self.status_event(id, PREEMPTED, running);
            }
        }
    }

    /// The running context has nothing left.
    fn complete(&mut self, id: EngineId) {
        let engine = self.engines_mut().get_mut(id);
        let (Some(done), next) = (engine.active.take(), engine.queued.take()) else { return };
        self.save_context(id, done);
        match next {
            Some(next) => {
                self.engines_mut().get_mut(id).switches += 1;
                self.load_context(id, next);
                self.status_event(id, COMPLETE | ELEMENT_SWITCH, done);
            }
            None => {
                self.engines_mut().get_mut(id).state = State::Idle;
                self.status_event(id, COMPLETE | ACTIVE_TO_IDLE, done);
            }
        }
    }

    /// Writes a status event to the registers and the status page, and interrupts.
    fn status_event(&mut self, id: EngineId, status: u32, context: Descriptor) {
        let pointer = self.engine_register(id, reg::STATUS_POINTER);
        let next = match pointer & 7 {
            last if last >= EVENTS - 1 => 0,
            last => last + 1,
        };
        self.set_engine_register(id, reg::STATUS_BUFFER + next * 8, status);
        self.set_engine_register(id, reg::STATUS_BUFFER + next * 8 + 4, context.id());
        self.set_engine_register(id, reg::STATUS_POINTER, masked(pointer, 7 << 16 | next));
        let slot = PAGE_EVENTS + u64::from(next) * 8;
        for (offset, word) in [(slot, status), (slot + 4, context.id()), (PAGE_POINTER, next)] {
            if self.write_status_page(id, offset, word).is_none() {
                log::debug!("{}: the status page cannot be written", id.name());
                break;
            }
        }
        self.engine_interrupt(id, Event::ContextSwitch);
    }

    /// Writes a word of the engine's hardware status page.
    pub(super) fn write_status_page(&self, id: EngineId, offset: u64, word: u32) -> Option<()> {
        let page = u64::from(self.engine_register(id, reg::HWS_PGA)) & !0xfff;
        let at = libxengt::addr::HostGma::try_new(page + offset).ok()?;
        self.write_global(at, word)
    }
}
