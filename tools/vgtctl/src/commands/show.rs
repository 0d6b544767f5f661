//! `vgtctl show`.

use libxengt::control::Counters;
use libxengt::display::Plane;
use libxengt::host::Host;
use libxengt::inspect::{InspectError, MmioImage};
use libxengt::pvinfo::{Caps, G2v, Pvinfo};
use serde_json::{Map, Value, json};

use super::domains::{domain_name, resolve};
use super::vgpu_text::{self, VgpuJson};
use crate::cli::Domain;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, hex};

pub(super) fn run(host: &Host, domain: &Domain) -> Result<Report, Failure> {
    let domid = resolve(host, domain)?;
    let vgpu = host.control().get(domid)?;
    let name = domain_name(host, domid);
    let of = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let mut text = format!("vGPU {} of domain {domid}{of}\n{}", vgpu.id, vgpu_text::details(&vgpu));
    if let Some(window) = &vgpu.window {
        text.push_str(&format!("  layout    {}\n", vgpu_text::layout(window.layout())));
    }
    let mut code = exit_code::DONE;
    let counters = host.control().counters(domid).unwrap_or_else(|error| {
        log::warn!("{error}");
        code = exit_code::WARNINGS;
        None
    });
    let mut inside = Inside::default();
    match MmioImage::open(host.root(), domid) {
        Ok(image) => {
            let problem = inside.look(host, &image).err();
            if let Some(problem) = problem {
                log::warn!("{problem}");
                code = exit_code::WARNINGS;
            }
        }
        // Older kernels show no registers: what is above is then all there is.
        Err(InspectError::NotShown { .. }) => {}
        Err(error) => {
            log::warn!("{error}");
            code = exit_code::WARNINGS;
        }
    }
    text.push_str(&inside.text);
    text.push_str(&vgpu_text::counters(counters.as_ref()));
    let json = json!({
        "vgpu": VgpuJson::new(&vgpu, name),
        "pvinfo": inside.pvinfo,
        "plane": inside.plane,
        "counters": counters.as_ref().map(by_name),
    });
    Ok(Report::done(text, json)?.with_code(code))
}

#[derive(Default)]
struct Inside {
    text: String,
    pvinfo: Value,
    plane: Value,
}

impl Inside {
    fn look(&mut self, host: &Host, image: &MmioImage) -> Result<(), InspectError> {
        let page = image.pvinfo()?;
        self.text.push_str(&format!("  caps      {}\n", caps(page.caps).join(", ")));
        self.text.push_str(&format!("  announced {}\n", notification(&page)));
        self.pvinfo = json!({
            "caps": caps(page.caps),
            "display_ready": page.display_ready,
            "notification": page.notification().ok().map(|last| format!("{last:?}")),
            "pdp": page.pdp_registers.map(hex),
            "fences": page.fences,
        });
        let Some(generation) = host.gpu().ok().and_then(|gpu| gpu.generation().ok()) else {
            return Ok(());
        };
        match image.plane(generation)? {
            Ok(plane) => {
                self.text.push_str(&format!("  screen    {}\n", screen(&plane)));
                self.plane = json!({
                    "width": plane.width,
                    "height": plane.height,
                    "pitch_bytes": plane.pitch,
                    "tiling": plane.tiling.map(|tiling| format!("{tiling:?}")),
                    "surface": hex(plane.surface.get()),
                });
            }
            Err(error) => {
                self.text.push_str(&format!("  screen    {error}\n"));
                self.plane = json!({ "error": error.to_string() });
            }
        }
        Ok(())
    }
}

fn by_name(counters: &Counters) -> Map<String, Value> {
    counters.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn caps(caps: Caps) -> Vec<&'static str> {
    [
        (Caps::FULL_PPGTT, "full PPGTT"),
        (Caps::HWSP_EMULATION, "HWSP emulation"),
        (Caps::HUGE_GTT, "huge GTT pages"),
    ]
    .into_iter()
    .filter(|(cap, _)| caps.contains(*cap))
    .map(|(_, name)| name)
    .collect()
}

fn notification(page: &Pvinfo) -> String {
    match page.notification() {
        Ok(G2v::PpgttL4Create) => format!("a 4-level PPGTT, PML4 at gpa {:#x}", page.pdp_registers[0]),
        Ok(G2v::PpgttL3Create) => {
            let pdp = page.pdp_registers.map(|pdp| format!("{pdp:#x}")).join(" ");
            format!("a 3-level PPGTT, directories at gpa {pdp}")
        }
        Ok(last) => format!("{last:?}"),
        Err(_) => "nothing yet".to_owned(),
    }
}

fn screen(plane: &Plane) -> String {
    let tiling = plane.tiling.map_or("linear".to_owned(), |tiling| format!("{tiling:?}-tiled"));
    format!(
        "{}x{}, {tiling}, pitch {} bytes, at graphics address {}",
        plane.width, plane.height, plane.pitch, plane.surface
    )
}
