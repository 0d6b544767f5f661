//! An HVM guest with the real device model.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "hvm-guest",
    about: "an HVM guest with QEMU as device model reaches user space, leaves 00:02.0 free and powers off",
    script: include_str!("../../scenarios/hvm-guest.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(900),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("create")?.exits(0)?;
    run.step("list")?.exits(0)?.says(&["guest", " 1 "])?;
    run.step("wait")?.exits(0)?;
    let guest = run.step("console")?.exits(0)?;
    guest.says(&["guest: user space on", "hypervisor xen"])?;
    // Where an Intel GPU must sit, there must be nothing.
    guest.says(&["guest: pci 0000:00:00.0 0x8086 0x1237"])?.never_says("0000:00:02.0")?;
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("guest")?;
    Ok(())
}
