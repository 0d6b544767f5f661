//! What a register is: one line of a table.
#![forbid(unsafe_code)]

use crate::engine::EngineId;

/// One register, or several of a kind in a row.
#[derive(Debug, Clone, Copy)]
pub struct Register {
    /// Offset in BAR 0 in bytes; in the table of the engines, from the engine's base.
    pub offset: u32,
    /// How many 32-bit words it takes.
    pub words: u32,
    /// Its name in i915 (`i915_reg.h`, `gt/intel_gt_regs.h`, `gt/intel_engine_regs.h`), or the PRM's where i915
    /// has none.
    pub name: &'static str,
    /// Every word's value after a reset.
    pub reset: u32,
    /// What it does when it is accessed.
    pub behaviour: Behaviour,
    /// Where its meaning is written down.
    pub source: &'static str,
}

/// What a register does when it is accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Reads give what was written.
    Plain,
    /// Reads give the reset value.
    Fixed,
    /// The upper half of what is written says which bits of the lower half change.
    Masked,
    /// Bits written as 1 become 0.
    ClearByOne,
    /// Whatever is written is done at once, and reads give the reset value.
    SelfClearing,
    /// A masked write that the register at this offset repeats: a request and its acknowledgement.
    Acknowledged(u32),
    /// The `status` bit follows the `enable` bit.
    Enable {
        /// Set by the driver.
        enable: u32,
        /// Set by the hardware.
        status: u32,
    },
    /// Code of its own: see [`Special`].
    Special(Special),
}

/// Registers that do what no other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// The GPU's clock, low half.
    TimestampLow,
    /// The GPU's clock, high half.
    TimestampHigh,
    /// Time that the context has run.
    ContextTimestamp,
    /// `RING_MI_MODE`: masked, and shows whether the engine is idle.
    MiMode,
    /// `RING_RESET_CTL`: masked, and ready as soon as it is asked.
    ResetControl,
    /// `RING_ELSP`: four writes submit.
    Submit,
    /// `RING_EXECLIST_STATUS_LO`: whether something runs.
    ExeclistStatus,
    /// `RING_EXECLIST_STATUS_HI`: the driver's name for the context that runs.
    ExeclistContext,
    /// `RING_INSTDONE`.
    InstructionDone,
    /// `GEN6_GDRST`: resets engines.
    Reset,
    /// `GEN8_MASTER_IRQ`.
    MasterInterrupt,
    /// An interrupt mask or enable register: what is pending is looked at again.
    InterruptGate,
    /// An interrupt identity register: cleared by ones, then looked at again.
    InterruptIdentity,
    /// A power well control register: requests of all of them together give the states.
    PowerWell,
    /// `LCPLL1_CTL` and its kin, which also lock in `DPLL_STATUS`, at this bit.
    Pll(u32),
    /// `DDI_BUF_CTL`: idle when not enabled.
    DdiBuffer,
    /// `GEN6_PCODE_MAILBOX`.
    Pcode,
    /// `DP_AUX_CH_CTL`: nobody answers.
    Aux,
    /// `PIPEDSL`: the row that is being scanned out.
    ScanLine,
    /// `PIPE_FRMCOUNT`: frames since the reset.
    FrameCount,
    /// `GMBUS0` to `GMBUS5`, by number.
    Gmbus(u8),
}

/// A declared register with the engine whose it is, if it is one's.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// The table's line.
    pub register: Register,
    /// Which engine's.
    pub engine: Option<EngineId>,
}

/// A line of a table.
pub(super) const fn reg(
    offset: u32,
    name: &'static str,
    reset: u32,
    behaviour: Behaviour,
    source: &'static str,
) -> Register {
    Register { offset, words: 1, name, reset, behaviour, source }
}

/// A line for registers that only remember: those from `first` to `last`, inclusive.
pub(super) const fn plain(first: u32, last: u32, name: &'static str, source: &'static str) -> Register {
    Register {
        offset: first,
        words: (last - first) / 4 + 1,
        name,
        reset: 0,
        behaviour: Behaviour::Plain,
        source,
    }
}
