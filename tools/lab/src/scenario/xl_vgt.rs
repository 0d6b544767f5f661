//! `vga="xengt"` in xl and libxl of our series, with a FIFO in the driver's place.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "xl-vgt",
    about: "vga=\"xengt\": what xl and libxl tell the driver, and that a guest never runs without its vGPU",
    script: include_str!("../../scenarios/xl-vgt.sh"),
    needs: Needs::PATCHED,
    limit: Duration::from_secs(1800),
    check,
};

pub(super) const ON_4_20: Scenario = Scenario { name: "xl-vgt-4-20", needs: Needs::PATCHED_4_20, ..SCENARIO };

const NODE: &str = "/sys/kernel/vgt/control/create_vgt_instance";

fn check(run: &Transcript) -> Result<()> {
    refused(run)?;
    served(run)?;
    // A guest without the option boots, and nothing is written for it.
    run.step("plain")?.exits(0)?;
    run.step("plain-end")?.exits(0)?;
    let plain = run.step("plain-console")?.exits(0)?;
    plain.says(&["guest: user space on", "hypervisor xen"])?.never_says("0000:00:02.0")?;
    run.step("plain-left")?.exits(0)?;
    lines_are(run.step("plain-commands")?.exits(0)?, &[])?;
    run.step("heard")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("(null)")?;
    Ok(())
}

/// Creations that must fail, and leave nothing.
fn refused(run: &Transcript) -> Result<()> {
    let no_driver =
        ["cannot create vGPU: ", NODE, "no vGPU driver", "module xengt", "i915 with enable_gvt=1"];
    run.step("no-driver")?.exits(3)?.says(&no_driver)?;
    for (size, most) in [
        ("vgt_low_gm_sz=0", "4096"),
        ("vgt_high_gm_sz=4097", "4096"),
        ("vgt_fence_sz=33", "32"),
        ("vgt_low_gm_sz=\"64MB\"", "4096"),
    ] {
        let (option, _) = size.split_once('=').unwrap_or((size, ""));
        let must = format!("ERROR: {option} must be a number from 1 to {most}");
        run.step(&format!("bad-{size}"))?.exits(1)?.says(&[&must])?;
    }
    run.step("full")?.exits(3)?.says(&[
        "cannot create vGPU: writing '",
        ",64,448,4' to ",
        NODE,
        "too little graphics memory",
        "No space left on device",
    ])?;
    // It was the write that failed, after the device model had come up.
    run.step("full-had-qemu")?.exits(0)?;

    run.step("idle")?.exits(3)?.says(&["cannot create vGPU: the driver took '", "yet there is no "])?;
    run.step("idle-told")?.exits(0)?;
    let commands = run.step("idle-commands")?.exits(0)?;
    let domid = commands.lines().next().and_then(|line| line.split(',').next()).unwrap_or_default();
    domain(domid)?;
    lines_are(commands, &[&format!("{domid},64,448,4-{domid}")])?;
    for step in ["no-driver-left", "bad-left", "full-left", "idle-left"] {
        run.step(step)?.exits(0)?;
    }
    Ok(())
}

/// A guest with a vGPU, from its creation over a reboot to its destruction.
fn served(run: &Transcript) -> Result<()> {
    run.step("create")?.exits(0)?;
    run.step("create-told")?.exits(0)?;
    let domid = only_line(run.step("domid")?.exits(0)?)?;
    let create = |domid: &str| format!("{domid},128,512,4");
    domain(domid)?;
    lines_are(run.step("create-commands")?.exits(0)?, &[&create(domid)])?;
    // Nothing of the device model's is to be found at 00:02.0.
    run.step("arguments")?
        .exits(0)?
        .says(&["-device xen-pvdevice,", "addr=0x2 "])?
        .says(&["-device xen-platform,addr=0x3 "])?;
    let config = run.step("config")?.exits(0)?;
    for field in
        ["\"kind\": \"xengt\"", "\"vgt_low_gm_sz\": 128,", "\"vgt_high_gm_sz\": 512,", "\"vgt_fence_sz\": 4,"]
    {
        config.says(&[field])?;
    }

    for step in ["serving", "unpause", "ready"] {
        run.step(step)?.exits(0)?;
    }
    let found = run.step("found")?.exits(0)?;
    found
        .says(&["0000:00:02.0 0x9710 0x9900"])?
        .says(&["0000:00:03.0 0x5853 0x0001"])?
        .never_says("0x5853 0xc000")?;

    run.step("save")?.exits(1)?.says(&["Cannot save or migrate a guest with a vGPU"])?;
    run.step("alive")?.exits(0)?.says(&["still here"])?;

    for step in ["rebooted", "reboot-told", "destroy", "destroy-told", "destroy-left"] {
        run.step(step)?.exits(0)?;
    }
    let again = only_line(run.step("domid-again")?.exits(0)?)?;
    domain(again)?;
    let commands = [create(domid), format!("-{domid}"), create(again), format!("-{again}")];
    lines_are(run.step("commands")?.exits(0)?, &commands.each_ref().map(String::as_str))?;
    let left: Vec<_> = run.step("vgpus")?.exits(0)?.lines().collect();
    for gone in [domid, again] {
        if left.contains(&format!("vm{gone}").as_str()) || !left.contains(&"control") {
            return Err(LabError::Expectation(format!("the driver has {left:?} after vm{gone}'s end")));
        }
    }
    Ok(())
}

fn domain(domid: &str) -> Result<()> {
    match domid.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err(LabError::Expectation(format!("{domid:?} is no guest's domid"))),
    }
}

fn only_line(step: &Step) -> Result<&str> {
    let lines: Vec<_> = step.lines().collect();
    match lines[..] {
        [line] => Ok(line.trim()),
        _ => Err(LabError::Expectation(format!("expected one line, got {lines:?}"))),
    }
}

/// Expects these lines, and no others.
fn lines_are(step: &Step, wanted: &[&str]) -> Result<()> {
    let lines: Vec<_> = step.lines().collect();
    if lines == wanted {
        return Ok(());
    }
    Err(LabError::Expectation(format!("expected {wanted:?} and nothing else, got {lines:?}")))
}
