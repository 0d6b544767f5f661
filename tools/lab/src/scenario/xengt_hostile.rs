//! A hostile guest on a vGPU: dom0 survives, and another guest notices nothing.

use std::time::Duration;

use super::Scenario;
use super::gpu::executed;
use super::hostile::{complaints, number};
use super::xengt::OURS;
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "xengt-hostile",
    about: "a guest does random things to its vGPU for two minutes; dom0 survives, another guest notices nothing",
    script: include_str!("../../scenarios/xengt-hostile.sh"),
    needs: OURS,
    limit: Duration::from_secs(5400),
    check,
};

/// What must have been tried, and how often at least in a minute: one that waits for ever tries nothing.
const TRIED: &[(&str, u64)] = &[
    ("config", 100),
    ("mmio", 1000),
    ("ggtt", 1000),
    ("aperture", 100),
    ("ring", 100),
    ("bounds", 10),
    ("chain", 10),
    ("pvinfo", 100),
    ("tables", 100),
];

/// So much may the kernel say in a second: GVT-g limits each of its messages to 10 in 5 seconds. What it says once for a
/// vGPU comes beside that.
const LINES_A_SECOND: u64 = 60;
const LINES_BESIDE: u64 = 2000;

fn check(run: &Transcript) -> Result<()> {
    let minutes = number(run.step("plan")?.exits(0)?, "minutes")?;
    for step in ["i915", "xengt", "victim", "driver", "hostile", "work"] {
        run.step(step)?.exits(0)?;
    }
    executed(run.step("before")?, &["stores", "blits"])?;
    let fuzz = run.step("fuzz")?.exits(0)?;
    if run.step("plan")?.says(&["kinds all"]).is_ok() {
        tried(fuzz, minutes)?;
    }
    run.step("list")?.exits(0)?;
    run.step("doctor")?.exits(0)?.never_says("FAIL ")?;
    undisturbed(run.step("rounds")?.exits(0)?)?;
    for step in ["after", "still"] {
        executed(run.step(step)?, &["stores", "blits"])?;
    }
    run.step("victim-dmesg")?.never_says("Call Trace")?.never_says("wedged")?;
    for step in ["destroy", "gone", "place", "another", "destroy-others", "all-gone", "unload"] {
        run.step(step)?.exits(0)?;
    }
    bounded(run.step("said")?.exits(0)?, minutes)?;
    complaints(run.step("complaints")?.exits(0)?)?;
    // Xen's log can be read, and no assertion or other check has failed.
    run.step("xen-log")?.exits(0)?;
    run.step("xen-complaints")?.exits(1)?;
    Ok(())
}

/// Expects that the guest has tried enough of everything.
fn tried(step: &Step, minutes: u64) -> Result<()> {
    step.says(&["fuzz: seed "])?;
    let counts =
        step.says(&["fuzz: ", " accesses"])?.lines().find(|line| line.ends_with(" accesses")).unwrap_or("");
    for (kind, least) in TRIED {
        let found = counts.trim_start_matches("fuzz: ").split(", ").find_map(|count| {
            let (number, name) = count.split_once(' ')?;
            (name.split(' ').next() == Some(*kind)).then(|| number.parse::<u64>().ok())?
        });
        if found.unwrap_or(0) < least * minutes {
            return Err(LabError::Expectation(format!("too little of {kind} was tried: {counts}")));
        }
    }
    Ok(())
}

/// Expects that the other guest has ended rounds of its work, and says nothing of a round that failed.
fn undisturbed(step: &Step) -> Result<()> {
    let mut lines = step.lines();
    let rounds: u64 = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    match lines.next() {
        Some(line) => Err(LabError::Expectation(format!("the other guest was disturbed: {line}"))),
        None if rounds == 0 => Err(LabError::Expectation("the other guest did nothing".to_owned())),
        None => Ok(()),
    }
}

/// Expects that a guest cannot fill dom0's log.
fn bounded(step: &Step, minutes: u64) -> Result<()> {
    let (lines, most) = (number(step, "")?, LINES_BESIDE + minutes * 60 * LINES_A_SECOND);
    if lines > most {
        return Err(LabError::Expectation(format!(
            "{lines} complaints in {minutes} minutes, expected {most} at most"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: &str = "fuzz: 300 config, 9000 mmio, 8000 ggtt, 700 aperture, 600 ring, 90 bounds, 90 chain, 900 pvinfo, \
                          700 tables accesses";

    #[test]
    fn tried_one_kind_too_seldom_is_an_error() {
        let seed = "fuzz: seed 1, 120 seconds";
        tried(&Step::saying(&[seed, ENOUGH]), 2).unwrap();
        let seldom = ENOUGH.replace("9000 mmio", "9 mmio");
        let error = tried(&Step::saying(&[seed, &seldom]), 2).unwrap_err();
        assert!(error.to_string().contains("too little of mmio"), "{error}");
        assert!(tried(&Step::saying(&[seed]), 2).is_err());
    }

    #[test]
    fn undisturbed_only_if_nothing_but_rounds_is_said() {
        undisturbed(&Step::saying(&["12"])).unwrap();
        assert!(undisturbed(&Step::saying(&["0"])).is_err());
        assert!(undisturbed(&Step::saying(&["12", "fail blits pixel 0,0 is 0x0"])).is_err());
        assert!(undisturbed(&Step::saying(&[])).is_err());
    }

    #[test]
    fn bounded_what_fills_the_log_is_an_error() {
        bounded(&Step::saying(&["  900 /run/complaints"]), 2).unwrap();
        assert!(bounded(&Step::saying(&["100000 /run/complaints"]), 2).is_err());
    }
}
