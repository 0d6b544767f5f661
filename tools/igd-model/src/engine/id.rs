//! The engines of a GT2: where their registers are and which bits are theirs.
#![forbid(unsafe_code)]

/// One of the four engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineId {
    /// Render and compute (`rcs0`).
    Render,
    /// The blitter (`bcs0`).
    Blitter,
    /// Video decode and encode (`vcs0`).
    Video,
    /// Video enhancement (`vecs0`).
    VideoEnhance,
}

impl EngineId {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Render, Self::Blitter, Self::Video, Self::VideoEnhance];

    /// The name that i915 uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Render => "rcs0",
            Self::Blitter => "bcs0",
            Self::Video => "vcs0",
            Self::VideoEnhance => "vecs0",
        }
    }

    /// The offset of its registers in BAR 0.
    #[must_use]
    pub const fn base(self) -> u32 {
        match self {
            Self::Render => 0x2000,
            Self::Blitter => 0x2_2000,
            Self::Video => 0x1_2000,
            Self::VideoEnhance => 0x1_a000,
        }
    }

    /// Its bank of GT interrupts, and how far its bits are shifted there.
    #[must_use]
    pub const fn interrupt(self) -> (u32, u32) {
        match self {
            Self::Render => (0, 0),
            Self::Blitter => (0, 16),
            Self::Video => (1, 0),
            Self::VideoEnhance => (3, 0),
        }
    }

    /// Its bit in `GEN6_GDRST`.
    #[must_use]
    pub const fn reset_bit(self) -> u32 {
        match self {
            Self::Render => 1 << 1,
            Self::Video => 1 << 2,
            Self::Blitter => 1 << 3,
            Self::VideoEnhance => 1 << 4,
        }
    }

    /// Its number in `GEN8_RING_FAULT_REG`.
    #[must_use]
    pub const fn fault_number(self) -> u32 {
        match self {
            Self::Render => 0,
            Self::Video => 1,
            Self::Blitter => 2,
            Self::VideoEnhance => 3,
        }
    }
}
