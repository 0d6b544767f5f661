//! Two guests with vGPUs: both render, and neither can name what is the other's.

use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Scenario;
use super::gpu::executed;
use super::gpu_tables::hex;
use super::hostile::{complaints, number, passed};
use super::xengt::OURS;
use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "xengt-two",
    about: "two guests render at once on vGPUs of their own; neither can name an address of the other's",
    script: include_str!("../../scenarios/xengt-two.sh"),
    needs: OURS,
    limit: Duration::from_secs(5400),
    check,
};

/// What a guest tries by the processor, and by batches of its driver.
const BY_PROCESSOR: &[&str] = &["apart", "ggtt-own", "ggtt", "fence-count", "aperture"];
const BY_BATCHES: &[&str] =
    &["batch-store", "batch-register", "batch-pipe", "batch-flush", "batch-blit-flush", "batch-fill"];

/// The commands that it tries in rings of its own; `lab-hostile` has a list of the same.
const IN_RINGS: &[&str] = &["store", "register", "atomic", "flush", "flush-long", "pipe", "pipe-time"];
const BY_RING: &[&str] = &["aperture-own", "ring-own", "ring-own-command", "ring-foreign"];

/// From so many MB of aperture on, two different types fit beside the host.
const BOTH_TYPES_MB: u64 = 320;

fn check(run: &Transcript) -> Result<()> {
    for step in ["i915", "xengt", "create-one", "create-two", "vgpu-one", "vgpu-two", "unpause"] {
        run.step(step)?.exits(0)?;
    }
    let vgpus = [vgpu(run.step("show-one")?)?, vgpu(run.step("show-two")?)?];
    apart(&vgpus)?;
    let types_differ = vgpus[0].ty != vgpus[1].ty;
    if number(run.step("aperture")?.exits(0)?, "")? >= BOTH_TYPES_MB && !types_differ {
        return Err(LabError::Expectation(format!("both vGPUs are of type {}", vgpus[0].ty)));
    }
    for guest in ["one", "two"] {
        let step = |name: &str| run.step(&format!("{name}-{guest}"));
        step("ready")?.exits(0)?;
        step("driver")?.exits(0)?;
        for exec in ["exec", "after"] {
            executed(step(exec)?, &["stores", "blits", "tiled-x"])?;
        }
        passed(step("window")?, BY_PROCESSOR)?;
        passed(step("batches")?, BY_BATCHES)?;
    }
    fences_at_home(run.step("fences")?, &vgpus)?;
    for step in ["destroy-one", "create-three", "vgpu-three", "unpause-three", "ready-three"] {
        run.step(step)?.exits(0)?;
    }
    for kind in IN_RINGS {
        passed(run.step(&format!("ring-{kind}"))?, BY_RING)?;
        run.step(&format!("renew-{kind}"))?.exits(0)?;
    }
    executed(run.step("last")?, &["stores", "blits", "tiled-x"])?;
    run.step("guest-dmesg")?.never_says("Call Trace")?.never_says("wedged")?;
    run.step("destroy")?.exits(0)?;
    run.step("gone")?.exits(0)?;
    complaints(run.step("complaints")?.exits(0)?)
}

/// What `vgtctl show` tells.
#[derive(Debug, Deserialize)]
struct Shown {
    vgpu: Vgpu,
}

#[derive(Debug, Deserialize)]
struct Vgpu {
    domid: u16,
    #[serde(rename = "type")]
    ty: String,
    aperture: Slice,
    hidden: Slice,
}

#[derive(Debug, Deserialize)]
struct Slice {
    host: String,
    bytes: u64,
}

/// What `vgtctl fence list` tells.
#[derive(Debug, Deserialize)]
struct Fences {
    fences: Vec<Fence>,
}

/// Without a place if it is not valid.
#[derive(Debug, Deserialize)]
struct Fence {
    fence: u8,
    domid: Option<u16>,
    start: Option<String>,
    bytes: Option<u64>,
}

/// The JSON that a step printed.
fn parsed<T: DeserializeOwned>(step: &Step) -> Result<T> {
    let text: String = step.lines().collect();
    serde_json::from_str(&text).map_err(|error| LabError::Expectation(format!("{error}: {text}")))
}

fn vgpu(step: &Step) -> Result<Vgpu> {
    let shown: Shown = parsed(step.exits(0)?)?;
    Ok(shown.vgpu)
}

impl Slice {
    fn range(&self) -> Result<Range<u64>> {
        let start = hex(&self.host)?;
        Ok(start..start + self.bytes)
    }
}

/// Expects that no part of one is a part of the other.
fn apart(vgpus: &[Vgpu; 2]) -> Result<()> {
    let [one, two] = vgpus;
    for mine in [one.aperture.range()?, one.hidden.range()?] {
        for other in [two.aperture.range()?, two.hidden.range()?] {
            if mine.is_empty() || other.is_empty() || (mine.start < other.end && other.start < mine.end) {
                return Err(LabError::Expectation(format!(
                    "the vGPUs share addresses: {mine:x?} {other:x?}"
                )));
            }
        }
    }
    Ok(())
}

/// Expects that the GPU tiles with a guest's fence only what is that guest's.
fn fences_at_home(step: &Step, vgpus: &[Vgpu]) -> Result<()> {
    let list: Fences = parsed(step)?;
    let of_guests = list.fences.iter().filter(|fence| fence.domid.is_some()).count();
    if of_guests < vgpus.len() {
        return Err(LabError::Expectation(format!("only {of_guests} fences are a guest's")));
    }
    for fence in &list.fences {
        let (Some(domid), Some(start), Some(bytes)) = (fence.domid, &fence.start, fence.bytes) else {
            continue;
        };
        let start = hex(start)?;
        let owner = vgpus.iter().find(|vgpu| vgpu.domid == domid);
        let home = owner.map(|vgpu| vgpu.aperture.range()).transpose()?.unwrap_or_default();
        if start < home.start || start + bytes > home.end {
            return Err(LabError::Expectation(format!(
                "fence {} of domain {domid} covers {start:#x}+{bytes:#x}, and its aperture is {home:x?}",
                fence.fence
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Line;

    fn slice(host: &str, bytes: u64) -> Slice {
        Slice { host: host.to_owned(), bytes }
    }

    fn guest(domid: u16, aperture: &str, hidden: &str) -> Vgpu {
        Vgpu {
            domid,
            ty: "GVTg_V5_8".to_owned(),
            aperture: slice(aperture, 64 << 20),
            hidden: slice(hidden, 384 << 20),
        }
    }

    fn guests() -> [Vgpu; 2] {
        [guest(1, "0x8000000", "0x40000000"), guest(2, "0xc000000", "0x58000000")]
    }

    #[test]
    fn apart_neighbours_are_and_what_overlaps_is_not() {
        apart(&guests()).unwrap();
        assert!(apart(&[guest(1, "0x8000000", "0x40000000"), guest(2, "0xbfff000", "0x58000000")]).is_err());
    }

    fn listed(fence: &str) -> Result<()> {
        let mut run = Transcript::default();
        for line in [
            "step f",
            &format!("| {{\"domid\":null,\"fences\":[{fence},{{\"fence\":5,\"domid\":2}}]}}"),
            "exit 0",
        ] {
            run.take(Line::parse(&format!("@lab {line}"))).unwrap();
        }
        fences_at_home(run.step("f").unwrap(), &guests())
    }

    #[test]
    fn fences_at_home_of_a_guest_must_be_in_its_aperture() {
        listed(r#"{"fence":4,"domid":1,"start":"0x8000000","bytes":4096}"#).unwrap();
        listed(r#"{"fence":0,"domid":null,"start":"0x0","bytes":4096},{"fence":4,"domid":1}"#).unwrap();
        let foreign = r#"{"fence":4,"domid":1,"start":"0xc000000","bytes":4096}"#;
        assert!(listed(foreign).unwrap_err().to_string().contains("fence 4 of domain 1"));
        assert!(listed(r#"{"fence":4,"domid":1,"start":"0xbfff000","bytes":8192}"#).is_err());
    }

    #[test]
    fn fences_at_home_no_fence_of_a_guest_is_an_error() {
        assert!(listed(r#"{"fence":4,"domid":null}"#).is_err());
    }
}
