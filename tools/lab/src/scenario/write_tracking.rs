//! Write tracking by memory type, and the end of the domain under it.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "write-tracking",
    about: "libxengt sees each write of a guest to a tracked page, and the page holds what was written",
    script: include_str!("../../scenarios/write-tracking.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(900),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("start")?.exits(0)?;
    run.step("page")?.exits(0)?.says(&["page 0x"])?;
    run.step("tracking")?.exits(0)?;
    let log = run.step("track-log")?.exits(0)?.says(&["tracking frame 0x"])?;
    for (at, size, value) in [
        ("0x100", 1, "0x11"),
        ("0x110", 2, "0x2211"),
        ("0x120", 4, "0x44332211"),
        ("0x130", 8, "0x8877665544332211"),
    ] {
        log.says(&[&format!("tracked {at} {size} {value}")])?;
    }
    log.says(&["copied 0x400 64 times 8 bytes"])?
        .says(&["writes 68, lost 0, invalid 0"])?
        .never_says("wrong")?
        .says(&["untracked"])?
        .says(&["exited 0"])?;
    // Before, under and after tracking, the guest reads what it wrote.
    for round in ["untracked", "tracked", "again"] {
        run.step(round)?
            .exits(0)?
            .says(&["copy-in 0x400 512 same"])?
            .says(&["wrong 0"])?
            .never_says("differs")?;
    }
    run.step("tracking-once-more")?.exits(0)?;
    run.step("track3-log")?.says(&["exited 137"])?;
    run.step("waiting")?.exits(1)?;
    run.step("release")?.exits(0)?.says(&["destroyed server ", "for which 1 vCPUs waited"])?;
    run.step("released")?.exits(0)?;
    run.step("kept")?.exits(0)?.says(&["4"])?;
    run.step("tracking-again")?.exits(0)?;
    run.step("writing")?.exits(0)?;
    run.step("destroy")?.exits(0)?;
    run.step("track2-log")?.exits(0)?.says(&["exited 0"])?.says(&["ended: ", "domain"])?;
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("writer")?.never_says("(null)")?;
    Ok(())
}
