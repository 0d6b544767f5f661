//! `vgtctl types`.

use libxengt::capacity::{Resource, TypeAvailability, Usage};
use libxengt::host::Host;
use libxengt::vgpu_type::VgpuType;
use serde_json::json;

use super::vgpu_text::UNKNOWN;
use crate::failure::Failure;
use crate::output::{Report, mb, table};

pub(super) fn run(host: &Host) -> Result<Report, Failure> {
    let gpu = host.gpu()?;
    let generation = gpu.generation()?;
    let resources = gpu.resources();
    // Without the module nothing is used: the table then says what the hardware allows.
    let used = host.control().usage().unwrap_or_else(|_| Some(Usage::default()));
    let (mut rows, mut types) = (Vec::new(), Vec::new());
    for ty in &VgpuType::ALL {
        let fits = resources.map(|resources| resources.fit(ty).count);
        let now = resources.zip(used).map(|(resources, used)| resources.availability(&used, ty));
        let (more, limit) = match now {
            None => (None, None),
            Some(TypeAvailability::Absent { .. }) => (Some(0), Some(Resource::LowGm)),
            Some(TypeAvailability::Full { limit }) => (Some(0), Some(limit)),
            Some(TypeAvailability::Fits { count, limit }) => (Some(count), Some(limit)),
        };
        let count = |count: Option<u32>| count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string());
        rows.push([
            ty.name(generation),
            mb(ty.low_gm),
            mb(ty.high_gm),
            ty.fences.to_string(),
            format!("{}x{}", ty.max_width, ty.max_height),
            count(fits),
            count(more),
            limit.map_or_else(|| UNKNOWN.to_owned(), |limit| limit.to_string()),
        ]);
        types.push(json!({
            "name": ty.name(generation),
            "low_gm_bytes": ty.low_gm,
            "high_gm_bytes": ty.high_gm,
            "fences": ty.fences,
            "weight": ty.weight,
            "max_width": ty.max_width,
            "max_height": ty.max_height,
            "fits": fits,
            "fits_now": more,
            "offered": now.map(|now| !matches!(now, TypeAvailability::Absent { .. })),
            "limit": limit.map(limit_name),
        }));
    }
    let headings = ["TYPE", "LOW-GM", "HIGH-GM", "FENCES", "MAX-RES", "FITS", "NOW", "LIMITED-BY"];
    Report::done(table(headings, &rows), json!({ "types": types }))
}

/// The resource's name in JSON.
pub(super) fn limit_name(resource: Resource) -> &'static str {
    match resource {
        Resource::Instances => "instances",
        Resource::LowGm => "low_gm",
        Resource::HighGm => "high_gm",
        Resource::Fences => "fences",
        _ => "other",
    }
}
