//! Random work for i915 on the GPU model: every result is right, and nothing grows.

use std::fmt;
use std::time::Duration;

use super::{Scenario, gpu};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(crate) const SCENARIO: Scenario = Scenario {
    name: "soak",
    about: "i915 on the GPU model does random work for half an hour: no mistake, and nothing grows",
    script: include_str!("../../scenarios/soak.sh"),
    needs: gpu::BARE.needs,
    limit: Duration::from_secs(4500),
    check,
};

/// What the start may take, and each minute with what belongs to it, on a machine that is busy.
const START: Duration = Duration::from_secs(900);
const A_MINUTE: Duration = Duration::from_secs(120);

/// What must not have grown between the first sample and the last, by how much it may have, and where it is said.
///
/// A minute is thousands of submissions, so that a leak of a page in each would be tens of megabytes. The rest is what
/// a kernel and an allocator keep for themselves.
const SAMPLES: &[(&str, &str, u64)] = &[
    ("kernel", "objects", 8),
    ("kernel", "object-bytes", 1 << 20),
    ("kernel", "clients", 0),
    ("kernel", "slab-kb", 2 << 10),
    ("kernel", "used-kb", 16 << 10),
    // What it shares with QEMU, the guest's memory, counts as mapped, and only grows while a guest touches more of it.
    ("model", "anonymous-kb", 4 << 10),
    ("model", "descriptors", 0),
    ("model", "maps", 4),
];

/// What a run was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) minutes: u32,
    pub(crate) seed: u32,
}

/// Something before and after.
#[derive(Debug)]
pub(crate) struct Growth {
    what: String,
    early: u64,
    late: u64,
    margin: u64,
}

/// From power-on to power-off.
pub(crate) fn limit(minutes: u32) -> Duration {
    START + A_MINUTE * minutes
}

impl Asked {
    /// The words of the kernel's command line that say so.
    pub(crate) fn words(self) -> String {
        format!("lab.minutes={} lab.seed={}", self.minutes, self.seed)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "minutes {} seed {}", self.minutes, self.seed)
    }
}

impl Growth {
    fn is_leak(&self) -> bool {
        self.late > self.early.saturating_add(self.margin)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, early, late, margin } = self;
        write!(f, "{what}: {early} before, {late} after, may grow by {margin}")
    }
}

fn check(run: &Transcript) -> Result<()> {
    run.step("i915")?.exits(0)?;
    let plan = run.step("plan")?.exits(0)?;
    let minutes =
        plan.lines().find_map(|line| line.strip_prefix("minutes ")?.split(' ').next()?.parse().ok());
    let minutes: u32 = minutes.ok_or_else(|| LabError::Expectation("the plan names no minutes".into()))?;
    right(run.step("warm-up")?)?;
    for minute in 1..=minutes {
        right(run.step(&format!("minute-{minute}"))?)?;
    }
    run.step("hangs")?.exits(0)?.never_says("HANG")?;
    run.step("still-wedged")?.exits(0)?.says(&["0"])?;
    gpu::complaints(run.step("complaints")?.exits(0)?)?;
    match growth(run)?.into_iter().find(Growth::is_leak) {
        Some(leak) => Err(LabError::Expectation(format!("it leaks: {leak}"))),
        None => Ok(()),
    }
}

/// Expects that the work was done, and that all of it was right.
fn right(step: &Step) -> Result<()> {
    step.never_says("DIVERGENCE")?.exits(0)?.says(&["pass seed ", " rounds, "])?;
    // A GPU that does nothing makes no mistake.
    step.never_says(" 0 rounds, ")?.never_says(" 0 KB compared")?;
    Ok(())
}

/// All that was sampled.
pub(crate) fn growth(run: &Transcript) -> Result<Vec<Growth>> {
    let value = |whose: &str, when: &str, name: &str| {
        let step = run.step(&format!("{whose}-{when}"))?.exits(0)?;
        let line =
            step.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
        line.ok_or_else(|| LabError::Expectation(format!("step {whose}-{when} does not tell {name}")))
    };
    SAMPLES
        .iter()
        .map(|&(whose, name, margin)| {
            let (early, late) = (value(whose, "early", name)?, value(whose, "late", name)?);
            Ok(Growth { what: format!("{name} of the {whose}"), early, late, margin })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Line;

    const KERNEL: &str = "objects 10\nobject-bytes 8192\nclients 0\nused-kb 90000\nslab-kb 20000";
    const MODEL: &str = "anonymous-kb 9000\ndescriptors 20\nmaps 90";
    const PASS: &str = "pass seed 7: 900 rounds, 9000 commands, 500 KB compared in 60 s";

    /// A run of two minutes that is as it should be, but for the named step.
    fn run_with(odd: &str, output: &str, exit: i32) -> Transcript {
        let steps = [
            ("i915", ""),
            ("plan", "minutes 2 seed 7"),
            ("warm-up", PASS),
            ("kernel-early", KERNEL),
            ("model-early", MODEL),
            ("minute-1", PASS),
            ("minute-2", PASS),
            ("kernel-late", KERNEL),
            ("model-late", MODEL),
            ("hangs", ""),
            ("still-wedged", "0x0"),
            ("complaints", ""),
        ];
        let mut run = Transcript::default();
        for (name, usual) in steps {
            let (said, code) = if name == odd { (output, exit) } else { (usual, 0) };
            run.take(Line::Step(name.into())).unwrap();
            for line in said.lines() {
                run.take(Line::Output(line.into())).unwrap();
            }
            run.take(Line::Exit(code)).unwrap();
        }
        run
    }

    fn why(odd: &str, output: &str, exit: i32) -> String {
        check(&run_with(odd, output, exit)).unwrap_err().to_string()
    }

    #[test]
    fn check_run_as_it_should_be_passes() {
        check(&run_with("none", "", 0)).unwrap();
    }

    #[test]
    fn check_divergence_fails_and_is_shown_even_if_the_program_goes_on() {
        let said = format!("DIVERGENCE seed 8 round 9: byte 0x4 of a buffer\n{PASS}");
        for exit in [0, 1] {
            let error = why("minute-2", &said, exit);
            assert!(error.contains("seed 8 round 9"), "{error}");
        }
        assert!(why("warm-up", &said, 0).contains("DIVERGENCE"));
    }

    #[test]
    fn check_minute_that_failed_or_did_nothing_or_is_missing_fails() {
        assert!(why("minute-1", PASS, 139).contains("exit code 139"));
        assert!(why("minute-1", "", 0).contains("minute-1"));
        let idle = "pass seed 7: 0 rounds, 0 commands, 0 KB compared in 60 s";
        assert!(why("minute-1", idle, 0).contains("0 rounds"));
        assert!(why("plan", "minutes 3 seed 7", 0).contains("minute-3"));
        assert!(why("plan", "", 0).contains("no minutes"));
    }

    #[test]
    fn check_growth_beyond_its_margin_fails_and_within_passes() {
        for &(whose, name, margin) in SAMPLES {
            let usual = if whose == "kernel" { KERNEL } else { MODEL };
            let grown = |by: u64| {
                let line = |line: &str| match line.split_once(' ') {
                    Some((key, value)) if key == name => {
                        format!("{key} {}\n", value.parse::<u64>().unwrap() + by)
                    }
                    _ => format!("{line}\n"),
                };
                usual.lines().map(line).collect::<String>()
            };
            let late = format!("{whose}-late");
            check(&run_with(&late, &grown(margin), 0)).unwrap();
            let error = why(&late, &grown(margin + 1), 0);
            assert!(error.contains("it leaks") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn check_sample_that_was_not_taken_fails() {
        assert!(why("kernel-late", "objects 10", 0).contains("does not tell object-bytes"));
        assert!(why("model-early", "", 0).contains("model-early"));
    }

    #[test]
    fn check_hang_or_complaint_fails() {
        assert!(why("hangs", "i915 0000:00:02.0: [drm] GPU HANG: ecode 9:1:0", 0).contains("GPU HANG"));
        assert!(why("complaints", "3WARNING: something new", 0).contains("something new"));
    }

    #[test]
    fn limit_of_the_script_that_is_told_nothing_is_the_scenarios() {
        assert!(SCENARIO.script.contains("\nminutes=30 seed=1\n"));
        assert_eq!(limit(30), SCENARIO.limit);
    }

    #[test]
    fn asked_is_said_to_the_kernel_as_the_script_reads_it() {
        let asked = Asked { minutes: 5, seed: 7 };
        assert_eq!(
            (asked.words().as_str(), asked.to_string().as_str()),
            ("lab.minutes=5 lab.seed=7", "minutes 5 seed 7")
        );
        for word in asked.words().split(' ') {
            let (name, _) = word.split_once('=').unwrap();
            assert!(SCENARIO.script.contains(&format!("{name}=*)")), "{name}");
        }
    }
}
