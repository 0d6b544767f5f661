//! `vgtctl fence list`.

use libxengt::addr::{DomId, HostGma};
use libxengt::control::{ControlError, Vgpu};
use libxengt::fence::{Fence, FenceIndex, FenceReg};
use libxengt::host::Host;
use libxengt::inspect::MmioImage;
use serde_json::{Value, json};

use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, hex, size, table};

const HEADINGS: [&str; 7] = ["FENCE", "OWNER", "TILING", "PITCH", "START", "SIZE", "NOTE"];

pub(super) fn run(host: &Host, domid: Option<DomId>) -> Result<Report, Failure> {
    match domid {
        None => host_fences(host),
        Some(domid) => domain_fences(host, domid),
    }
}

/// The host's 32 registers, with whom each belongs to.
fn host_fences(host: &Host) -> Result<Report, Failure> {
    let mmio = host.gpu()?.map_mmio()?;
    let vgpus: Vec<Vgpu> = match host.control().list() {
        Ok(vgpus) => vgpus.into_iter().filter_map(|listed| listed.vgpu.ok()).collect(),
        // Without the module all fences are the host's own.
        Err(ControlError::ModuleAbsent { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut lines = Lines::default();
    for index in FenceIndex::all() {
        let raw = mmio.read_u64(index.mmio_offset())?;
        let owner =
            vgpus.iter().find(|vgpu| vgpu.fences.as_ref().is_some_and(|fences| fences.contains(&index)));
        let owner = owner.map(|vgpu| vgpu.domid);
        let shown = owner.map_or("host".to_owned(), |domid| format!("domain {domid}"));
        let decoded = Fence::<HostGma>::decode(FenceReg::from(raw));
        lines.push(
            index,
            raw,
            &shown,
            decoded.map(|fence| fence.map(|f| (f.start.get(), f.len, f.pitch, format!("{:?}", f.tiling)))),
        );
    }
    lines.report()
}

/// A guest's registers in its own numbers, with the host's register behind each.
fn domain_fences(host: &Host, domid: DomId) -> Result<Report, Failure> {
    let vgpu = host.control().get(domid)?;
    let image = MmioImage::open(host.root(), domid)?;
    let mut lines = Lines::default();
    let real = vgpu.fences.unwrap_or_default();
    for (index, behind) in FenceIndex::all().zip(&real) {
        let decoded = image.fence(index)?;
        let raw = image.read_u64(index.mmio_offset())?;
        lines.push(
            index,
            raw,
            &format!("host {}", behind.get()),
            decoded.map(|fence| fence.map(|f| (f.start.get(), f.len, f.pitch, format!("{:?}", f.tiling)))),
        );
    }
    lines.report()
}

/// Start, length, pitch and tiling of a valid register.
type Decoded = Option<(u64, u64, u64, String)>;

#[derive(Default)]
struct Lines {
    rows: Vec<[String; 7]>,
    json: Vec<Value>,
    garbage: bool,
}

impl Lines {
    fn push<E: std::fmt::Display>(
        &mut self,
        index: FenceIndex,
        raw: u64,
        owner: &str,
        decoded: Result<Decoded, E>,
    ) {
        let dash = || "-".to_owned();
        let mut json = json!({ "fence": index.get(), "owner": owner, "raw": hex(raw), "valid": false });
        let (cells, note) = match decoded {
            Ok(None) => ([dash(), dash(), dash(), dash()], String::new()),
            Ok(Some((start, len, pitch, tiling))) => {
                if let Some(members) = json.as_object_mut() {
                    members.insert("valid".to_owned(), true.into());
                    members.insert("tiling".to_owned(), tiling.clone().into());
                    members.insert("pitch_bytes".to_owned(), pitch.into());
                    members.insert("start".to_owned(), hex(start).into());
                    members.insert("bytes".to_owned(), len.into());
                }
                ([tiling, pitch.to_string(), hex(start), size(len)], String::new())
            }
            Err(error) => {
                self.garbage = true;
                let note = format!("{}: {error}", hex(raw));
                if let Some(members) = json.as_object_mut() {
                    members.insert("error".to_owned(), note.clone().into());
                }
                ([dash(), dash(), dash(), dash()], note)
            }
        };
        let [tiling, pitch, start, len] = cells;
        self.rows.push([index.get().to_string(), owner.to_owned(), tiling, pitch, start, len, note]);
        self.json.push(json);
    }

    fn report(self) -> Result<Report, Failure> {
        let code = if self.garbage { exit_code::WARNINGS } else { exit_code::DONE };
        Ok(Report::done(table(HEADINGS, &self.rows), json!({ "fences": self.json }))?.with_code(code))
    }
}
