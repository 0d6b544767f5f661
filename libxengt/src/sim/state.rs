//! The truth of a simulated host, as one JSON file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{SimError, SimOptions, disk};
use crate::addr::{DomId, HostGma, MB};
use crate::capacity::{
    Demand, GPU_FENCES, HOST_FENCES, HOST_HIGH_GM, HOST_LOW_GM, HostResources, MAX_INSTANCES, Usage,
};
use crate::fence::FenceIndex;
use crate::vgpu_type::VgpuType;
use crate::window::Window;

/// The format of the file; another number is another program's.
const FORMAT: u32 = 1;

/// What kind of guest a domain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DomainKind {
    /// Fully virtualised, with hardware-assisted paging: can have a vGPU.
    Hvm,
    /// Paravirtualised: cannot.
    Pv,
}

/// A domain of the simulated host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its id.
    pub domid: u16,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: DomainKind,
}

/// One vGPU as the simulated kernel remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VgpuRecord {
    pub(super) domid: u16,
    pub(super) id: u32,
    /// Low graphics memory in MB, which names the type.
    pub(super) low_mb: u64,
    /// Host address of the aperture's start, in bytes.
    pub(super) aperture: u64,
    /// Host address of the hidden range's start, in bytes.
    pub(super) hidden: u64,
    pub(super) fences: Vec<u8>,
    pub(super) paused: bool,
}

/// A record whose numbers have been checked.
#[derive(Debug, Clone)]
pub(super) struct CheckedVgpu {
    pub(super) domid: DomId,
    pub(super) id: u32,
    pub(super) ty: &'static VgpuType,
    pub(super) window: Window,
    pub(super) fences: Vec<FenceIndex>,
}

impl VgpuRecord {
    /// The record's meaning, or what is wrong with it.
    pub(super) fn check(&self) -> Result<CheckedVgpu, String> {
        let ty = VgpuType::by_low_mb(self.low_mb).map_err(|e| e.to_string())?;
        let base = |raw| HostGma::try_new(raw).map_err(|e| e.to_string());
        let (aperture, hidden) = ((base(self.aperture)?, ty.low_gm), (base(self.hidden)?, ty.high_gm));
        if self.id == 0 || self.id > MAX_INSTANCES {
            return Err(format!("vGPU id {} is not 1 to {MAX_INSTANCES}", self.id));
        }
        Ok(CheckedVgpu {
            domid: DomId::try_new(self.domid.into()).map_err(|e| e.to_string())?,
            id: self.id,
            ty,
            window: Window::ballooned(aperture, hidden).map_err(|e| e.to_string())?,
            fences: self
                .fences
                .iter()
                .map(|number| FenceIndex::try_new((*number).into()).map_err(|e| e.to_string()))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Everything a simulated host remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    pub(super) device: u16,
    pub(super) aperture_mb: u32,
    pub(super) ggtt_mb: u32,
    pub(super) domains: Vec<Domain>,
    pub(super) vgpus: Vec<VgpuRecord>,
}

impl State {
    /// A host with its domains and no vGPU.
    pub(super) fn new(options: &SimOptions) -> Self {
        let hvm = (1..=options.domains).map(|domid| Domain {
            domid,
            name: format!("guest{domid}"),
            kind: DomainKind::Hvm,
        });
        let pv = options.domains + 1;
        let pv = Domain { domid: pv, name: "pv".to_owned(), kind: DomainKind::Pv };
        Self {
            format: FORMAT,
            device: options.device,
            aperture_mb: options.aperture_mb,
            ggtt_mb: options.ggtt_mb,
            domains: hvm.chain([pv]).collect(),
            vgpus: Vec::new(),
        }
    }

    /// Reads and checks the file: whoever edits it must not crash us.
    pub(super) fn load(path: &Path) -> Result<Self, SimError> {
        // The parser quotes what it finds; on a terminal that must stay text.
        let plain = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
        let damaged = |problem: String| SimError::State {
            path: path.to_owned(),
            problem: problem.chars().map(plain).collect(),
        };
        let state: Self =
            serde_json::from_str(&disk::read_text(path)?).map_err(|e| damaged(e.to_string()))?;
        if state.format != FORMAT {
            return Err(damaged(format!("format {}, expected {FORMAT}", state.format)));
        }
        state.options().validated().map_err(|e| damaged(e.to_string()))?;
        let mut seen: Vec<CheckedVgpu> = Vec::new();
        for record in state.vgpus.iter().take(GPU_FENCES as usize) {
            let vgpu = record.check().map_err(|e| damaged(format!("domain {}: {e}", record.domid)))?;
            if !state.has_room_for(record, &vgpu) {
                return Err(damaged(format!(
                    "the vGPU of domain {} is not where vGPUs may be",
                    record.domid
                )));
            }
            let clash = seen.iter().any(|other| {
                other.domid == vgpu.domid
                    || other.id == vgpu.id
                    || !other.window.is_disjoint(&vgpu.window)
                    || other.fences.iter().any(|fence| vgpu.fences.contains(fence))
            });
            if clash {
                return Err(damaged(format!("the vGPU of domain {} overlaps another", record.domid)));
            }
            seen.push(vgpu);
        }
        if state.vgpus.len() > MAX_INSTANCES as usize {
            return Err(damaged(format!("{} vGPUs, expected at most {MAX_INSTANCES}", state.vgpus.len())));
        }
        if state.domains.iter().any(|domain| domain.name.chars().any(char::is_control)) {
            return Err(damaged("a domain's name has control characters".to_owned()));
        }
        Ok(state)
    }

    /// Whether a vGPU has fences enough, each once, and lies on the GPU and apart from what the host keeps.
    fn has_room_for(&self, record: &VgpuRecord, vgpu: &CheckedVgpu) -> bool {
        let host = self.resources();
        let mut fences = record.fences.clone();
        fences.sort_unstable();
        fences.dedup();
        fences.len() == vgpu.ty.fences as usize
            && fences.iter().all(|fence| u32::from(*fence) >= HOST_FENCES)
            && record.aperture >= HOST_LOW_GM
            && vgpu.window.aperture().host_span().last < host.aperture
            && record.hidden >= host.aperture + HOST_HIGH_GM
            && vgpu.window.hidden().host_span().last < host.ggtt
    }

    /// Writes the file in one step.
    pub(super) fn save(&self, path: &Path) -> Result<(), SimError> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|e| SimError::State { path: path.to_owned(), problem: e.to_string() })?;
        text.push(b'\n');
        disk::replace(path, &text)
    }

    /// The same host before its first vGPU.
    pub(super) fn without_vgpus(&self) -> Self {
        Self { vgpus: Vec::new(), ..self.clone() }
    }

    /// The options it was made with.
    pub(super) fn options(&self) -> SimOptions {
        SimOptions {
            device: self.device,
            aperture_mb: self.aperture_mb,
            ggtt_mb: self.ggtt_mb,
            ..SimOptions::default()
        }
    }

    /// What the simulated GPU has.
    pub(super) fn resources(&self) -> HostResources {
        HostResources {
            aperture: u64::from(self.aperture_mb) * MB,
            ggtt: u64::from(self.ggtt_mb) * MB,
            fences: GPU_FENCES,
        }
    }

    /// What its vGPUs take.
    pub(super) fn usage(&self) -> Usage {
        self.vgpus.iter().filter_map(|record| record.check().ok()).map(|vgpu| Demand::from(vgpu.ty)).collect()
    }
}
