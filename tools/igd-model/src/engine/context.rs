//! Context images: a page of status, then registers as the commands that load them.
//!
//! Source: Skylake PRM, volume 3, "Logical Ring Context Format"; i915 `gt/intel_lrc.c`, `gt/intel_lrc_reg.h`.
#![forbid(unsafe_code)]

use libxengt::addr::{HostGma, PAGE_SIZE};

use super::{EngineId, command};
use crate::bits::low;
use crate::device::Device;
use crate::engine::state::Descriptor;
use crate::registers::{Behaviour, Special, engine as reg};

/// Words of the image's register page.
const WORDS: u64 = 1024;
/// The value of `RING_CONTEXT_CONTROL` lies here, by i915's `CTX_CONTEXT_CONTROL`.
const CONTROL_WORD: u64 = 3;
/// The ring's tail lies here (`CTX_RING_TAIL`).
const TAIL_WORD: u64 = 7;
/// Values from this word on belong to the engine and are not loaded when the restore is inhibited; those
/// before are the ring's and the page tables'.
const ENGINE_STATE: u64 = 0x44;
/// `CTX_CTRL_ENGINE_CTX_RESTORE_INHIBIT`.
const RESTORE_INHIBIT: u32 = 1;

/// A register's value in an image.
struct Slot {
    /// The register's offset in BAR 0.
    register: u32,
    /// Where the value lies.
    at: HostGma,
    word: u64,
    value: u32,
}

impl Device {
    /// Loads a context and runs what it wants run at its start.
    pub(super) fn load_context(&mut self, id: EngineId, context: Descriptor) {
        let slots = self.image(context);
        let inhibited =
            slots.iter().any(|slot| slot.word == CONTROL_WORD && slot.value & RESTORE_INHIBIT != 0);
        let now = self.clock().ticks();
        let engine = self.engines_mut().get_mut(id);
        engine.active = Some(context);
        engine.arbitration_off = false;
        engine.blit_rows = 0;
        engine.loaded_at = now;
        for slot in slots.iter().filter(|slot| !inhibited || slot.word < ENGINE_STATE) {
            self.load_slot(slot);
        }
        self.note_context(id, context);
        if inhibited {
            self.set_engine_register(id, reg::BB_ADDR, 0);
            self.set_engine_register(id, reg::SBB_ADDR, 0);
        }
        self.run_restore_batches(id);
    }

    fn load_slot(&mut self, slot: &Slot) {
        match self.registers().behaviour(slot.register) {
            Behaviour::Plain | Behaviour::Special(Special::ContextTimestamp) => {
                self.registers_mut().set(slot.register, slot.value);
            }
            Behaviour::Masked | Behaviour::Special(Special::MiMode) => {
                self.write_register(slot.register, slot.value);
            }
            other => log::debug!("a context loads {:#x} ({other:?}): ignored", slot.register),
        }
    }

    /// Stores a context's registers into its image.
    pub(super) fn save_context(&mut self, id: EngineId, context: Descriptor) {
        for slot in self.image(context) {
            let value = match slot.register.wrapping_sub(id.base()) {
                // The driver alone writes the tail.
                reg::TAIL => continue,
                // What was loaded once has a state to restore.
                reg::CONTEXT_CONTROL => slot.value & !RESTORE_INHIBIT,
                reg::CTX_TIMESTAMP => self.context_ticks(id),
                _ => match self.registers().behaviour(slot.register) {
                    Behaviour::Masked | Behaviour::Special(Special::MiMode) => {
                        self.registers().get(slot.register) | 0xffff_0000
                    }
                    _ => self.registers().get(slot.register),
                },
            };
            if value != slot.value && self.write_global(slot.at, value).is_none() {
                log::debug!("{}: the context image at {} cannot be written", id.name(), slot.at);
                return;
            }
        }
    }

    /// How long the context has run, in ticks: what its image said and the time since.
    pub(crate) fn context_ticks(&self, id: EngineId) -> u32 {
        let loaded = self.engine_register(id, reg::CTX_TIMESTAMP);
        let engine = self.engines().get(id);
        match engine.active {
            Some(_) => loaded.wrapping_add(low(self.clock().ticks().wrapping_sub(engine.loaded_at))),
            None => loaded,
        }
    }

    /// The context that runs was submitted again: there may be more in its ring.
    pub(super) fn resample_tail(&mut self, id: EngineId, context: Descriptor) {
        let at = register_page(context).and_then(|page| page.checked_add(TAIL_WORD * 4));
        if let Some(tail) = at.and_then(|at| self.read_global(at)) {
            self.set_engine_register(id, reg::TAIL, tail);
        }
    }

    /// The values of a context's image, in order. The image is the driver's: it ends at the first word that
    /// is neither a load nor empty, or with its page.
    fn image(&self, context: Descriptor) -> Vec<Slot> {
        let mut slots = Vec::new();
        let Some(page) = register_page(context) else { return slots };
        let read = |word: u64| {
            let at = page.checked_add(word * 4)?;
            Some((at, self.read_global(at)?))
        };
        let mut word = 0;
        while word < WORDS {
            let Some((_, header)) = read(word) else {
                log::debug!("the context image at {page} is not mapped");
                break;
            };
            word += 1;
            if header == 0 {
                continue;
            }
            if header >> 23 != command::mi::LOAD_REGISTER_IMM {
                break;
            }
            for _ in 0..(header & 0xff).div_ceil(2) {
                let (Some((_, register)), Some((at, value))) = (read(word), read(word + 1)) else {
                    return slots;
                };
                slots.push(Slot { register: register & 0x7f_fffc, at, word: word + 1, value });
                word += 2;
            }
        }
        slots
    }
}

/// The image's second page: the first is the context's status page.
fn register_page(context: Descriptor) -> Option<HostGma> {
    context.image().checked_add(PAGE_SIZE)
}
