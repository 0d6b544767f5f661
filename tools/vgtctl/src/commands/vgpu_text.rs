//! A vGPU in text and JSON, the same for every verb.

use libxengt::control::{Counters, Vgpu};
use libxengt::window::{Layout, Slice};
use serde::Serialize;

use crate::output::{hex, mb, size};

/// What the kernel does not show.
pub(super) const UNKNOWN: &str = "?";

#[derive(Serialize)]
pub(super) struct VgpuJson {
    domid: u16,
    /// The domain's name, where the host tells it.
    name: Option<String>,
    vgpu_id: u32,
    #[serde(rename = "type")]
    ty: Option<String>,
    aperture: Option<SliceJson>,
    hidden: Option<SliceJson>,
    layout: Option<&'static str>,
    fences: Option<Vec<u8>>,
    state: Option<String>,
}

#[derive(Serialize)]
struct SliceJson {
    guest: String,
    host: String,
    bytes: u64,
}

impl VgpuJson {
    pub(super) fn new(vgpu: &Vgpu, name: Option<String>) -> Self {
        let slice = |slice: &Slice| SliceJson {
            guest: hex(slice.guest_base().get()),
            host: hex(slice.host_base().get()),
            bytes: slice.size(),
        };
        Self {
            domid: vgpu.domid.get(),
            name,
            vgpu_id: vgpu.id,
            ty: vgpu.type_name.clone(),
            aperture: vgpu.window.as_ref().map(|window| slice(window.aperture())),
            hidden: vgpu.window.as_ref().map(|window| slice(window.hidden())),
            layout: vgpu.window.as_ref().map(|window| layout(window.layout())),
            fences: vgpu.fences.as_ref().map(|fences| fences.iter().map(|fence| fence.get()).collect()),
            state: vgpu.state.map(|state| state.to_string()),
        }
    }
}

/// The layout's name.
pub(super) fn layout(layout: Layout) -> &'static str {
    match layout {
        Layout::Ballooned => "ballooned",
        Layout::ZeroBased => "zero-based",
    }
}

/// Indented lines about a vGPU's resources.
pub(super) fn details(vgpu: &Vgpu) -> String {
    let unknown = || UNKNOWN.to_owned();
    let slice = |slice: &Slice| {
        let (guest, host) = (slice.guest_base().get(), slice.host_base().get());
        let place = if guest == host {
            format!("at {guest:#x}")
        } else {
            format!("at guest {guest:#x}, host {host:#x}")
        };
        format!("{} {place}", size(slice.size()))
    };
    let window = vgpu.window.as_ref();
    let fences = vgpu
        .fences
        .as_ref()
        .map(|fences| fences.iter().map(|fence| fence.get().to_string()).collect::<Vec<_>>().join(" "));
    [
        ("type", vgpu.type_name.clone().unwrap_or_else(unknown)),
        ("aperture", window.map_or_else(unknown, |window| slice(window.aperture()))),
        ("hidden", window.map_or_else(unknown, |window| slice(window.hidden()))),
        ("fences", fences.unwrap_or_else(unknown)),
        ("state", vgpu.state.map_or_else(unknown, |state| state.to_string())),
    ]
    .map(|(name, value)| format!("  {name:<9} {value}\n"))
    .concat()
}

/// Indented lines of what the kernel counted.
pub(super) fn counters(counters: Option<&Counters>) -> String {
    let Some(counters) = counters else {
        return format!("  counters  {UNKNOWN}\n");
    };
    let lines = counters.iter().map(|(name, value)| format!("    {name:<14} {value}\n"));
    ["  counters\n".to_owned()].into_iter().chain(lines).collect()
}

/// One row of a list.
pub(super) fn row(vgpu: &Vgpu) -> [String; 5] {
    let unknown = || UNKNOWN.to_owned();
    let window = vgpu.window.as_ref();
    [
        vgpu.type_name.clone().unwrap_or_else(unknown),
        window.map_or_else(unknown, |window| mb(window.aperture().size())),
        window.map_or_else(unknown, |window| mb(window.hidden().size())),
        vgpu.fences.as_ref().map_or_else(unknown, |fences| fences.len().to_string()),
        vgpu.state.map_or_else(unknown, |state| state.to_string()),
    ]
}
