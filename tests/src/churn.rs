//! Makes and unmakes vGPUs at random: one of many users of a host, or one who is killed at it.

use std::path::Path;

use libxengt::addr::DomId;
use libxengt::control::{ControlError, CreateRequest};
use libxengt::host::Host;
use libxengt::vgpu_type::VgpuType;

/// Does `rounds` random things on the simulated host in `dir`, which need not be there yet.
///
/// # Errors
/// An error that nobody else's doing explains.
pub fn churn(dir: &Path, mut seed: u64, rounds: u64) -> Result<(), String> {
    let mut host = Host::simulated(dir).map_err(|e| format!("open: {e}"))?;
    for _ in 0..rounds {
        // A linear congruence (Knuth's MMIX); its high bits are random enough for this.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = seed >> 33;
        let domid = (dice / 16) % 4 + 1;
        match dice % 16 {
            0 => host = Host::simulated(dir).map_err(|e| format!("open again: {e}"))?,
            1..8 => one(&host, "create", domid)?,
            8..13 => one(&host, "destroy", domid)?,
            13 | 14 => one(&host, "pause", domid)?,
            _ => one(&host, "resume", domid)?,
        }
    }
    Ok(())
}

/// Does one thing: create, destroy, pause or resume.
///
/// # Errors
/// An error that nobody else's doing explains.
pub fn one(host: &Host, verb: &str, domid: u64) -> Result<(), String> {
    let domid = DomId::try_new(domid).map_err(|e| e.to_string())?;
    let control = host.control();
    let [smallest, ..] = VgpuType::ALL;
    let result = match verb {
        "create" => control.create(&CreateRequest::of_type(domid, &smallest)).map(|_| ()),
        "destroy" => control.destroy(domid),
        "pause" => control.pause(domid).map(|_| ()),
        "resume" => control.resume(domid).map(|_| ()),
        _ => return Err(format!("{verb} is no verb")),
    };
    match result {
        Ok(())
        | Err(ControlError::Exists { .. } | ControlError::NoVgpu { .. } | ControlError::Capacity { .. }) => {
            Ok(())
        }
        Err(error) => Err(format!("{verb} {domid}: {error}")),
    }
}
