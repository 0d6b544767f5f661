//! `vgtctl gtt audit`: the host's GGTT entries in a vGPU's window against the domain's own frames.

use libxengt::addr::{DomId, GuestGma, HostGma, Mfn, PAGE_SIZE};
use libxengt::gtt::{Finding, FrameSet, Ggtt, GgttSource, Target, WalkError};
use libxengt::host::Host;
use libxengt::inspect::VirtualGgtt;
use libxengt::window::{Slice, Window};
use libxengt::xen::{MfnExtension, OwnFrames, Xen};
use serde_json::{Value, json};

use super::machine::NO_EXTENSION;
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
    let owned = owned(host, domid, &window)?;
    let table = Ggtt::<HostGma, _>::new(host.gpu()?.map_mmio()?, tables::spec(host)?);
    let mut audit = Audit::of(&table, &window, &owned)?;
    // A guest that runs changes its table between our two looks at it; what is really wrong stays wrong.
    for _ in 1..owned.looks() {
        if audit.json.is_empty() {
            break;
        }
        audit = Audit::of(&table, &window, &self::owned(host, domid, &window)?)?;
    }
    let more = if audit.cut { " or more" } else { "" };
    let verdict = match audit.json.len() {
        0 => format!(
            "clean: all {} mapped in the window of domain {domid} are the domain's own memory\n",
            size(audit.mapped)
        ),
        count => format!("{count}{more} violations in the window of domain {domid}\n"),
    };
    let code = if audit.json.is_empty() { exit_code::DONE } else { exit_code::FAILURE };
    let json = json!({
        "domid": domid.get(),
        "clean": audit.json.is_empty(),
        "mapped_bytes": audit.mapped,
        "domain_frames": owned.frames().len(),
        "violations": audit.json,
        "cut": audit.cut,
    });
    Ok(Report::done(audit.text + &verdict, json)?.with_code(code))
}

/// What one look at the host's table found.
#[derive(Default)]
struct Audit {
    text: String,
    json: Vec<Value>,
    mapped: u64,
    cut: bool,
}

impl Audit {
    fn of<S: GgttSource>(
        table: &Ggtt<HostGma, S>,
        window: &Window,
        owned: &Owned,
    ) -> Result<Self, WalkError> {
        let mut audit = Self::default();
        for slice in [window.aperture(), window.hidden()] {
            let runs = table.translate_range(slice.host_base(), slice.size())?;
            audit.mapped += runs
                .filter(|run| matches!(run.target, Target::Mapped { .. }))
                .fold(0_u64, |sum, run| sum.saturating_add(run.len));
            for finding in table.audit(slice.host_base(), slice.size(), owned.frames())? {
                if audit.json.len() >= MAX_FINDINGS {
                    audit.cut = true;
                    break;
                }
                let (line, object) = describe(slice, &finding, owned);
                audit.text.push_str(&line);
                audit.json.push(object);
            }
        }
        Ok(audit)
    }
}

/// The machine frames that belong to the domain, as far as somebody tells.
enum Owned {
    /// All that the domain has.
    All(FrameSet<Mfn>),
    /// Those behind the guest frames that its own GGTT names: nothing else has a place in its window.
    Named(OwnFrames),
}

impl Owned {
    fn frames(&self) -> &FrameSet<Mfn> {
        match self {
            Self::All(frames) => frames,
            Self::Named(own) => &own.frames,
        }
    }

    /// How often to look until what is found is believed.
    fn looks(&self) -> u32 {
        match self {
            Self::All(_) => 1,
            Self::Named(_) => 3,
        }
    }

    /// What is wrong with a frame outside.
    fn wrong(&self) -> String {
        match self {
            Self::All(_) => "which is not the domain's".to_owned(),
            Self::Named(OwnFrames { unknown: 0, .. }) => {
                "which is behind no guest frame that the vGPU's GGTT names".to_owned()
            }
            Self::Named(OwnFrames { unknown, .. }) => format!(
                "which is behind no guest frame that the vGPU's GGTT names, except that {unknown} of them could \
                 not be found out"
            ),
        }
    }
}

fn owned(host: &Host, domid: DomId, window: &Window) -> Result<Owned, Failure> {
    if let Some(sim) = host.sim() {
        let p2m = sim.guest_p2m(domid)?;
        return Ok(Owned::All(FrameSet::from_ranges(p2m.runs().iter().map(|run| (run.mfn, run.count)))));
    }
    let xen = Xen::open(host.root()).map_err(tables::no_xen)?;
    if xen.mfn_extension()? == MfnExtension::Absent {
        return Err(unprovable(domid));
    }
    let table = Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid)?, tables::spec(host)?);
    // The window has 2^20 pages at most.
    let mut named = Vec::new();
    for slice in [window.aperture(), window.hidden()] {
        for run in table.translate_range(slice.guest_base(), slice.size())? {
            if let Target::Mapped { addr, .. } = run.target {
                let first = addr.frame();
                named.extend((0..run.len.div_ceil(PAGE_SIZE)).map_while(|page| first.checked_add(page)));
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    Ok(Owned::Named(xen.own_frames(domid, named)?))
}

/// Without the machine's numbers neither good nor bad can be said of an entry.
fn unprovable(domid: DomId) -> Failure {
    let message = format!(
        "cannot prove whose memory the host maps for domain {domid}: machine addresses are unknown: {NO_EXTENSION}"
    );
    Failure::new(exit_code::UNSUPPORTED, message).hint(
        "nothing is known to be wrong, and nothing is proved: an audit needs a Xen with that call, as Qubes has it",
    )
}

fn describe(slice: &Slice, finding: &Finding<HostGma, Mfn>, owned: &Owned) -> (String, Value) {
    let guest = |gma: HostGma| slice.h2g(gma).map(|gma| hex(gma.get()));
    let place = |gma: HostGma| match guest(gma) {
        Some(guest) => format!("host gma {gma} (guest {guest})"),
        None => format!("host gma {gma}"),
    };
    match finding {
        Finding::Outside(violation) => (
            format!(
                "{}: {} lead to machine frame {:#x}, {} (entry {:#x})\n",
                place(violation.address),
                size(violation.len),
                violation.frame.get(),
                owned.wrong(),
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

#[cfg(test)]
mod tests {
    use libxengt::addr::{DomId, Mfn};
    use libxengt::gtt::FrameSet;
    use libxengt::xen::OwnFrames;

    use super::{Owned, unprovable};
    use crate::exit_code;

    #[test]
    fn what_cannot_be_proved_is_neither_clean_nor_a_violation() {
        let failure = unprovable(DomId::new(7));
        assert_eq!(failure.code, exit_code::UNSUPPORTED);
        assert!(failure.message.contains("domain 7") && failure.message.contains("subop 29"), "{failure:?}");
        assert!(failure.hint.unwrap().contains("nothing is proved"));
    }

    #[test]
    fn a_finding_says_what_it_was_compared_with() {
        let frames = FrameSet::from_ranges([(Mfn::new(5), 2)]);
        let own = |unknown| Owned::Named(OwnFrames { frames: frames.clone(), holes: 1, unknown });
        assert!(Owned::All(frames.clone()).wrong().contains("not the domain's"));
        assert!(!own(0).wrong().contains("could not be found out"));
        assert!(own(3).wrong().contains("3 of them could not be found out"));
        assert_eq!(own(0).frames().len(), 2);
    }
}
