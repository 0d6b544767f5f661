//! The emulated machine itself: no program loses its registers to another, in dom0 or in a guest.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "registers",
    about: "programs of dom0 and of a guest that take turns keep their general, vector and thread registers",
    script: include_str!("../../scenarios/registers.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(900),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    for name in ["dom0-first", "dom0-second", "dom0-third", "dom0-fourth"] {
        let step = run.step(name)?.exits(0)?.says(&["rounds, lost 0 vectors, 0 general, 0 threads"])?;
        step.says(&["exited 0"])?;
    }
    run.step("start")?.exits(0)?;
    run.step("guest")?
        .exits(0)?
        .says(&["rounds, lost 0 vectors, 0 general, 0 threads"])?
        .says(&["other ", "lost 0 vectors, 0 general, 0 threads"])?;
    run.step("gone")?.exits(0).map(drop)
}
