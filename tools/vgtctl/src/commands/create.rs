//! `vgtctl create`.

use libxengt::control::{CreateRequest, MAX_COMMAND};
use libxengt::host::Host;
use libxengt::vgpu_type::VgpuType;

use super::domains::{domain_name, resolve};
use super::vgpu_text::{self, VgpuJson};
use crate::cli::Create;
use crate::failure::Failure;
use crate::output::Report;

/// The type one gets without asking: the smallest, which fits the most hosts.
const DEFAULT_LOW_MB: u64 = 64;

pub(super) fn run(host: &Host, options: &Create) -> Result<Report, Failure> {
    let request = request(host, options)?;
    let domid = request.domid;
    if options.dry_run {
        let node = host.root().vgt_control();
        debug_assert!(request.to_string().len() <= MAX_COMMAND);
        return Report::done(
            format!("would write {:?} to {}\n", request.to_string(), node.display()),
            serde_json::json!({ "dry_run": true, "path": node, "write": request.to_string() }),
        );
    }
    log::info!("creating: {request}");
    let vgpu = host.control().create(&request)?;
    let name = domain_name(host, domid);
    let of = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let text = format!("created vGPU {} for domain {domid}{of}\n{}", vgpu.id, vgpu_text::details(&vgpu));
    Report::done(text, serde_json::json!({ "vgpu": VgpuJson::new(&vgpu, name) }))
}

fn request(host: &Host, options: &Create) -> Result<CreateRequest, Failure> {
    let domid = resolve(host, &options.domain)?;
    if let Some(name) = &options.ty {
        // Which names there are depends on the GPU's generation.
        let generation = host.gpu()?.generation()?;
        return Ok(CreateRequest::of_type(domid, VgpuType::by_name(name, generation)?));
    }
    let low_mb = options.low_gm.map_or(DEFAULT_LOW_MB, u64::from);
    let request = CreateRequest::of_type(domid, VgpuType::by_low_mb(low_mb)?);
    let asked = CreateRequest {
        high_mb: options.high_gm.unwrap_or(request.high_mb),
        fences: options.fences.unwrap_or(request.fences),
        ..request
    };
    if asked.high_mb != request.high_mb || asked.fences != request.fences {
        log::warn!(
            "--high-gm and --fences are advisory: the type gives {} MB and {} fences",
            request.high_mb,
            request.fences
        );
    }
    Ok(asked)
}
