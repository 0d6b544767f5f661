//! Forcewake, power wells, clocks and the power controller's mailbox.
#![forbid(unsafe_code)]

use super::Behaviour::{Acknowledged, Enable, Fixed, Plain, Special as Sp};
use super::Special::{Pcode, Pll, PowerWell};
use super::register::{Register, plain, reg};

const PRM: &str = "Skylake PRM, volume 2c";
const PM: &str = "Skylake PRM, volume 9, power management";
const DISPLAY: &str = "Skylake PRM, volume 12, \"Power Wells\", \"Clocks\"";

/// Acknowledgement of `FORCEWAKE_RENDER_GEN9`.
const ACK_RENDER: u32 = 0x0d84;
const ACK_MEDIA: u32 = 0x0d88;
const ACK_GT: u32 = 0x13_0044;

/// `DPLL_STATUS`: which PLLs are locked.
pub const DPLL_STATUS: u32 = 0x6_c060;
/// `GEN6_PCODE_DATA`.
pub const PCODE_DATA: u32 = 0x13_8128;
/// `GEN6_PCODE_DATA1`.
pub const PCODE_DATA1: u32 = 0x13_812c;
/// The four requesters of power wells: firmware, driver, remote management, debugger.
pub const POWER_WELLS: [u32; 4] = [0x4_5400, 0x4_5404, 0x4_5408, 0x4_540c];

pub(super) const REGISTERS: &[Register] = &[
    reg(0xa278, "FORCEWAKE_RENDER_GEN9", 0, Acknowledged(ACK_RENDER), PRM),
    reg(0xa270, "FORCEWAKE_MEDIA_GEN9", 0, Acknowledged(ACK_MEDIA), PRM),
    reg(0xa188, "FORCEWAKE_GT_GEN9", 0, Acknowledged(ACK_GT), PRM),
    reg(ACK_RENDER, "FORCEWAKE_ACK_RENDER_GEN9", 0, Fixed, PRM),
    reg(ACK_MEDIA, "FORCEWAKE_ACK_MEDIA_GEN9", 0, Fixed, PRM),
    reg(ACK_GT, "FORCEWAKE_ACK_GT_GEN9", 0, Fixed, PRM),
    reg(0xa180, "ECOBUS", 0, Plain, PRM),
    reg(0x13_805c, "GEN6_GT_THREAD_STATUS_REG", 0, Fixed, PRM),
    reg(0x0d00, "RPM_CONFIG0", 0, Fixed, PRM),
    plain(
        0xa000,
        0xa0bc,
        "GEN6_RPNSWREQ, GEN6_RP_CONTROL, GEN6_RP_UP_EI, GEN6_RC_CONTROL, GEN6_RC_STATE, GEN6_RC6_THRESHOLD and what is between",
        PM,
    ),
    plain(0xa0c4, 0xa0c8, "GEN9_MEDIA_PG_IDLE_HYSTERESIS, GEN9_RENDER_PG_IDLE_HYSTERESIS", PM),
    plain(0xa164, 0xa178, "GEN6_PMINTRMSK and its neighbours", PM),
    reg(0xa210, "GEN9_PG_ENABLE", 0, Plain, PM),
    reg(0xa248, "GEN6_RC_CTX_BASE", 0, Plain, PM),
    reg(0xa26c, "0xa26c, which i915 does not name; GVT-g knows it", 4, Plain, PM),
    plain(0x13_8104, 0x13_8120, "GEN6_GT_GFX_RC6 and the residency counters", PM),
    // The highest, nominal and lowest frequency, in units of 50 MHz: 1050, 350 and 300 MHz.
    reg(0x14_5998, "GEN6_RP_STATE_CAP", 0x0006_0715, Fixed, PM),
    reg(0x14_5948, "GEN6_GT_PERF_STATUS", 0, Fixed, PM),
    // Nonzero: the context of RC6 is in place.
    reg(0x8504, "GEN8_RC6_CTX_INFO", 1, Fixed, PM),
    reg(0x13_8124, "GEN6_PCODE_MAILBOX", 0, Sp(Pcode), PM),
    reg(PCODE_DATA, "GEN6_PCODE_DATA", 0, Plain, PM),
    reg(PCODE_DATA1, "GEN6_PCODE_DATA1", 0, Plain, PM),
    // Two channels with 4 GB each, so that the driver finds memory: it derives watermarks from it.
    plain(0x14_5000, 0x14_5000, "SKL_MAD_INTER_CHANNEL_0_0_0_MCHBAR_MCMAIN", PM),
    reg(0x14_500c, "SKL_MAD_DIMM_CH0_0_0_0_MCHBAR_MCMAIN", 4, Fixed, PM),
    reg(0x14_5010, "SKL_MAD_DIMM_CH1_0_0_0_MCHBAR_MCMAIN", 4, Fixed, PM),
    reg(0x14_5e04, "SKL_MC_BIOS_DATA_0_0_0_MCHBAR_PCU", 8, Fixed, PM),
    // Fuses downloaded and distributed to power gates 0 to 2.
    reg(0x4_2000, "SKL_FUSE_STATUS", 0x8e00_0000, Fixed, DISPLAY),
    reg(POWER_WELLS[0], "HSW_PWR_WELL_CTL1", 0, Sp(PowerWell), DISPLAY),
    reg(POWER_WELLS[1], "HSW_PWR_WELL_CTL2", 0, Sp(PowerWell), DISPLAY),
    reg(POWER_WELLS[2], "HSW_PWR_WELL_CTL3", 0, Sp(PowerWell), DISPLAY),
    reg(POWER_WELLS[3], "HSW_PWR_WELL_CTL4", 0, Sp(PowerWell), DISPLAY),
    reg(0x4_5008, "DBUF_CTL_S1", 0, Enable { enable: 1 << 31, status: 1 << 30 }, DISPLAY),
    reg(0x4_5010, "GEN7_MSG_CTL", 0, Plain, DISPLAY),
    reg(0x4_5504, "DC_STATE_EN", 0, Plain, DISPLAY),
    reg(0x4_5520, "DC_STATE_DEBUG", 0, Plain, DISPLAY),
    reg(0x4_6000, "CDCLK_CTL", 0, Plain, DISPLAY),
    reg(0x4_6010, "LCPLL1_CTL", 0, Sp(Pll(0)), DISPLAY),
    reg(0x4_6014, "LCPLL2_CTL", 0, Sp(Pll(8)), DISPLAY),
    reg(0x4_6040, "WRPLL_CTL(0)", 0, Sp(Pll(16)), DISPLAY),
    reg(0x4_6060, "WRPLL_CTL(1)", 0, Sp(Pll(24)), DISPLAY),
    plain(0x6_c040, 0x6_c05c, "DPLL_CFGCR1 and DPLL_CFGCR2 of three PLLs, DPLL_CTRL1, DPLL_CTRL2", DISPLAY),
    reg(DPLL_STATUS, "DPLL_STATUS", 0, Fixed, DISPLAY),
    plain(
        0x9400,
        0x9418,
        "GEN6_UCGCTL1, GEN6_UCGCTL2, GEN6_UCGCTL3, GEN7_UCGCTL4, GEN8_UCGCTL6 and their neighbours",
        PRM,
    ),
    reg(0x9424, "GEN7_MISCCPCTL", 0, Plain, PRM),
    reg(0x4_3408, "IPS_CTL", 0, Plain, DISPLAY),
];
