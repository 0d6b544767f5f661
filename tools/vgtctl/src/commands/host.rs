//! `vgtctl host`.

use libxengt::capacity::{HOST_HIGH_GM, HOST_LOW_GM};
use libxengt::error::Diagnose;
use libxengt::host::Host;
use libxengt::platform::{self, Support};
use serde_json::json;

use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, size};

pub(super) fn run(host: &Host) -> Result<Report, Failure> {
    let gpu = host.gpu()?;
    let support = platform::lookup(gpu.id());
    let (family, verdict) = match support {
        Support::Supported { family, note, .. } => {
            (Some(family), note.map_or("supported".to_owned(), |note| format!("supported; {note}")))
        }
        Support::Unsupported { family, reason, alternative } => {
            (Some(family), format!("not supported: {reason}; {alternative}"))
        }
        Support::Unknown { advice } => (None, format!("unknown: {advice}")),
        Support::OtherVendor { reason } => (None, format!("not supported: {reason}")),
    };
    let generation = gpu.generation().ok();
    let resources = gpu.resources();
    let vgpus = host.control().list();
    let module = match &vgpus {
        Ok(vgpus) => format!("loaded, {} vGPUs", vgpus.len()),
        Err(error) => error.to_string(),
    };
    let ggtt = gpu.config.ggtt_bytes();
    let free = |bytes: Option<u64>| bytes.map_or("?".to_owned(), size);
    let text = [
        ("GPU", format!("{} at {}, {}", gpu.id(), gpu.name, family.unwrap_or("unknown family"))),
        ("GVT-g", verdict.clone()),
        ("driver", gpu.driver.clone().unwrap_or_else(|| "none".to_owned())),
        (
            "aperture",
            format!("{}, {} of it for vGPUs", size(gpu.aperture.len), free(resources.map(|r| r.low_gm()))),
        ),
        (
            "GGTT",
            format!("{}, {} of it hidden memory for vGPUs", free(ggtt), free(resources.map(|r| r.high_gm()))),
        ),
        ("reserved", format!("{} low, {} high for the host", size(HOST_LOW_GM), size(HOST_HIGH_GM))),
        ("xengt", module),
        ("simulated", if host.sim().is_some() { "yes" } else { "no" }.to_owned()),
    ]
    .map(|(name, value)| format!("{name:<9} {value}\n"))
    .concat();
    let report = Report::done(
        text,
        json!({
            "gpu": {
                "id": gpu.id().to_string(),
                "address": gpu.name,
                "family": family,
                "generation": generation.map(|generation| format!("{generation:?}").to_lowercase()),
                "supported": generation.is_some(),
                "verdict": verdict,
                "driver": gpu.driver,
                "aperture_bytes": gpu.aperture.len,
                "ggtt_bytes": ggtt,
                "low_gm_for_vgpus_bytes": resources.map(|r| r.low_gm()),
                "high_gm_for_vgpus_bytes": resources.map(|r| r.high_gm()),
            },
            "xengt": {
                "loaded": vgpus.is_ok(),
                "vgpus": vgpus.as_ref().ok().map(Vec::len),
                "problem": vgpus.as_ref().err().map(ToString::to_string),
                "hint": vgpus.as_ref().err().and_then(Diagnose::hint),
            },
            "simulated": host.sim().is_some(),
        }),
    )?;
    let code = if generation.is_some() && vgpus.is_ok() { exit_code::DONE } else { exit_code::UNSUPPORTED };
    Ok(report.with_code(code))
}
