//! The GT as a whole: resets, faults, fences, TLBs, memory types, workarounds.
#![forbid(unsafe_code)]

use super::Behaviour::{Fixed, Plain, SelfClearing, Special as Sp};
use super::Special::{Reset, TimestampLow};
use super::register::{Register, plain, reg};

const PRM: &str = "Skylake PRM, volume 2c";
const FENCES: &str = "Skylake PRM, volume 2c, \"FENCE\"";

/// `GEN8_RING_FAULT_REG`: which engine met an address that maps nothing.
pub const RING_FAULT: u32 = 0x4094;
/// `GEN8_FAULT_TLB_DATA0`: address bits 43:12 of the fault.
pub const FAULT_TLB_DATA0: u32 = 0x4b10;
/// `GEN8_FAULT_TLB_DATA1`: address bits 47:44, and whether it was a global one.
pub const FAULT_TLB_DATA1: u32 = 0x4b14;
/// The fence registers: 32 of 64 bits.
pub const FENCE_FIRST: u32 = 0x10_0000;

pub(super) const REGISTERS: &[Register] = &[
    reg(0x941c, "GEN6_GDRST", 0, Sp(Reset), PRM),
    reg(RING_FAULT, "GEN8_RING_FAULT_REG", 0, Plain, PRM),
    plain(FAULT_TLB_DATA0, FAULT_TLB_DATA1, "GEN8_FAULT_TLB_DATA0, GEN8_FAULT_TLB_DATA1", PRM),
    reg(0x4260, "GEN8_RTCR", 0, SelfClearing, PRM),
    reg(0x4264, "GEN8_M1TCR", 0, SelfClearing, PRM),
    reg(0x4268, "GEN8_M2TCR", 0, SelfClearing, PRM),
    reg(0x426c, "GEN8_BTCR", 0, SelfClearing, PRM),
    reg(0x4270, "GEN8_VTCR", 0, SelfClearing, PRM),
    // The microcontroller is held in reset: nothing is loaded into it.
    reg(0xc000, "GUC_STATUS", 1, Fixed, PRM),
    plain(0xc004, 0xc3fc, "GUC_WOPCM_SIZE and the other registers of the GuC", PRM),
    plain(0xd000, 0xd3fc, "HuC registers", PRM),
    reg(0x4_4070, "IVB_TIMESTAMP_CTR", 0, Sp(TimestampLow), PRM),
    plain(FENCE_FIRST, 0x10_00fc, "FENCE_REG_GEN6_LO(0) to FENCE_REG_GEN6_HI(31)", FENCES),
    plain(0x10_1000, 0x10_1008, "GFX_FLSH_CNTL_GEN6 and its neighbours", PRM),
    plain(0x4024, 0x4090, "GEN8_GAMW_ECO_DEV_RW_IA, ARB_MODE and other arbitration controls", PRM),
    plain(0x4098, 0x409c, "GAC_ECO_BITS neighbours", PRM),
    plain(0x40a0, 0x40dc, "HSW_GTT_CACHE_EN's page, GEN8_GAMTARBMODE neighbours", PRM),
    plain(0x40e0, 0x40e4, "GEN8_PRIVATE_PAT_LO, GEN8_PRIVATE_PAT_HI", PRM),
    plain(0x4a00, 0x4afc, "GEN9_GAMT_ECO_REG_RW_IA and its neighbours", PRM),
    plain(0x4dd0, 0x4dfc, "GEN8_L3CNTLREG, GEN9_MEDIA_POOL_STATE's page", PRM),
    plain(0x7000, 0x73fc, "CACHE_MODE_0_GEN7, HIZ_CHICKEN, COMMON_SLICE_CHICKEN2 and other 3D controls", PRM),
    plain(0x8300, 0x8500, "GEN8_OA and its neighbours", PRM),
    plain(0x8508, 0x86fc, "GEN8_OA and its neighbours", PRM),
    plain(0x9000, 0x90fc, "GEN7_SARCHKMD and other clock and sampler controls", PRM),
    plain(0x9420, 0x9420, "GEN7_ROW_CHICKEN neighbours", PRM),
    plain(0x942c, 0x95fc, "GEN6_RSTCTL, GEN9_CLKGATE_DIS and clock gating of units", PRM),
    plain(0xb000, 0xb1fc, "GEN9_LNCFCMOCS(0..31), GEN8_L3SQCREG4 and the L3's controls", PRM),
    plain(0xb400, 0xb4fc, "GEN7_L3LOG and its neighbours", PRM),
    plain(0xc800, 0xccfc, "GEN9_GFX_MOCS(0..63) to GEN9_BLT_MOCS(0..63)", PRM),
    plain(0xe000, 0xe7fc, "HALF_SLICE_CHICKEN, ROW_CHICKEN, SAMPLER_MODE and other EU controls", PRM),
    plain(0x12_0000, 0x12_000c, "PVINFO neighbours: the host reads no vGPU's page", PRM),
    plain(0x7_8000, 0x7_8ffc, "VGT_PVINFO_PAGE, which only a vGPU fills", PRM),
];
