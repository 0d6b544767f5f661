//! GMBUS: the controller that reads a monitor's EDID.
#![forbid(unsafe_code)]

use super::Behaviour::Special as Sp;
use super::Special::Gmbus;
use super::register::{Register, plain, reg};

const PRM: &str = "Skylake PRM, volume 12, \"GMBUS\"";

pub(super) const REGISTERS: &[Register] = &[
    plain(0xc_5010, 0xc_5024, "GPIO(0) to GPIO(5): the same wires, by hand", PRM),
    reg(0xc_5100, "GMBUS0", 0, Sp(Gmbus(0)), PRM),
    reg(0xc_5104, "GMBUS1", 0, Sp(Gmbus(1)), PRM),
    reg(0xc_5108, "GMBUS2", 1 << 11, Sp(Gmbus(2)), PRM),
    reg(0xc_510c, "GMBUS3", 0, Sp(Gmbus(3)), PRM),
    reg(0xc_5110, "GMBUS4", 0, Sp(Gmbus(4)), PRM),
    reg(0xc_5120, "GMBUS5", 0, Sp(Gmbus(5)), PRM),
];
