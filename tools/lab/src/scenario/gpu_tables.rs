//! What `vgtctl` read of the GPU's tables through its BAR, against what the model says of the same.

use std::collections::BTreeMap;

use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

/// Bits 38 to 12 of an entry are the page's address, bit 0 says that it is present (Skylake PRM, volume 5).
const ADDRESS: u64 = (1 << 39) - (1 << 12);

/// A screen of 640x480 alone has 300 pages.
const FEWEST: usize = 300;

pub(super) fn check(run: &Transcript) -> Result<()> {
    run.step("held")?.exits(0)?;
    fences(run.step("fences")?.exits(0)?, run.step("model-fences")?)?;
    let read = dumped(run.step("ggtt")?.exits(0)?)?;
    let told = entries(run.step("model-ggtt")?)?;
    if read.len() < FEWEST {
        return Err(wrong(&format!("only {} pages are mapped, expected a screen at least", read.len())));
    }
    same(&read, &told)?;
    // vgtctl asked for the first page of its own dump, somewhere within.
    let asked = run.step("translate")?.exits(0)?;
    let first = read
        .first_key_value()
        .map(|(gma, maddr)| format!("{:#x} -> maddr {:#x},", gma + 0x123, maddr + 0x123));
    asked.says(&[first.unwrap_or_default().as_str()])?;
    Ok(())
}

/// Expects the same registers, and two of them in use.
fn fences(read: &Step, told: &Step) -> Result<()> {
    let raw = |line: &'_ str| {
        line.split_once("\"raw\": \"").map(|(_, rest)| rest.trim_end_matches(['"', ',']).to_owned())
    };
    let read: Vec<_> = read.lines().filter_map(raw).collect();
    let told: Vec<_> = told.lines().map(str::to_owned).collect();
    if read != told {
        return Err(wrong(&format!("fences: vgtctl read {read:?}, the model has {told:?}")));
    }
    match told.iter().filter(|value| *value != "0x0").count() {
        0 | 1 => Err(wrong("fewer than two fences are in use")),
        _ => Ok(()),
    }
}

/// Each page of `0xFIRST-0xLAST SIZE maddr 0xADDRESS, ...`.
fn dumped(step: &Step) -> Result<BTreeMap<u64, u64>> {
    let mut pages = BTreeMap::new();
    for line in step.lines().filter(|line| line.starts_with("0x")) {
        let words: Vec<_> = line.split([' ', '-', ',']).filter(|word| word.starts_with("0x")).collect();
        let [first, last, target] = words.as_slice() else {
            return Err(wrong(&format!("vgtctl said {line:?}")));
        };
        let (first, last, target) = (hex(first)?, hex(last)?, hex(target)?);
        let mapped = (first..=last).step_by(4096);
        pages.extend(mapped.map(|gma| (gma, target.wrapping_add(gma - first))));
    }
    Ok(pages)
}

/// Each present entry of `0xADDRESS 0xENTRY`.
fn entries(step: &Step) -> Result<BTreeMap<u64, u64>> {
    let mut pages = BTreeMap::new();
    for line in step.lines() {
        let Some((gma, entry)) = line.split_once(' ') else {
            return Err(wrong(&format!("the model said {line:?}")));
        };
        let (gma, entry) = (hex(gma)?, hex(entry)?);
        if entry & 1 == 1 {
            pages.insert(gma, entry & ADDRESS);
        }
    }
    Ok(pages)
}

fn same(read: &BTreeMap<u64, u64>, told: &BTreeMap<u64, u64>) -> Result<()> {
    let differs = |page: &&u64| read.get(page) != told.get(page);
    match read.keys().chain(told.keys()).find(differs) {
        None => Ok(()),
        Some(page) => Err(wrong(&format!(
            "{page:#x} leads to {:x?} by vgtctl, to {:x?} in the model",
            read.get(page),
            told.get(page)
        ))),
    }
}

fn hex(word: &str) -> Result<u64> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    u64::from_str_radix(digits, 16).map_err(|_| wrong(&format!("{word:?} is no number")))
}

fn wrong(what: &str) -> LabError {
    LabError::Expectation(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Line;

    fn step(lines: &[&str]) -> Transcript {
        let mut run = Transcript::default();
        run.take(Line::Step("a".into())).unwrap();
        for line in lines {
            run.take(Line::Output((*line).to_owned())).unwrap();
        }
        run.take(Line::Exit(0)).unwrap();
        run
    }

    #[test]
    fn same_runs_and_entries_agree_and_each_difference_is_found() {
        let run = step(&["0x000000001000-0x000000002fff     8 KB  maddr 0x5000, writable, PPAT 0", "1 runs"]);
        let read = dumped(run.step("a").unwrap()).unwrap();
        assert_eq!(read, BTreeMap::from([(0x1000, 0x5000), (0x2000, 0x6000)]));
        for (lines, agrees) in [
            (&["0x1000 0x5001", "0x2000 0x6003", "0x9000 0x8000"][..], true),
            (&["0x1000 0x5001", "0x2000 0x7003"], false),
            (&["0x1000 0x5001"], false),
            (&["0x1000 0x5001", "0x2000 0x6001", "0x9000 0x8001"], false),
        ] {
            let told = entries(step(lines).step("a").unwrap()).unwrap();
            assert_eq!(same(&read, &told).is_ok(), agrees, "{lines:?}");
        }
    }

    #[test]
    fn fences_must_be_equal_and_two_in_use() {
        let vgtctl = ["  {", "  \"raw\": \"0x5\",", "  \"raw\": \"0x7\""];
        let judge = |told: &[&str]| fences(step(&vgtctl).step("a").unwrap(), step(told).step("a").unwrap());
        assert!(judge(&["0x5", "0x7"]).is_ok());
        assert!(judge(&["0x5", "0x6"]).is_err());
        assert!(judge(&["0x5", "0x7", "0x0"]).is_err());
        let idle = ["\"raw\": \"0x0\""];
        assert!(fences(step(&idle).step("a").unwrap(), step(&["0x0"]).step("a").unwrap()).is_err());
    }

    #[test]
    fn dumped_fault_is_an_error() {
        let run = step(&["0x000000001000-0x000000001fff     4 KB  fault: beyond"]);
        assert!(dumped(run.step("a").unwrap()).is_err());
    }
}
