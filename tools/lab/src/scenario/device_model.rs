//! A device model in Rust for a running guest, and its sudden death.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "device-model",
    about: "a PCI card served by libxengt appears in a running guest: BARs, MMIO, ports, MSI; kill -9 harms nobody",
    script: include_str!("../../scenarios/device-model.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(900),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("start")?.exits(0)?;
    run.step("empty")?.exits(1)?;
    run.step("serving")?.exits(0)?;
    let found = run.step("found")?.exits(0)?;
    found.says(&["0x9710"])?.says(&["0x9900"])?.says(&["0x1000"])?.says(&["0x070002"])?;

    let mmio = run.step("mmio")?.exits(0)?.says(&["bar size 0x10000"])?;
    let log = run.step("card-log")?.exits(0)?.says(&["exited 137"])?;
    for (at, size, value) in [
        ("0x100", 1, "0x11"),
        ("0x110", 2, "0x2211"),
        ("0x120", 4, "0x44332211"),
        ("0x130", 8, "0x8877665544332211"),
    ] {
        for what in ["write", "read"] {
            let access = format!("{what} {at} {size} {value}");
            mmio.says(&["bar ", &access])?;
            log.says(&["card ", &access])?;
        }
    }
    mmio.says(&["copy-in 0x400 512 same"])?.says(&["copy-in-backwards 0x400 512 same"])?;

    run.step("serial")?.exits(0)?.says(&["HELLO FROM THE GUEST"])?.says(&["-msi", "ttyS"])?;
    log.never_says("wrong")?;
    log.says(&["card line", "hello from the guest"])?;
    run.step("list")?.exits(0)?;

    run.step("alive")?.exits(0)?.says(&["still here"])?;
    run.step("waiting")?.exits(1)?;
    run.step("dom0-alive")?.exits(0)?.says(&["card"])?;
    run.step("release")?.exits(0)?.says(&["destroyed server ", "for which 1 vCPUs waited"])?;
    run.step("released")?.exits(0)?;
    run.step("after")?.exits(0)?.says(&["still here"])?;

    run.step("serving-again")?.exits(0)?;
    run.step("found-again")?.exits(0)?.says(&["0x9710"])?.says(&["copy-in 0x400 512 same"])?;
    run.step("destroy")?.exits(0)?;
    run.step("card2-log")?
        .exits(0)?
        .says(&["exited 0"])?
        .says(&["ended: ", "domain"])?
        .says(&["copied ", "invalid 0, lost "])?;
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("card")?.never_says("(null)")?;
    Ok(())
}
