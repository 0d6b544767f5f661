//! Whose the machine's frames are: what an audit compares the host's entries with.

use libxengt::addr::{DomId, GuestGma, Mfn, PAGE_SIZE};
use libxengt::gtt::{FrameSet, Ggtt, Target};
use libxengt::host::Host;
use libxengt::inspect::VirtualGgtt;
use libxengt::sim::Sim;
use libxengt::window::Window;
use libxengt::xen::{MfnExtension, OwnFrames, Xen};

use super::foreign::Scratch;
use super::machine::NO_EXTENSION;
use super::tables;
use crate::exit_code;
use crate::failure::Failure;

/// Who tells which frames are a domain's.
pub(super) enum Authority<'a> {
    /// The simulated host.
    Sim(&'a Sim),
    /// The hypervisor.
    Xen(Xen),
}

impl<'a> Authority<'a> {
    pub(super) fn of(host: &'a Host, domid: DomId) -> Result<Self, Failure> {
        if let Some(sim) = host.sim() {
            return Ok(Self::Sim(sim));
        }
        let xen = Xen::open(host.root()).map_err(tables::no_xen)?;
        match xen.mfn_extension()? {
            MfnExtension::Present | MfnExtension::MarksHoles => Ok(Self::Xen(xen)),
            MfnExtension::Absent => Err(unprovable(domid)),
        }
    }

    pub(super) fn owned(&self, host: &Host, domid: DomId, window: &Window) -> Result<Owned, Failure> {
        let xen = match self {
            Self::Sim(sim) => {
                let p2m = sim.guest_p2m(domid)?;
                return Ok(Owned::All(FrameSet::from_ranges(
                    p2m.runs().iter().map(|run| (run.mfn, run.count)),
                )));
            }
            Self::Xen(xen) => xen,
        };
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
}

/// The machine frames that belong to the domain, as far as somebody tells.
pub(super) enum Owned {
    /// All that the domain has.
    All(FrameSet<Mfn>),
    /// Those behind the guest frames that its own GGTT names: nothing else has a place in its window.
    Named(OwnFrames),
}

impl Owned {
    pub(super) fn frames(&self) -> &FrameSet<Mfn> {
        match self {
            Self::All(frames) => frames,
            Self::Named(own) => &own.frames,
        }
    }

    /// How many guest frames that the vGPU's GGTT names have nothing behind them, where that was asked.
    pub(super) fn holes(&self) -> Option<u64> {
        match self {
            Self::All(_) => None,
            Self::Named(own) => Some(own.holes),
        }
    }

    /// How many of the domain's frames could not be found out: as long as there are any, a frame outside may be one.
    pub(super) fn unknown(&self) -> u64 {
        match self {
            Self::All(_) => 0,
            Self::Named(own) => own.unknown,
        }
    }

    /// How often to look until what is found is believed.
    pub(super) fn looks(&self) -> u32 {
        match self {
            Self::All(_) => 1,
            Self::Named(_) => 3,
        }
    }

    /// What is known of the page with which the kernel fills what the guest does not use, where it names `told`.
    pub(super) fn scratch(&self, told: Option<Mfn>) -> Scratch {
        match (told, self) {
            (Some(mfn), _) if self.frames().contains(mfn) => Scratch::Contradicted(mfn),
            (Some(mfn), _) => Scratch::Named(mfn),
            // A real kernel has one, told or not.
            (None, Self::Named(_)) => Scratch::Untold,
            (None, Self::All(_)) => Scratch::None,
        }
    }

    /// What is to be said of a frame outside.
    pub(super) fn wrong(&self) -> &'static str {
        match self {
            Self::All(_) => "which is not the domain's",
            Self::Named(OwnFrames { unknown: 0, .. }) => {
                "which is behind no guest frame that the vGPU's GGTT names"
            }
            Self::Named(_) => {
                "which is behind none of the guest frames that could be found out: a violation is not proved"
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use libxengt::addr::{DomId, Mfn};
    use libxengt::gtt::FrameSet;
    use libxengt::xen::OwnFrames;

    use super::super::foreign::Scratch;
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
        assert!(!own(0).wrong().contains("not proved"));
        assert!(own(3).wrong().contains("not proved"));
        for owned in [Owned::All(frames.clone()), own(0), own(3)] {
            assert_eq!(owned.scratch(Some(Mfn::new(5))), Scratch::Contradicted(Mfn::new(5)));
            assert_eq!(owned.scratch(Some(Mfn::new(7))), Scratch::Named(Mfn::new(7)));
        }
        assert_eq!(
            (own(0).scratch(None), Owned::All(frames.clone()).scratch(None)),
            (Scratch::Untold, Scratch::None)
        );
        assert_eq!((own(0).frames().len(), own(0).holes(), own(3).unknown()), (2, Some(1), 3));
    }
}
