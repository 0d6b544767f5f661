//! A device model for a guest of two processors.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "two-processors",
    about: "both processors of a guest ask libxengt's device model at once, and the guest goes while they do",
    script: include_str!("../../scenarios/two-processors.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(900),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("start")?.exits(0)?;
    run.step("serving")?.exits(0)?;
    run.step("found")?.exits(0)?.says(&["0x9710"])?;
    let both = run.step("both")?.exits(0)?;
    both.says(&["/tmp/cpu1:2"])?.says(&["/tmp/cpu2:2"])?.says(&["times 5"])?.never_says("times 4")?;
    run.step("destroy")?.exits(0)?;
    let log = run.step("card-log")?.exits(0)?.says(&["exited 0"])?.says(&["ended: ", "domain"])?;
    log.never_says("wrong")?.says(&["invalid 0, lost "])?;
    for page in ["0x1", "0x2"] {
        log.says(&["card read ", &format!("{page}130 8 0x8877665544332211")])?;
    }
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("card")?;
    Ok(())
}
