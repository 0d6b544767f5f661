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
    plain(0x4024, 0x4090, "HSW_GTT_CACHE_EN, ARB_MODE, GEN8_GAMW_ECO_DEV_RW_IA to GAM_ECOCHK", PRM),
    plain(0x4098, 0x409c, "behind GAM_ECOCHK; i915 does not name them", PRM),
    plain(0x40a0, 0x40dc, "ERROR_GEN6, DONE_REG and their neighbours", PRM),
    plain(0x40e0, 0x40e4, "GEN8_PRIVATE_PAT_LO, GEN8_PRIVATE_PAT_HI", PRM),
    plain(0x4a00, 0x4afc, "GAMTARBMODE, GEN9_GAMT_ECO_REG_RW_IA, GAMT_CHKN_BIT_REG", PRM),
    plain(0x4dd0, 0x4dfc, "GEN8_L3_LRA_1_GPGPU, MMCD_MISC_CTRL, TRNULLDETCT to TRTTE", PRM),
    plain(
        0x7000,
        0x73fc,
        "CACHE_MODE_0_GEN7, CACHE_MODE_1, COMMON_SLICE_CHICKEN2, HIZ_CHICKEN, GEN8_L3CNTLREG, HDC_CHICKEN0, GEN8_HDC_CHICKEN1",
        PRM,
    ),
    plain(0x8300, 0x8500, "VF_PREEMPTION (VF_GUARDBAND) and its neighbours", PRM),
    plain(0x8508, 0x86fc, "behind GEN8_RC6_CTX_INFO; i915 does not name them", PRM),
    plain(0x9000, 0x90fc, "HSW_IDICR, GEN6_MBCUNIT_SNPCR, FBC_LLC_READ_CTRL, GEN6_MBCTL", PRM),
    plain(0x9420, 0x9420, "GEN6_RSTCTL", PRM),
    plain(
        0x942c,
        0x95fc,
        "GEN8_UCGCTL6, UNSLICE_UNIT_LEVEL_CLKGATE and the clock gating of other units",
        PRM,
    ),
    plain(
        0xb000,
        0xb1fc,
        "GEN7_SARCHKMD, GEN8_GARBCNTL, GEN9_SCRATCH_LNCF1, GEN9_LNCFCMOCS(0..31), GEN7_L3LOG(0, 0..), GEN8_L3SQCREG1, GEN8_L3SQCREG4",
        PRM,
    ),
    plain(0xb400, 0xb4fc, "GEN7_L3LOG(2, 0..) and its neighbours", PRM),
    plain(
        0xc800,
        0xccfc,
        "GEN9_GFX_MOCS, GEN9_MFX0_MOCS, GEN9_MFX1_MOCS, GEN9_VEBOX_MOCS, GEN9_BLT_MOCS, 64 each",
        PRM,
    ),
    plain(0xe000, 0xe7fc, "HALF_SLICE_CHICKEN, ROW_CHICKEN, SAMPLER_MODE and other EU controls", PRM),
    plain(0x12_0000, 0x12_000c, "PVINFO neighbours: the host reads no vGPU's page", PRM),
    plain(0x7_8000, 0x7_8ffc, "VGT_PVINFO_PAGE, which only a vGPU fills", PRM),
];
