//! `vgtctl fence list`.

use libxengt::addr::{DomId, HostGma};
use libxengt::control::{ControlError, Vgpu};
use libxengt::fence::{Fence, FenceIndex, FenceReg};
use libxengt::host::Host;
use libxengt::inspect::MmioImage;
use serde_json::{Value, json};

use super::domains::resolve_optional;
use crate::cli::OptionalDomain;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, hex, size, table};

pub(super) fn run(host: &Host, domain: &OptionalDomain) -> Result<Report, Failure> {
    match resolve_optional(host, domain)? {
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
    let mut lines = Lines::new("OWNER");
    for index in FenceIndex::all() {
        let raw = mmio.read_u64(index.mmio_offset())?;
        let owner =
            vgpus.iter().find(|vgpu| vgpu.fences.as_ref().is_some_and(|fences| fences.contains(&index)));
        let owner = owner.map(|vgpu| vgpu.domid);
        let shown = owner.map_or("host".to_owned(), |domid| format!("domain {domid}"));
        let decoded = Fence::<HostGma>::decode(FenceReg::from(raw));
        lines.push(
            json!({ "fence": index.get(), "domid": owner.map(DomId::get) }),
            [index.get().to_string(), shown],
            raw,
            decoded.map(|fence| fence.map(|f| (f.start.get(), f.len, f.pitch, format!("{:?}", f.tiling)))),
        );
    }
    lines.report(None)
}

/// A guest's registers in its own numbers, with the host's register behind each.
fn domain_fences(host: &Host, domid: DomId) -> Result<Report, Failure> {
    let vgpu = host.control().get(domid)?;
    let image = MmioImage::open(host.root(), domid)?;
    let mut lines = Lines::new("HOST-FENCE");
    let real = vgpu.fences.unwrap_or_default();
    for (index, behind) in FenceIndex::all().zip(&real) {
        let decoded = image.fence(index)?;
        let raw = image.read_u64(index.mmio_offset())?;
        lines.push(
            json!({ "fence": index.get(), "host_fence": behind.get() }),
            [index.get().to_string(), behind.get().to_string()],
            raw,
            decoded.map(|fence| fence.map(|f| (f.start.get(), f.len, f.pitch, format!("{:?}", f.tiling)))),
        );
    }
    lines.report(Some(domid))
}

/// Start, length, pitch and tiling of a valid register.
type Decoded = Option<(u64, u64, u64, String)>;

struct Lines {
    second: &'static str,
    rows: Vec<[String; 7]>,
    json: Vec<Value>,
    garbage: bool,
}

impl Lines {
    /// `second` is the heading of the column beside the fence's number.
    fn new(second: &'static str) -> Self {
        Self { second, rows: Vec::new(), json: Vec::new(), garbage: false }
    }

    fn push<E: std::fmt::Display>(
        &mut self,
        mut json: Value,
        first: [String; 2],
        raw: u64,
        decoded: Result<Decoded, E>,
    ) {
        let dash = || "-".to_owned();
        let valid = matches!(decoded, Ok(Some(_)));
        let mut tell = |members: Value| {
            if let (Some(json), Value::Object(members)) = (json.as_object_mut(), members) {
                json.extend(members);
            }
        };
        tell(json!({ "raw": hex(raw), "valid": valid }));
        let [tiling, pitch, start, len, note] = match decoded {
            Ok(None) => [dash(), dash(), dash(), dash(), String::new()],
            Ok(Some((start, len, pitch, tiling))) => {
                tell(json!({ "tiling": tiling, "pitch_bytes": pitch, "start": hex(start), "bytes": len }));
                [tiling, format!("{pitch} B"), hex(start), size(len), String::new()]
            }
            Err(error) => {
                self.garbage = true;
                tell(json!({ "error": error.to_string() }));
                [dash(), dash(), dash(), dash(), format!("{}: {error}", hex(raw))]
            }
        };
        let [number, second] = first;
        self.rows.push([number, second, tiling, pitch, start, len, note]);
        self.json.push(json);
    }

    fn report(self, domid: Option<DomId>) -> Result<Report, Failure> {
        let text = if self.garbage {
            table(["FENCE", self.second, "TILING", "PITCH", "START", "SIZE", "NOTE"], &self.rows)
        } else {
            let rows: Vec<_> =
                self.rows.into_iter().map(|[a, b, c, d, e, f, _]| [a, b, c, d, e, f]).collect();
            table(["FENCE", self.second, "TILING", "PITCH", "START", "SIZE"], &rows)
        };
        let code = if self.garbage { exit_code::WARNINGS } else { exit_code::DONE };
        let json = json!({ "domid": domid.map(DomId::get), "fences": self.json });
        Ok(Report::done(text, json)?.with_code(code))
    }
}
