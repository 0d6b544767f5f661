//! What an engine holds beyond its registers.
#![forbid(unsafe_code)]

use bitfield_struct::bitfield;
use libxengt::addr::HostGma;

use super::EngineId;

/// What an execution list holds for each context.
///
/// Source: Skylake PRM, volume 3, "Context Descriptor Format"; i915 `gt/intel_lrc_reg.h`.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// Whether there is a context at all.
    pub(crate) valid: bool,
    force_pd_restore: bool,
    /// Whether the context is loaded even if it is the one that runs.
    pub(crate) force_restore: bool,
    /// 1: 32-bit PPGTT (three levels), 3: 48-bit (four levels).
    #[bits(2)]
    pub(crate) addressing: u8,
    l3_coherency: bool,
    #[bits(2)]
    fault_handling: u8,
    privileged: bool,
    #[bits(3)]
    reserved: u8,
    /// The page in the global GTT where the context's image starts.
    #[bits(20)]
    page: u32,
    /// The driver's name for it, returned in status events.
    pub(crate) id: u32,
}

impl Descriptor {
    /// Where the context's image starts.
    #[must_use]
    pub(crate) const fn image(self) -> HostGma {
        HostGma::from_truncated(self.into_bits() & 0xffff_f000)
    }

    /// Whether both name one context.
    #[must_use]
    pub(crate) fn is_same(self, other: Self) -> bool {
        self.page() == other.page() && self.id() == other.id()
    }
}

/// What a submission asks for: a context, and one to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Runs now.
    pub(crate) first: Descriptor,
    /// Runs when the first has nothing left.
    pub(crate) second: Option<Descriptor>,
}

/// What an engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// No context.
    #[default]
    Idle,
    /// Executing.
    Running,
    /// A semaphore's condition is not met; it is looked at again.
    Waiting,
    /// A bad command or address: only a reset helps.
    Halted,
}

/// An engine's state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Engine {
    /// The context that runs.
    pub(crate) active: Option<Descriptor>,
    /// The one to follow.
    pub(crate) queued: Option<Descriptor>,
    /// A submission that waits for a moment when the running context may be interrupted.
    pub(crate) pending: Option<Submission>,
    /// Words written to the submit port so far, the oldest first.
    pub(crate) port: [u32; 3],
    /// How many of them.
    pub(crate) port_words: u8,
    /// What it does.
    pub(crate) state: State,
    /// Whether commands have forbidden that the context is interrupted.
    pub(crate) arbitration_off: bool,
    /// Rows that the blit which is being executed has done; 0 between commands.
    pub(crate) blit_rows: u32,
    /// What was done in this turn: commands, words that they store or load, pixels.
    pub(crate) work: u64,
    /// The clock, in ticks, when the context was loaded.
    pub(crate) loaded_at: u64,
    /// How many contexts were switched to.
    pub(crate) switches: u64,
    /// How many commands were executed.
    pub(crate) commands: u64,
}

/// All four.
#[derive(Debug, Clone, Default)]
pub(crate) struct Engines {
    render: Engine,
    blitter: Engine,
    video: Engine,
    video_enhance: Engine,
}

impl Engines {
    /// One of them.
    #[must_use]
    #[inline]
    pub(crate) const fn get(&self, id: EngineId) -> &Engine {
        match id {
            EngineId::Render => &self.render,
            EngineId::Blitter => &self.blitter,
            EngineId::Video => &self.video,
            EngineId::VideoEnhance => &self.video_enhance,
        }
    }

    /// One of them, to change.
    #[inline]
    pub(crate) const fn get_mut(&mut self, id: EngineId) -> &mut Engine {
        match id {
            EngineId::Render => &mut self.render,
            EngineId::Blitter => &mut self.blitter,
            EngineId::Video => &mut self.video,
            EngineId::VideoEnhance => &mut self.video_enhance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Descriptor;

    #[test]
    fn a_descriptor_is_read_as_i915_packs_it() {
        let descriptor = Descriptor::from_bits(0x0123_4567_0fee_d119);
        assert!(descriptor.valid() && !descriptor.force_restore());
        assert_eq!(descriptor.addressing(), 3);
        assert_eq!(descriptor.image().get(), 0x0fee_d000);
        assert_eq!(descriptor.id(), 0x0123_4567);
        assert!(descriptor.is_same(descriptor.with_force_restore(true)));
        assert!(!descriptor.is_same(descriptor.with_id(1)));
    }
}
