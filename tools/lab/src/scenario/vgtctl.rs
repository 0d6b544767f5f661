//! vgtctl on a real dom0 without a GPU.

use std::time::Duration;

use super::Scenario;
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "vgtctl",
    about: "vgtctl doctor, host and list tell the truth about a dom0 without GPU and xengt",
    script: include_str!("../../scenarios/vgtctl.sh"),
    limit: Duration::from_secs(300),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("doctor")?.exits(5)?.says(&["dom0", "control_d"])?;
    Ok(())
}
