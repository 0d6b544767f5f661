//! Interrupts: the master control, and banks of status, mask, identity and enable registers.
#![forbid(unsafe_code)]

use super::Behaviour::{Fixed, Special as Sp};
use super::Special::{InterruptGate, InterruptIdentity, MasterInterrupt};
use super::register::{Register, reg};

const PRM: &str = "Skylake PRM, volume 12, \"Interrupts\"";

/// `GEN8_MASTER_IRQ`.
pub const MASTER: u32 = 0x4_4200;

/// From a bank's first register: what is asserted now.
pub const STATUS: u32 = 0;
/// Which events reach the identity register: a 1 holds one back.
pub const MASK: u32 = 4;
/// Which events have happened.
pub const IDENTITY: u32 = 8;
/// Which of these interrupt.
pub const ENABLE: u32 = 12;

/// `GEN8_GT_ISR(0)` of the render engine and the blitter; banks 1 to 3 follow 16 bytes apart.
pub const GT: u32 = 0x4_4300;
/// `GEN8_DE_PIPE_ISR(PIPE_A)`; pipes B and C follow.
pub const PIPE: u32 = 0x4_4400;
/// `GEN8_DE_PORT_ISR`.
pub const PORT: u32 = 0x4_4440;
/// `GEN8_DE_MISC_ISR`.
pub const MISC: u32 = 0x4_4460;
/// `GEN8_PCU_ISR`.
pub const PCU: u32 = 0x4_44e0;
/// `SDEISR`: the south display engine's, whose status says what is plugged in.
pub const SOUTH: u32 = 0xc_4000;

macro_rules! bank {
    ($first:expr, $status:literal, $mask:literal, $identity:literal, $enable:literal) => {
        [
            reg($first + STATUS, $status, 0, Fixed, PRM),
            reg($first + MASK, $mask, 0xffff_ffff, Sp(InterruptGate), PRM),
            reg($first + IDENTITY, $identity, 0, Sp(InterruptIdentity), PRM),
            reg($first + ENABLE, $enable, 0, Sp(InterruptGate), PRM),
        ]
    };
}

pub(super) const MASTER_REGISTERS: &[Register] =
    &[reg(MASTER, "GEN8_MASTER_IRQ", 0, Sp(MasterInterrupt), PRM)];

pub(super) const BANKS: &[[Register; 4]] = &[
    bank!(GT, "GEN8_GT_ISR(0)", "GEN8_GT_IMR(0)", "GEN8_GT_IIR(0)", "GEN8_GT_IER(0)"),
    bank!(GT + 0x10, "GEN8_GT_ISR(1)", "GEN8_GT_IMR(1)", "GEN8_GT_IIR(1)", "GEN8_GT_IER(1)"),
    bank!(GT + 0x20, "GEN8_GT_ISR(2)", "GEN8_GT_IMR(2)", "GEN8_GT_IIR(2)", "GEN8_GT_IER(2)"),
    bank!(GT + 0x30, "GEN8_GT_ISR(3)", "GEN8_GT_IMR(3)", "GEN8_GT_IIR(3)", "GEN8_GT_IER(3)"),
    bank!(PIPE, "GEN8_DE_PIPE_ISR(A)", "GEN8_DE_PIPE_IMR(A)", "GEN8_DE_PIPE_IIR(A)", "GEN8_DE_PIPE_IER(A)"),
    bank!(
        PIPE + 0x10,
        "GEN8_DE_PIPE_ISR(B)",
        "GEN8_DE_PIPE_IMR(B)",
        "GEN8_DE_PIPE_IIR(B)",
        "GEN8_DE_PIPE_IER(B)"
    ),
    bank!(
        PIPE + 0x20,
        "GEN8_DE_PIPE_ISR(C)",
        "GEN8_DE_PIPE_IMR(C)",
        "GEN8_DE_PIPE_IIR(C)",
        "GEN8_DE_PIPE_IER(C)"
    ),
    bank!(PORT, "GEN8_DE_PORT_ISR", "GEN8_DE_PORT_IMR", "GEN8_DE_PORT_IIR", "GEN8_DE_PORT_IER"),
    bank!(MISC, "GEN8_DE_MISC_ISR", "GEN8_DE_MISC_IMR", "GEN8_DE_MISC_IIR", "GEN8_DE_MISC_IER"),
    bank!(PCU, "GEN8_PCU_ISR", "GEN8_PCU_IMR", "GEN8_PCU_IIR", "GEN8_PCU_IER"),
    bank!(SOUTH, "SDEISR", "SDEIMR", "SDEIIR", "SDEIER"),
];
