//! Domains with an ioreq server, made and destroyed many times.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "server-cycles",
    about: "200 create/destroy cycles of a domain with an ioreq server: no growth in the memory of dom0 and Xen, nor in open files",
    script: include_str!("../../scenarios/server-cycles.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(1800),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("cycles")?.exits(0)?.says(&["200 cycles done"])?.says(&["after:  "])?.never_says("grown")?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("cycle")?.never_says("(null)")?;
    Ok(())
}
