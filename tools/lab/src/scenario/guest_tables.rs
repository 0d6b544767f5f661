//! A guest's graphics translation tables, walked from dom0 while it runs, and its end while it is read.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "guest-tables",
    about: "libxengt and vgtctl walk a live guest's PPGTT and GGTT, and agree with the guest on every address",
    script: include_str!("../../scenarios/guest-tables.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(900),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("start")?.exits(0)?;
    let guest = run.step("build")?.exits(0)?.says(&["pml4 0x"])?.says(&["end"])?;
    let said = |word: &str, space: &str| count(guest, &[word, " ", space, " "]);
    if [said("map", "ppgtt"), said("map", "ggtt"), said("hole", "ppgtt"), said("gone", "ppgtt")].contains(&0)
    {
        return Err(LabError::Expectation("the guest said too little of its tables".to_owned()));
    }
    run.step("walk")?
        .exits(0)?
        .says(&["walked: ", " mapped, ", " 0 wrong"])?
        .says(&["fault: ", "no page is there"])?;

    for space in ["ppgtt", "ggtt"] {
        let answers = run.step(space)?.exits(0)?;
        for (va, gpa, size) in maps(guest, space) {
            answers.says(&[va, " -> gpa ", gpa, &format!("{size} page")])?;
        }
    }
    run.step("hole")?.exits(3)?.says(&["not present"])?.never_says("panicked")?;
    run.step("fault")?
        .exits(1)?
        .says(&["does not translate", "no page is there"])?
        .says(&["beyond the end"])?;
    let gone = run.step("gone")?.exits(7)?;
    gone.says(&["no memory (a hole, or ballooned out)"])?
        .says(&["no memory (beyond the end of the guest's)"])?;
    run.step("by-name")?.exits(0)?.says(&["0x20000000000 -> gpa 0x0", "1G page"])?;
    run.step("dump")?.exits(7)?.says(&["cut short by --limit"])?;
    run.step("beyond")?.exits(1)?.says(&["beyond the end"])?;
    run.step("shrink")?.exits(0)?;
    run.step("shrunk")?.exits(0)?;
    run.step("walk-ballooned")?.exits(0)?.says(&[" 0 wrong"])?;
    run.step("ballooned")?.exits(7)?.says(&["-> gpa ", "no memory (a hole, or ballooned out)"])?;
    // Nothing here can show what the host maps, and the audit must not say otherwise.
    let audit = run.step("audit")?.exits(5)?;
    audit.says(&["error:", "no get_mfn_from_pfn, memory subop 29", "hint:"])?.never_says("clean")?;
    let doctor = run.step("doctor")?.exits(5)?;
    doctor.says(&["ok ", "domain is HVM"])?.says(&["ok ", "domain has HAP"])?;
    let crossings = run.step("crossings")?.exits(0)?.never_says("(0 of ")?;
    crossings.says(&["foreign mapping, batched: 489 ioctls and 489 mmaps per million frames"])?;
    crossings.says(&["foreign mapping, one by one: 1000000 ioctls and 1000000 mmaps per million frames"])?;
    crossings.says(&["machine frames: this Xen has no get_mfn_from_pfn"])?;
    run.step("alive")?.exits(0)?.says(&["still here"])?;

    run.step("holding")?.exits(0)?;
    run.step("destroy")?.exits(0)?;
    let held = run.step("held")?.exits(0)?.says(&["ended after many reads"])?.says(&["exited 0"])?;
    held.says(&["now: "])?.never_says("panicked")?.never_says("can be mapped")?;
    run.step("left")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("tables")?.never_says("(null)")?;
    run.step("no-domain")?.exits(3)?.says(&["error:", "hint:"])?;
    run.step("doctor-no-domain")?.exits(5)?.says(&["FAIL ", "domain"])?;
    Ok(())
}

fn count(step: &Step, words: &[&str]) -> usize {
    step.lines().filter(|line| line.contains(&words.concat())).count()
}

/// Address, guest physical address and page size of each mapping that the guest tells of.
fn maps<'a>(guest: &'a Step, space: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    guest.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        let ours = words.next() == Some("map") && words.next() == Some(space);
        ours.then_some((words.next()?, words.next()?, words.next()?))
    })
}
