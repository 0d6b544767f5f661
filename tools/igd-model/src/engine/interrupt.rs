//! What engines interrupt for.
#![forbid(unsafe_code)]

use super::EngineId;
use crate::device::Device;
use crate::registers::{engine, interrupts};

/// An engine's events, by their bit (i915 `GT_RENDER_USER_INTERRUPT` and on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// `MI_USER_INTERRUPT`.
    User,
    /// The command streamer met what it cannot execute.
    Error,
    /// A flush that asked for it is done.
    FlushDone,
    /// A status event was written.
    ContextSwitch,
    /// A semaphore's condition is not met.
    SemaphoreWait,
}

impl Event {
    const fn bit(self) -> u32 {
        match self {
            Self::User => 0,
            Self::Error => 3,
            Self::FlushDone => 4,
            Self::ContextSwitch => 8,
            Self::SemaphoreWait => 11,
        }
    }
}

impl Device {
    /// Lets an engine's event through its own mask and the bank's.
    ///
    /// The engine's mask has the bank's layout: the blitter's bits are in its upper half.
    pub(crate) fn engine_interrupt(&mut self, id: EngineId, event: Event) {
        let (bank, shift) = id.interrupt();
        let bit = 1 << (event.bit() + shift);
        if self.engine_register(id, engine::IMR) & bit == 0 {
            self.interrupt(interrupts::GT + bank * 0x10, bit);
        }
    }
}
