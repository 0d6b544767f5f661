//! i915 and GVT-g on the GPU model: on Linux alone, and in dom0.

use std::time::Duration;

use super::{Needs, Scenario, gpu_tables};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const BARE: Scenario = Scenario {
    name: "gpu-bare",
    about: "i915 and GVT-g come up on the GPU model without Xen, show a picture and run programs",
    script: include_str!("../../scenarios/gpu-bare.sh"),
    needs: Needs { xen: "none", ..Needs::MODEL },
    limit: Duration::from_secs(900),
    check,
};

pub(super) const DOM0: Scenario = Scenario {
    name: "gpu-dom0",
    about: "i915 and GVT-g come up on the GPU model in dom0; vgtctl reads its tables as the model has them",
    script: include_str!("../../scenarios/gpu-dom0.sh"),
    needs: Needs::MODEL,
    limit: Duration::from_secs(1200),
    check: check_dom0,
};

/// What may be complained of: a text that the message contains, and after a tab why it is no fault.
const JUSTIFIED: &str = include_str!("../../scenarios/gpu-complaints");

/// What `i915-exec` does, each in the tests' order.
const TESTS: &[&str] =
    &["stores", "many", "blits", "tiled-x", "tiled-y", "pages", "preemption", "hang", "bad-command"];

/// More than a cursor and less than a screen of text.
const LIT: u64 = 2000;

fn check_dom0(run: &Transcript) -> Result<()> {
    check(run)?;
    gpu_tables::check(run)
}

fn check(run: &Transcript) -> Result<()> {
    run.step("drm")?.exits(0)?;
    run.step("i915")?.exits(0)?;
    run.step("wedged")?.exits(0)?.says(&["0"])?;
    run.step("connectors")?.exits(0)?.says(&["HDMI-A-1 connected 640x480"])?;
    run.step("framebuffer")?.exits(0)?.says(&["0 i915drmfb"])?;
    run.step("kvmgt")?.exits(0)?;
    run.step("types")?
        .exits(0)?
        .says(&["i915-GVTg_V5_4 available 1"])?
        .says(&["i915-GVTg_V5_8 available 2"])?;

    let screen = run.step("screen")?.says(&["size 640x480"])?;
    if number(screen, "lit ") < LIT {
        return Err(LabError::Expectation(format!("the screen shows too little: {screen:?}")));
    }
    executed(run.step("exec")?, TESTS)?;
    run.step("still-wedged")?.exits(0)?.says(&["0"])?;
    complaints(run.step("complaints")?.exits(0)?)
}

/// Expects that a GPU ran these tests of `i915-exec`, and no other failed.
pub(super) fn executed(step: &Step, tests: &[&str]) -> Result<()> {
    let said = step.exits(0)?.never_says("fail ")?;
    for test in tests {
        said.says(&["pass ", test])?;
    }
    Ok(())
}

/// The number behind a word, or 0.
pub(super) fn number(step: &Step, word: &str) -> u64 {
    step.lines().find_map(|line| line.strip_prefix(word)?.parse().ok()).unwrap_or(0)
}

/// Expects only complaints that are justified.
pub(super) fn complaints(step: &Step) -> Result<()> {
    complaints_beside(step, |_| false)
}

/// Expects only complaints that are justified, or known otherwise.
pub(super) fn complaints_beside(step: &Step, known: impl Fn(&str) -> bool) -> Result<()> {
    for line in step.lines() {
        if !known(line) && !justified_by(JUSTIFIED).any(|text| line.contains(text)) {
            return Err(LabError::Expectation(format!(
                "the kernel complains, and no reason is known: {line}"
            )));
        }
    }
    Ok(())
}

/// The texts of a list of what may be complained of.
pub(super) fn justified_by(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter_map(|line| Some(line.split_once('\t')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn justified_every_complaint_has_a_reason() {
        for line in JUSTIFIED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (text, why) = line.split_once('\t').unwrap_or_default();
            assert!(text.len() > 8 && why.trim().len() > 8, "{line}");
        }
        assert!(justified_by(JUSTIFIED).count() > 0);
    }
}
