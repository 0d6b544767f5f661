//! `vgtctl list`.

use libxengt::error::Diagnose;
use libxengt::host::Host;
use serde_json::json;

use super::domains::DomainNames;
use super::vgpu_text::{self, VgpuJson};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, table};

pub(super) fn run(host: &Host) -> Result<Report, Failure> {
    let (mut rows, mut vgpus, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    let names = DomainNames::of(host);
    for entry in host.control().list()? {
        match entry.vgpu {
            Ok(vgpu) => {
                let name = names.get(entry.domid);
                let [ty, low, high, fences, state] = vgpu_text::row(&vgpu);
                let shown = name.clone().unwrap_or_else(|| "-".to_owned());
                rows.push([
                    entry.domid.to_string(),
                    shown,
                    vgpu.id.to_string(),
                    ty,
                    low,
                    high,
                    fences,
                    state,
                ]);
                vgpus.push(VgpuJson::new(&vgpu, name));
            }
            Err(error) => {
                log::warn!("domain {}: {error}", entry.domid);
                let hint = error.hint();
                unreadable
                    .push(json!({ "domid": entry.domid.get(), "error": error.to_string(), "hint": hint }));
            }
        }
    }
    let code = if unreadable.is_empty() { exit_code::DONE } else { exit_code::WARNINGS };
    let text = match rows.as_slice() {
        [] => "no vGPUs\n".to_owned(),
        rows => table(["DOMID", "NAME", "VGPU", "TYPE", "LOW-GM", "HIGH-GM", "FENCES", "STATE"], rows),
    };
    Ok(Report::done(text, json!({ "vgpus": vgpus, "unreadable": unreadable }))?.with_code(code))
}
