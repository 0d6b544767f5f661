//! What the scenarios of guests that try what they may not have in common.

use super::gpu::{complaints_beside, justified_by};
use crate::error::{LabError, Result};
use crate::transcript::Step;

/// As `gpu-complaints`, and only for these scenarios.
const JUSTIFIED: &str = include_str!("../../scenarios/hostile-complaints");

/// Expects only complaints that are about a guest, or justified anyway. They have been counted, and have no numbers.
pub(super) fn complaints(step: &Step) -> Result<()> {
    complaints_beside(step, |line| {
        is_of_dump(line) || justified_by(JUSTIFIED).any(|text| line.contains(text))
    })
}

/// The words of a command that GVT-g shows, some to a line of their own: a count, a level, and a number or none.
fn is_of_dump(line: &str) -> bool {
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    matches!(words[..], ["3"] | ["3", "N"])
}

/// Expects that each probe of a step passed, and that there were these.
pub(super) fn passed(step: &Step, probes: &[&str]) -> Result<()> {
    let said = step.never_says("fail ")?.exits(0)?;
    for probe in probes {
        said.says(&[&format!("pass {probe} ")])?;
    }
    Ok(())
}

/// The number behind a word.
pub(super) fn number(step: &Step, word: &str) -> Result<u64> {
    let found = step.lines().find_map(|line| {
        let (_, rest) = line.split_once(word)?;
        rest.trim_start().split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    });
    found.ok_or_else(|| LabError::Expectation(format!("no number behind {word:?}: {step:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_about_a_guest_pass_and_of_the_kernel_do_not() {
        let about = Step::saying(&[
            "   1234 3 gvt: vgpu N: fail to emulate MMIO write N len N",
            "      7 3 cmd dump: ",
            "     22 3 N",
            "      7 3 ",
            "      7 3 vgpu1: aperture N - N, hidden N - N",
            "      2 4 __gvt_print: N callbacks suppressed",
        ]);
        complaints(&about).unwrap();
        for line in ["      1 4 WARNING: CPU: N PID: N at N", "      1 3 BUG: N", "      1 4 N"] {
            assert!(complaints(&Step::saying(&[line])).is_err(), "{line}");
        }
    }

    #[test]
    fn complaints_each_has_a_reason() {
        for line in JUSTIFIED.lines().filter(|line| !line.starts_with('#')) {
            let (text, why) = line.split_once('\t').unwrap_or_default();
            assert!(text.len() > 8 && why.trim().len() > 8, "{line}");
        }
    }

    #[test]
    fn passed_a_failure_or_a_probe_that_is_not_there_is_one() {
        let said = Step::saying(&["note x", "pass ggtt 0 of 24 writes", "pass fence-count 0 of 60"]);
        passed(&said, &["ggtt", "fence-count"]).unwrap();
        assert!(passed(&said, &["fence"]).is_err());
        assert!(passed(&Step::saying(&["pass a 1", "fail b 1"]), &["a"]).is_err());
    }

    #[test]
    fn number_is_that_behind_the_word() {
        let said = Step::saying(&["fuzz: 12 config, 345 mmio accesses", "minutes 2 seed 1"]);
        assert_eq!(number(&said, "minutes").unwrap(), 2);
        assert_eq!(number(&said, "config,").unwrap(), 345);
        assert!(number(&said, "hours").is_err());
    }
}
