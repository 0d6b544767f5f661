//! `vgtctl gtt audit`: the host's GGTT entries in a vGPU's window against the domain's own frames.

use libxengt::addr::{DomId, HostGma, Mfn};
use libxengt::gtt::{Finding, FrameSet, Ggtt, Target};
use libxengt::host::Host;
use libxengt::window::Slice;
use serde_json::{Value, json};

use super::tables;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, hex, size};

/// More findings than this say nothing new.
const MAX_FINDINGS: usize = 1000;

pub(super) fn run(host: &Host, domid: DomId) -> Result<Report, Failure> {
    let vgpu = host.control().get(domid)?;
    let Some(window) = vgpu.window else {
        let message = "this kernel does not show the vGPU's window in the host's GGTT";
        return Err(
            Failure::new(exit_code::UNSUPPORTED, message).hint("the audit needs a kernel with our series")
        );
    };
    let frames = frames(host, domid)?;
    let table = Ggtt::<HostGma, _>::new(host.gpu()?.map_mmio()?, tables::spec(host)?);
    let (mut text, mut json, mut mapped, mut cut) = (String::new(), Vec::new(), 0, false);
    for slice in [window.aperture(), window.hidden()] {
        let runs = table.translate_range(slice.host_base(), slice.size())?;
        mapped += runs
            .filter(|run| matches!(run.target, Target::Mapped { .. }))
            .fold(0_u64, |sum, run| sum.saturating_add(run.len));
        let findings = table.audit(slice.host_base(), slice.size(), &frames)?;
        for finding in findings {
            if json.len() >= MAX_FINDINGS {
                cut = true;
                break;
            }
            let (line, object) = describe(slice, &finding);
            text.push_str(&line);
            json.push(object);
        }
    }
    let more = if cut { " or more" } else { "" };
    let verdict = match json.len() {
        0 => format!(
            "clean: all {} mapped in the window of domain {domid} are the domain's own memory\n",
            size(mapped)
        ),
        count => format!("{count}{more} violations in the window of domain {domid}\n"),
    };
    let code = if json.is_empty() { exit_code::DONE } else { exit_code::FAILURE };
    let json = json!({
        "domid": domid.get(),
        "clean": json.is_empty(),
        "mapped_bytes": mapped,
        "domain_frames": frames.len(),
        "violations": json,
        "cut": cut,
    });
    Ok(Report::done(text + &verdict, json)?.with_code(code))
}

/// The machine frames that belong to the domain.
fn frames(host: &Host, domid: DomId) -> Result<FrameSet<Mfn>, Failure> {
    let Some(sim) = host.sim() else {
        return Err(Failure::new(
            exit_code::UNSUPPORTED,
            format!("cannot tell which machine frames are domain {domid}'s: this version does not ask the hypervisor"),
        )
        .hint("only simulated guests (--sim) can be audited so far"));
    };
    let p2m = sim.guest_p2m(domid)?;
    Ok(FrameSet::from_ranges(p2m.runs().iter().map(|run| (run.mfn, run.count))))
}

fn describe(slice: &Slice, finding: &Finding<HostGma, Mfn>) -> (String, Value) {
    let guest = |gma: HostGma| slice.h2g(gma).map(|gma| hex(gma.get()));
    let place = |gma: HostGma| match guest(gma) {
        Some(guest) => format!("host gma {gma} (guest {guest})"),
        None => format!("host gma {gma}"),
    };
    match finding {
        Finding::Outside(violation) => (
            format!(
                "{}: {} lead to machine frame {:#x}, which is not the domain's (entry {:#x})\n",
                place(violation.address),
                size(violation.len),
                violation.frame.get(),
                violation.entry
            ),
            json!({
                "host_gma": hex(violation.address.get()),
                "guest_gma": guest(violation.address),
                "bytes": violation.len,
                "mfn": hex(violation.frame.get()),
                "entry": hex(violation.entry),
            }),
        ),
        Finding::Unresolved { address, len, error } => (
            format!("{}: {} do not resolve: {error}\n", place(*address), size(*len)),
            json!({
                "host_gma": hex(address.get()),
                "guest_gma": guest(*address),
                "bytes": len,
                "error": error.to_string(),
            }),
        ),
    }
}
