//! `vga="xengt"` with xengt itself, and dom0's sight into a vGPU whose guest works.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gpu::{complaints, executed, number};
use super::gpu_tables::{Told, all_mapped, entries, hex, leaves, objects, registers, wrong};
use super::xengt::OURS;
use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "xengt-xl",
    about: "xl makes a guest's vGPU on our Xen; vgtctl shows its tables, fences and screen, and finds a planted violation",
    script: include_str!("../../scenarios/xengt-xl.sh"),
    needs: Needs { xen: "4.17-xengt", ..OURS },
    limit: Duration::from_secs(2400),
    check,
};

/// A screen of 1024x768 alone has 768 pages.
const FEWEST: usize = 768;

/// More than a cursor and less than a screen of text.
const LIT: u64 = 2000;

fn check(run: &Transcript) -> Result<()> {
    for step in ["i915", "xengt", "create", "ready", "driver", "console", "hold"] {
        run.step(step)?.exits(0)?;
    }
    run.step("list")?.exits(0)?.says(&["gpu", "GVTg_V5_8", "active"])?;
    // xl says which resource has run out, leaves nothing, and the first guest has kept what it has.
    let full = run.step("full")?;
    full.exits(3)?.says(&["cannot create vGPU", "too little graphics memory", "No space left on device"])?;
    run.step("full-left")?.exits(0)?.says(&["gpu "])?.says(&["GVTg_V5_8"])?.never_says("larger")?;
    run.step("guest-dmesg")?
        .exits(0)?
        .says(&["iGVT-g active"])?
        .says(&["Initialized i915"])?
        .says(&["fb0"])?
        .never_says("Call Trace")?
        .never_says("wedged")?;
    let show = run.step("show")?.exits(0)?;
    show.says(&["type ", "GVTg_V5_8"])?
        .says(&["announced a 4-level PPGTT"])?
        .says(&["screen ", "1024x768"])?;

    fences(run.step("fences")?.exits(0)?, run.step("model-fences")?)?;
    tables(run)?;
    let screen = run.step("screen")?.says(&["size 1024x768"])?;
    run.step("screenshot")?.exits(0)?;
    if number(screen, "lit ") < LIT {
        return Err(wrong(&format!("the guest's screen shows too little: {screen:?}")));
    }

    run.step("audit")?.exits(0)?.says(&["clean: all "])?;
    let planted = run.step("audit-planted")?.exits(1)?;
    planted.says(&["machine frame 0x1000"])?.says(&["1 violations"])?;
    run.step("audit-again")?.exits(0)?.says(&["clean: all "])?;
    executed(run.step("exec")?, &["stores", "blits"])?;
    run.step("destroy")?.exits(0)?;
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.never_says("GVTg")?;
    // What the full host says is the refusal.
    let said = run.step("complaints")?.exits(0)?;
    said.says(&["gets no vGPU with 128 MB: -28"])?;
    complaints(&said.without("xengt: domain "))
}

/// What the guest's tables say, translated by Xen, is what the GPU walks.
fn tables(run: &Transcript) -> Result<()> {
    let read = machine(run.step("ggtt")?.exits(0)?)?;
    let told = |when: &str| entries(run.step(&format!("model-ggtt-{when}"))?);
    let settled = Told::new(told("before")?, told("after")?)?.has(&read)?;
    if settled < FEWEST {
        return Err(wrong(&format!("only {settled} pages stay mapped, expected a screen at least")));
    }
    run.step("ggtt-dump")?.says(&["gpa 0x", "writable"])?;

    run.step("context")?.says(&["pml4 0x", " lrca 0x"])?;
    let read = machine(run.step("ppgtt")?.exits(0)?)?;
    let told = |when: &str| leaves(run.step(&format!("model-ppgtt-{when}"))?);
    Told::new(told("before")?, told("after")?)?.same(&read)?;
    let objects = objects(run.step("objects")?.exits(0)?)?;
    let Some((last, _)) = all_mapped(&objects, &read)?.last() else {
        return Err(wrong("the program told no objects"));
    };
    let maddr = read.get(last).map_or(0, |maddr| maddr + 0x123);
    let said = [&format!("{:#x} -> gpa 0x", last + 0x123)[..], &format!(" -> maddr {maddr:#x},")];
    run.step("ppgtt-translate")?.exits(0)?.says(&said)?;
    Ok(())
}

/// Each `0xADDRESS 0xMADDR`.
fn machine(step: &Step) -> Result<BTreeMap<u64, u64>> {
    let lines = step.lines().filter_map(|line| line.strip_prefix("0x")?.split_once(" 0x"));
    lines.map(|(at, maddr)| Ok((hex(at)?, hex(maddr)?))).collect()
}

/// Expects that what vgtctl says of the guest's fences is in the GPU's, and two of them in use.
fn fences(read: &Step, told: &Step) -> Result<()> {
    let used: Vec<_> = registers(read).filter(|value| value != "0x0").collect();
    let told: Vec<_> = told.lines().collect();
    if used.len() < 2 || !used.iter().all(|value| told.contains(&value.as_str())) {
        return Err(wrong(&format!("fences: vgtctl read {used:?}, the model has {told:?}")));
    }
    Ok(())
}
