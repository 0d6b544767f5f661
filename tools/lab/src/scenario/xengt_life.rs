//! What happens to a vGPU while its guest lives and when it ends.

use std::time::Duration;

use super::gpu::{complaints, executed};
use super::xengt::OURS;
use super::{Needs, Scenario};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "xengt-life",
    about: "vGPUs come and go 100 times, fail at each step, are paused, ballooned under, rebooted, destroyed at work: nothing stays",
    script: include_str!("../../scenarios/xengt-life.sh"),
    needs: Needs { xen: "4.17-xengt", ..OURS },
    limit: Duration::from_secs(3600),
    check,
};

/// Steps of a vGPU's creation in our kernel (`instance.c`).
const STEPS: usize = 12;

fn check(run: &Transcript) -> Result<()> {
    for step in ["i915", "xengt", "idle", "idle-gone", "create", "ready", "driver"] {
        run.step(step)?.exits(0)?;
    }
    let steps = run.step("steps")?.exits(0)?;
    steps.says(&[&format!("made with no failure from step {} on", STEPS + 1)])?;
    failures(run.step("steps-said")?.exits(0)?)?;
    run.step("cycles")?.exits(0)?.says(&["after: "])?.says(&["100 cycles done"])?.never_says("grown")?;

    for step in [
        "works",
        "pause",
        "stands",
        "resume",
        "works-again",
        "xl-pause",
        "works-still",
        "shrink",
        "shrunk",
        "works-shrunk",
        "grow",
        "works-grown",
    ] {
        run.step(step)?.exits(0)?;
    }
    // Memory went, and every batch before, meanwhile and after was right.
    run.step("stats")?.exits(0)?.says(&["invalidations "])?.never_says("invalidations 0")?;
    let loops = run.step("loops")?.exits(0)?;
    loops.says(&[" loop 0 2"])?;
    if let Some(other) = loops.lines().find(|line| !line.ends_with(" loop 0 2")) {
        return Err(LabError::Expectation(format!("a batch of the guest went wrong: {other}")));
    }

    run.step("rebooted")?.exits(0)?;
    run.step("list")?.exits(0)?.says(&["gpu", "GVTg_V5_8", "active"])?;
    for step in ["ready-again", "driver-again", "kill", "destroy", "gone"] {
        run.step(step)?.exits(0)?;
    }
    executed(run.step("exec-again")?, &["stores", "blits"])?;
    run.step("list-after")?.exits(0)?.never_says("GVTg")?;

    for step in [
        "create-third",
        "vgpu",
        "ready-third",
        "driver-third",
        "destroy-third",
        "gone-third",
        "unload",
        "log",
    ] {
        run.step(step)?.exits(0)?;
    }
    run.step("list-last")?.exits(0)?.never_says("GVTg")?;
    run.step("still-wedged")?.exits(0)?.says(&["0"])?;
    run.step("xen-complaints")?.exits(1)?;
    complaints(run.step("complaints")?.exits(0)?)
}

/// Expects that the kernel named each step once, and said nothing else.
fn failures(said: &Step) -> Result<()> {
    for step in 1..=STEPS {
        said.says(&[&format!(": step {step} of creation, "), "failed: -5"])?;
    }
    complaints(&said.without("xengt: domain "))
}
