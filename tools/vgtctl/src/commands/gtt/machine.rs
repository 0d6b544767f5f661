//! The machine's frames behind a guest's, where the host tells them.

use libxengt::addr::{DomId, Gfn, Mfn};
use libxengt::host::Host;
use libxengt::p2m::P2m;
use libxengt::xen::{FrameState, MfnExtension, Xen, XenError};

/// Why there are no machine addresses on a Xen that is whole.
pub(super) const NO_EXTENSION: &str =
    "this Xen does not tell them (it has no get_mfn_from_pfn, memory subop 29)";

/// Who knows a domain's machine frames.
pub(super) enum Machine {
    /// The simulated host.
    Sim(P2m),
    /// The hypervisor.
    Xen { xen: Xen, domid: DomId },
    /// Nobody, and why.
    Unknown { why: String },
}

impl Machine {
    pub(super) fn of(host: &Host, domid: DomId) -> Self {
        let unknown = |why: String| Self::Unknown { why };
        if let Some(sim) = host.sim() {
            return sim.guest_p2m(domid).map_or_else(|error| unknown(error.to_string()), Self::Sim);
        }
        let asked = Xen::open(host.root()).and_then(|xen| Ok((xen.mfn_extension()?, xen)));
        match asked {
            Ok((MfnExtension::Present | MfnExtension::MarksHoles, xen)) => Self::Xen { xen, domid },
            Ok((MfnExtension::Absent, _)) => unknown(NO_EXTENSION.to_owned()),
            Err(error) => unknown(error.to_string()),
        }
    }

    /// The frame behind `gfn`, `None` where nothing is or nobody knows.
    pub(super) fn frame(&self, gfn: Gfn) -> Result<Option<Mfn>, XenError> {
        let (xen, domid) = match self {
            Self::Sim(p2m) => return Ok(p2m.mfn(gfn)),
            Self::Unknown { .. } => return Ok(None),
            Self::Xen { xen, domid } => (xen, *domid),
        };
        match xen.machine_frames(domid, &[gfn])?.first() {
            Some(FrameState::Ram(mfn)) => Ok(Some(*mfn)),
            _ => Ok(None),
        }
    }

    pub(super) fn why_unknown(&self) -> Option<&str> {
        match self {
            Self::Sim(_) | Self::Xen { .. } => None,
            Self::Unknown { why } => Some(why),
        }
    }
}
