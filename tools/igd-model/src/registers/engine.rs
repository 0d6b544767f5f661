//! One engine's registers, by their offset from its base.
#![forbid(unsafe_code)]

use super::Behaviour::{ClearByOne, Fixed, Masked, Plain, Special as Sp};
use super::Special::{
    ContextTimestamp, ExeclistContext, ExeclistStatus, InstructionDone, MiMode, ResetControl, Submit,
    TimestampHigh, TimestampLow,
};
use super::register::{Register, plain, reg};

const PRM: &str = "Skylake PRM, volume 2c";
const EXECLISTS: &str = "Skylake PRM, volume 3, \"Execlists\"";

/// How many bytes of BAR 0 one engine's registers take.
pub const SPAN: u32 = 0x1000;

/// `RING_TAIL`: where the driver has written up to.
pub const TAIL: u32 = 0x30;
/// `RING_HEAD`: where the engine has read up to.
pub const HEAD: u32 = 0x34;
/// `RING_START`: the ring's graphics address.
pub const START: u32 = 0x38;
/// `RING_CTL`: the ring's size.
pub const CTL: u32 = 0x3c;
/// `RING_PSMI_CTL`.
pub const PSMI_CTL: u32 = 0x50;
/// `RING_ACTHD_UDW`.
pub const ACTHD_UDW: u32 = 0x5c;
/// `RING_IPEHR`: the header of the command that is executed.
pub const IPEHR: u32 = 0x68;
/// `RING_ACTHD`: its address.
pub const ACTHD: u32 = 0x74;
/// `RING_HWS_PGA`: the hardware status page.
pub const HWS_PGA: u32 = 0x80;
/// `RING_MI_MODE`.
pub const MI_MODE: u32 = 0x9c;
/// `RING_IMR`.
pub const IMR: u32 = 0xa8;
/// `RING_EIR`: what went wrong.
pub const EIR: u32 = 0xb0;
/// `RING_EMR`: which errors do not interrupt.
pub const EMR: u32 = 0xb4;
/// `RING_BBSTATE`, for batches called from the ring.
pub const BB_STATE: u32 = 0x110;
/// `RING_SBBADDR`, for batches called from batches.
pub const SBB_ADDR: u32 = 0x114;
/// `RING_SBBSTATE`.
pub const SBB_STATE: u32 = 0x118;
/// `RING_SBBADDR_UDW`.
pub const SBB_ADDR_UDW: u32 = 0x11c;
/// `RING_BBADDR`.
pub const BB_ADDR: u32 = 0x140;
/// `RING_BBADDR_UDW`.
pub const BB_ADDR_UDW: u32 = 0x168;
/// `RING_BB_PER_CTX_PTR`: a batch run after each restore of a context.
pub const BB_PER_CTX: u32 = 0x1c0;
/// `RING_INDIRECT_CTX`: a batch run inside each restore.
pub const INDIRECT_CTX: u32 = 0x1c4;
/// `RING_CONTEXT_CONTROL`.
pub const CONTEXT_CONTROL: u32 = 0x244;
/// `GEN8_RING_PDP_LDW(0)`, the first of eight words.
pub const PDP: u32 = 0x270;
/// `RING_CONTEXT_STATUS_BUF`.
pub const STATUS_BUFFER: u32 = 0x370;
/// `RING_CONTEXT_STATUS_PTR`.
pub const STATUS_POINTER: u32 = 0x3a0;
/// `RING_CTX_TIMESTAMP`.
pub const CTX_TIMESTAMP: u32 = 0x3a8;
/// `MI_PREDICATE_RESULT_2` and `MI_PREDICATE_RESULT`. Nothing asks them: predicated commands are always executed.
pub const PREDICATE_RESULT: u32 = 0x418;
/// `GEN8_RING_CS_GPR(0)`: sixteen 64-bit registers for arithmetic.
pub const GPR: u32 = 0x600;
/// `BCS_SWCTRL`: whether the blitter's tiled surfaces are Y-tiled.
pub const BCS_SWCTRL: u32 = 0x200;

pub(super) const REGISTERS: &[Register] = &[
    reg(TAIL, "RING_TAIL", 0, Plain, PRM),
    reg(HEAD, "RING_HEAD", 0, Plain, PRM),
    reg(START, "RING_START", 0, Plain, PRM),
    reg(CTL, "RING_CTL", 0, Plain, PRM),
    plain(0x40, 0x4c, "RING_SYNC_0 to RING_SYNC_2", PRM),
    reg(PSMI_CTL, "RING_PSMI_CTL", 0, Masked, PRM),
    reg(0x54, "RING_MAX_IDLE", 0, Plain, PRM),
    reg(ACTHD_UDW, "RING_ACTHD_UDW", 0, Plain, PRM),
    reg(0x60, "RING_DMA_FADD_UDW", 0, Plain, PRM),
    reg(0x64, "RING_IPEIR", 0, Plain, PRM),
    reg(IPEHR, "RING_IPEHR", 0, Plain, PRM),
    reg(0x6c, "RING_INSTDONE", 0xffff_ffff, Sp(InstructionDone), PRM),
    reg(0x70, "RING_INSTPS", 0, Plain, PRM),
    reg(ACTHD, "RING_ACTHD", 0, Plain, PRM),
    reg(0x78, "RING_DMA_FADD", 0, Plain, PRM),
    reg(0x7c, "RING_INSTDONE1", 0xffff_ffff, Fixed, PRM),
    reg(HWS_PGA, "RING_HWS_PGA", 0, Plain, PRM),
    reg(0x94, "RING_NOPID", 0, Plain, PRM),
    reg(0x98, "RING_HWSTAM", 0xffff_ffff, Plain, PRM),
    reg(MI_MODE, "RING_MI_MODE", 0, Sp(MiMode), PRM),
    reg(IMR, "RING_IMR", 0xffff_ffff, Plain, PRM),
    reg(EIR, "RING_EIR", 0, ClearByOne, PRM),
    reg(EMR, "RING_EMR", 0xffff_ffff, Plain, PRM),
    reg(0xb8, "RING_ESR", 0, Plain, PRM),
    reg(0xc0, "RING_INSTPM", 0, Masked, PRM),
    reg(0xc4, "RING_CMD_CCTL", 0, Masked, PRM),
    reg(0xd0, "RING_RESET_CTL", 0, Sp(ResetControl), PRM),
    plain(0xd4, 0xfc, "FF_SLICE_CS_CHICKEN1 and its neighbours", PRM),
    reg(BB_STATE, "RING_BBSTATE", 0, Plain, PRM),
    plain(SBB_ADDR, SBB_ADDR_UDW, "RING_SBBADDR, RING_SBBSTATE, RING_SBBADDR_UDW", PRM),
    reg(BB_ADDR, "RING_BBADDR", 0, Plain, PRM),
    reg(BB_ADDR_UDW, "RING_BBADDR_UDW", 0, Plain, PRM),
    reg(BB_PER_CTX, "RING_BB_PER_CTX_PTR", 0, Plain, EXECLISTS),
    plain(INDIRECT_CTX, 0x1c8, "RING_INDIRECT_CTX, RING_INDIRECT_CTX_OFFSET", EXECLISTS),
    reg(0x1e4, "CTX_R_PWR_CLK neighbours", 0, Plain, EXECLISTS),
    reg(BCS_SWCTRL, "BCS_SWCTRL", 0, Masked, PRM),
    reg(0x230, "RING_ELSP", 0, Sp(Submit), EXECLISTS),
    reg(0x234, "RING_EXECLIST_STATUS_LO", 0, Sp(ExeclistStatus), EXECLISTS),
    reg(0x238, "RING_EXECLIST_STATUS_HI", 0, Sp(ExeclistContext), EXECLISTS),
    reg(CONTEXT_CONTROL, "RING_CONTEXT_CONTROL", 0, Masked, EXECLISTS),
    plain(PDP, 0x28c, "GEN8_RING_PDP_LDW(0) to GEN8_RING_PDP_UDW(3)", EXECLISTS),
    reg(0x29c, "RING_MODE_GEN7", 0, Masked, PRM),
    reg(0x358, "RING_TIMESTAMP", 0, Sp(TimestampLow), PRM),
    reg(0x35c, "RING_TIMESTAMP_UDW", 0, Sp(TimestampHigh), PRM),
    plain(STATUS_BUFFER, 0x39c, "RING_CONTEXT_STATUS_BUF_LO(0) to RING_CONTEXT_STATUS_BUF_HI(5)", EXECLISTS),
    // The write pointer starts at 7: nothing was written yet.
    reg(STATUS_POINTER, "RING_CONTEXT_STATUS_PTR", 7, Masked, EXECLISTS),
    reg(CTX_TIMESTAMP, "RING_CTX_TIMESTAMP", 0, Sp(ContextTimestamp), EXECLISTS),
    plain(0x400, 0x40c, "MI_PREDICATE_SRC0, MI_PREDICATE_SRC1", PRM),
    plain(0x410, 0x41c, "MI_PREDICATE_DATA, MI_PREDICATE_RESULT, MI_PREDICATE_RESULT_1", PRM),
    plain(0x4d0, 0x4fc, "RING_FORCE_TO_NONPRIV(0..11)", PRM),
    plain(GPR, 0x67c, "GEN8_RING_CS_GPR(0..15)", PRM),
    plain(0x300, 0x354, "statistics counters: IA_VERTICES_COUNT to PS_DEPTH_COUNT", PRM),
    plain(0x580, 0x5fc, "GEN8_CS_CHICKEN1 and preemption controls", PRM),
    plain(0x084, 0x090, "command streamer counters", PRM),
    plain(0x3ac, 0x3fc, "command streamer scratch", PRM),
];
