//! The hypercall that our series adds to Xen, on a running guest.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "get-mfn",
    about: "subop 29 translates a running guest's frames as mappings and Xen's table do, keeps no lock, and is dom0's",
    script: include_str!("../../scenarios/get-mfn.sh"),
    // A lock that Xen keeps shows when another processor wants it.
    needs: Needs { processors: 2, ..Needs::PATCHED },
    // One that leaks a lock says nothing any more, so its end is this. Three minutes on an idle machine; where others run
    // beside it, two processors that wake each other thousands of times wait for the host each time.
    limit: Duration::from_secs(2400),
    check,
};

pub(super) const ON_4_20: Scenario =
    Scenario { name: "get-mfn-4-20", needs: Needs { processors: 2, ..Needs::PATCHED_4_20 }, ..SCENARIO };

/// The list sizes of which the test says how long a call takes.
const MEASURED: [u32; 5] = [1, 16, 64, 256, 2048];

fn check(run: &Transcript) -> Result<()> {
    run.step("no-guest")?.exits(0)?.says(&["ok   flags-are-known"])?.says(&["5 passed, 0 failed"])?;
    run.step("vgtctl")?.says(&["get_mfn_from_pfn: present (memory subop 29), and marks holes"])?;
    from_guests(run)?;
    run.step("start")?.exits(0)?;
    let live = run.step("live")?.exits(0)?;
    for line in [
        "hole-then-good: 100 times",
        "holes-allowed",
        "size-0: 0 translated, done",
        "size-1: 1 translated, done",
        "size-2048: 2048 translated, done",
        "too-long",
        "unknown-domain",
        "all-frames",
        "ballooned-out",
        "random-lists: 10000 lists",
    ] {
        live.says(&["ok  ", line])?;
    }
    for size in MEASURED {
        live.says(&[&format!("note throughput-{size}: "), " us a call, ", " ns a frame"])?;
    }
    live.says(&["19 passed, 0 failed"])?.never_says("FAIL")?;
    // One call for 2048 frames, where a mapping of as many takes an ioctl and an mmap; and one that asks for the flag.
    let crossings = run.step("crossings")?.exits(0)?.never_says("(0 of ")?;
    for line in [
        "foreign mapping, batched: 489 ioctls and 489 mmaps per million frames",
        "foreign mapping, one by one: 1000000 ioctls and 1000000 mmaps per million frames",
        "machine frames, batched: 490 ioctls and 0 mmaps per million frames",
        "machine frames, one by one: 1000000 ioctls and 0 mmaps per million frames",
    ] {
        crossings.says(&[line])?;
    }
    same_found(crossings)?;
    // It is no longer Xen that the audit lacks, but a vGPU.
    run.step("audit")?.exits(5)?.says(&["error: /sys/kernel/vgt does not exist"])?;
    run.step("runs")?.exits(0)?.says(&["still here"])?;
    run.step("destroy")?.exits(0)?;
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("guest")?;
    // Xen's log can be read, and no assertion or other check has failed.
    run.step("log")?.exits(0)?;
    run.step("complaints")?.exits(1)?;
    Ok(())
}

/// What guests are told that ask for themselves, and what dom0 is told of a page that a guest mapped by a grant.
fn from_guests(run: &Transcript) -> Result<()> {
    for (step, kind) in [("ask-pv", "PV"), ("ask-pvh", "PVH"), ("ask-mapper", "PVH")] {
        let said: Vec<_> = run.step(step)?.exits(0)?.lines().collect();
        if said.first() != Some(&format!("ask: {kind}").as_str()) {
            return Err(LabError::Expectation(format!("{step} is no {kind} domain: it said {said:?}")));
        }
        for who in ["itself", "dom0", "nobody"] {
            // EPERM, whomever it asks of: stock Xen says ENOSYS.
            run.step(step)?.says(&[&format!("ask: of {who}: -1")])?;
        }
    }
    let granter = number(run.step("ask-pvh")?, "own domid")?;
    let mapper = run.step("ask-mapper")?.says(&["ask: map status: 0"])?;
    // It reads what the other one wrote there.
    mapper.says(&[&format!("ask: page of domain: {granter}")])?;
    let (own, mapped) = (number(mapper, "granted frame")?, number(mapper, "mapped frame")?);
    let grant = run.step("grant")?.exits(0)?.says(&["extension: MarksHoles"])?;
    grant.says(&[&format!("frame {own}: machine frame 0x"), ", can be mapped"])?;
    grant.says(&[&format!("frame {mapped}: hole, ")])?;
    run.step("of-pv")?.exits(2)?.says(&["XENMEM_get_mfn_from_pfn for domain", "(os error 95)"])?;
    for step in ["destroy-pv", "destroy-granter", "destroy-mapper"] {
        run.step(step)?.exits(0)?;
    }
    Ok(())
}

/// A number that the bare kernel tells.
fn number<'a>(step: &'a Step, what: &str) -> Result<&'a str> {
    let start = format!("ask: {what}: ");
    step.lines()
        .find_map(|line| line.strip_prefix(start.as_str()))
        .ok_or_else(|| LabError::Expectation(format!("no line {start:?}")))
}

/// Both ways must find the same frames: "(N of M were there)" at the end of each line.
fn same_found(crossings: &Step) -> Result<()> {
    let found: Vec<_> = ["foreign mapping, batched", "machine frames, batched"]
        .iter()
        .map(|what| {
            let line = crossings.lines().find(|line| line.starts_with(what))?;
            line.rsplit_once('(').map(|(_, found)| found)
        })
        .collect();
    match found[..] {
        [Some(mapped), Some(asked)] if mapped == asked => Ok(()),
        _ => Err(LabError::Expectation(format!("the two ways find different frames: {found:?}"))),
    }
}
