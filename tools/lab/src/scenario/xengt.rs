//! The kernel series: xengt in dom0 on the GPU model, and a guest's i915 on a vGPU of it.

use std::time::Duration;

use super::gpu::{complaints, executed};
use super::{Needs, Scenario};
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

/// Linux with our series, for dom0 and its guests.
pub(super) const OURS: Needs = Needs { kernel: Some("6.12-xengt"), ..Needs::MODEL };

pub(super) const LOAD: Scenario = Scenario {
    name: "xengt-load",
    about: "xengt loads in dom0 on a stock Xen, vgtctl finds nothing missing, and it unloads, 20 times",
    script: include_str!("../../scenarios/xengt-load.sh"),
    needs: OURS,
    limit: Duration::from_secs(900),
    check: check_load,
};

pub(super) const LOAD_6_18: Scenario =
    Scenario { name: "xengt-load-6-18", needs: Needs { kernel: Some("6.18-xengt"), ..OURS }, ..LOAD };

pub(super) const GUEST_6_18: Scenario =
    Scenario { name: "xengt-guest-6-18", needs: Needs { kernel: Some("6.18-xengt"), ..OURS }, ..GUEST };

pub(super) const GUEST: Scenario = Scenario {
    name: "xengt-guest",
    about: "a guest's own i915 comes up on a vGPU that xengt made, and runs programs",
    script: include_str!("../../scenarios/xengt-guest.sh"),
    needs: OURS,
    limit: Duration::from_secs(1800),
    check: check_guest,
};

fn check_load(run: &Transcript) -> Result<()> {
    run.step("i915")?.exits(0)?;
    run.step("wedged")?.exits(0)?.says(&["0"])?;
    run.step("kvmgt")?.exits(0)?;
    run.step("occupied")?.exits(1)?;
    run.step("no-kvmgt")?.exits(0)?;
    run.step("xengt")?.exits(0)?;

    let doctor = run.step("doctor")?;
    doctor.exits(0)?.never_says("FAIL ")?.never_says("warn ")?;
    doctor.says(&["ok ", "xengt:", "is loaded"])?.says(&["ok ", "control node:"])?;
    let types = run.step("types")?.exits(0)?;
    for (name, count) in kernel_types(run.step("kernel-types")?.exits(0)?)? {
        types.says(&[&name, &format!(" {count} ")])?;
    }
    run.step("list")?.exits(0)?;

    run.step("wrong")?.exits(0)?.never_says("taken")?;
    run.step("nobody")?.exits(1)?.says(&["No such process"])?;
    run.step("no-such-type")?.exits(1)?.says(&["Invalid argument"])?;
    run.step("destroy-nobody")?.exits(0)?;
    let refusals = run.step("refusals")?.exits(0)?;
    refusals.says(&["nor -domid"])?.says(&["domain 77", "64 MB: -3"])?.says(&["domain 77", "65 MB: -22"])?;
    if let Some(other) = refusals.lines().find(|line| !line.starts_with("3 xengt: ")) {
        return Err(LabError::Expectation(format!("beside refusals the kernel says: {other}")));
    }
    run.step("cycles")?.exits(0)?.says(&["cycles 20"])?;
    run.step("still-wedged")?.exits(0)?.says(&["0"])?;
    run.step("unload")?.exits(0)?;
    complaints(run.step("complaints")?.exits(0)?)?;
    run.step("kunit")?.exits(0)?.says(&["ok 1 xengt_"])?.never_says("not ok")?;
    Ok(())
}

/// What the other backend's users are shown: types, and how many of each.
fn kernel_types(step: &Step) -> Result<Vec<(String, String)>> {
    let types: Vec<_> = step
        .lines()
        .filter_map(|line| {
            let (name, count) = line.split_once(" available ")?;
            Some((name.strip_prefix("i915-")?.to_owned(), count.trim().to_owned()))
        })
        .collect();
    if types.is_empty() {
        return Err(LabError::Expectation("the kernel shows no vGPU types".to_owned()));
    }
    Ok(types)
}

fn check_guest(run: &Transcript) -> Result<()> {
    for step in ["i915", "xengt", "create", "vgpu", "show", "unpause", "ready", "driver"] {
        run.step(step)?.exits(0)?;
    }
    run.step("guest-saw")?.says(&["pci 0000:00:02.0 0x8086"])?;
    run.step("guest-dmesg")?
        .says(&["iGVT-g active"])?
        .says(&["Initialized i915"])?
        .says(&["fb0: i915drmfb"])?
        .never_says("timed out")?
        .never_says("Call Trace")?
        .never_says("wedged")?;
    executed(run.step("exec")?, &["stores", "many", "blits", "tiled-x", "tiled-y", "hang"])?;
    run.step("interrupts")?.exits(0)?.says(&["i915"])?;
    run.step("destroy")?.exits(0)?;
    run.step("gone")?.exits(0)?;
    complaints(run.step("complaints")?.exits(0)?)
}
