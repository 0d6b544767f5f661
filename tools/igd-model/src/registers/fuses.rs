//! What this GPU has: slices, subslices, pipes. A GT2 with one slice of three subslices of eight EUs.
#![forbid(unsafe_code)]

use super::Behaviour::Fixed;
use super::register::{Register, reg};

const PRM: &str = "Skylake PRM, volume 2c";

pub(super) const REGISTERS: &[Register] = &[
    // Slice 0 is there (bit 25), and of its four possible subslices the fourth is not (bit 23).
    reg(0x9120, "GEN8_FUSE2", 0x0280_0000, Fixed, PRM),
    // No EU is fused off.
    reg(0x9134, "GEN9_EU_DISABLE(0)", 0, Fixed, PRM),
    reg(0x9138, "GEN9_EU_DISABLE(1)", 0, Fixed, PRM),
    reg(0x913c, "GEN9_EU_DISABLE(2)", 0, Fixed, PRM),
    // All three pipes are there: GVT's init fails without them.
    reg(0x5_1000, "SKL_DFSM", 0, Fixed, "Skylake PRM, volume 12, \"DFSM\""),
    reg(0xc_2014, "SFUSE_STRAP", 0x7, Fixed, "Skylake PRM, volume 12, \"SFUSE_STRAP\""),
    reg(0x10_8040, "GGC (mirror)", 0xc0, Fixed, PRM),
    reg(0x10_80c0, "GEN6_STOLEN_RESERVED", 0, Fixed, PRM),
];
