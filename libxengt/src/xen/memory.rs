//! A domain's memory as Xen counts it, and guest frames as machine frames. Source: xen/include/public/memory.h.
#![forbid(unsafe_code)]

use libxengt_sys as sys;

use super::Xen;
use super::driver::{Hypercall, MFN_BATCH};
use super::error::{Errno, XenError};
use super::foreign::{ForeignPages, PageError};
use super::map::Access;
use super::retry::retry;
use crate::addr::{DomId, Frame, Gfn, Mfn};

/// Whether this Xen has `XENMEM_get_mfn_from_pfn` (subop 29), which Qubes adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfnExtension {
    /// It has.
    Present,
    /// It has not, as no Xen of xenbits does. Nothing is wrong: only machine frames cannot be asked for.
    Absent,
}

/// What is behind a guest frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameState {
    /// Memory of the guest, at this machine frame.
    Ram(Mfn),
    /// Nothing that the guest owns: a hole, ballooned out, a device, beyond the end.
    Hole,
    /// It could not be found out, with this errno.
    Failed(i32),
}

impl Xen {
    /// The last guest frame of `domid` that anything is behind.
    ///
    /// # Errors
    /// [`XenError`]; [`XenError::NoDomain`] if there is no such domain.
    pub fn maximum_gpfn(&self, domid: DomId) -> Result<Gfn, XenError> {
        const CALL: &str = "XENMEM_maximum_gpfn";
        let answer = retry(|| self.driver.hypercall(&mut Hypercall::MaximumGpfn { domid }))
            .map_err(XenError::of_domain(CALL, domid))?;
        Gfn::try_new(answer).map_err(|_| XenError::Answer { call: CALL, answer, expected: "a guest frame" })
    }

    /// How many frames the ioreq server `id` of `domid` shares (`XENMEM_acquire_resource`).
    ///
    /// # Errors
    /// [`XenError`].
    pub fn ioreq_server_frames(&self, domid: DomId, id: super::ServerId) -> Result<u32, XenError> {
        let mut frames = 0;
        retry(|| {
            self.driver.hypercall(&mut Hypercall::ResourceFrames {
                domid,
                kind: 0, // XENMEM_resource_ioreq_server
                id: id.get().into(),
                frames: &mut frames,
            })
        })
        .map_err(XenError::of_domain("XENMEM_acquire_resource", domid))?;
        Ok(frames)
    }

    /// Whether this Xen translates guest frames to machine frames.
    ///
    /// Asks about a domain that cannot exist, so that nothing is locked, read or allocated where it does.
    ///
    /// # Errors
    /// [`XenError`] if Xen's answer is neither; without the right to ask, that is `EPERM`.
    pub fn mfn_extension(&self) -> Result<MfnExtension, XenError> {
        const CALL: &str = "XENMEM_get_mfn_from_pfn";
        let mut probe = || {
            self.driver
                .hypercall(&mut Hypercall::MfnsOfGfns { domid: sys::SYS_DOMID_INVALID, frames: &mut [] })
        };
        match retry(&mut probe) {
            Err(Errno(libc::ESRCH)) => Ok(MfnExtension::Present),
            Err(Errno(libc::ENOSYS)) => Ok(MfnExtension::Absent),
            Err(error) => Err(XenError::of_call(CALL)(error)),
            // Somebody else's subop 29: ours cannot succeed for no domain.
            Ok(answer) => Err(XenError::Answer { call: CALL, answer, expected: "no such domain (ESRCH)" }),
        }
    }

    /// The machine frames behind `gfns`, one answer each, in their order.
    ///
    /// Needs [`MfnExtension::Present`]. Qubes' version of the call leaks Xen's lock on the guest's map when a frame
    /// has nothing behind it, so no frame is asked for that could not just be mapped; the guest's pages are held
    /// during the call. A guest that balloons a frame out in that moment can still trigger it: this is for debugging, not
    /// for every frame. A machine frame is true only at the moment of the call.
    ///
    /// # Errors
    /// [`XenError`] if the domain does not exist or the call is absent. What concerns one frame is its answer.
    pub fn machine_frames(&self, domid: DomId, gfns: &[Gfn]) -> Result<Vec<FrameState>, XenError> {
        let mut states = Vec::with_capacity(gfns.len());
        let (mut present, mut raw, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for batch in gfns.chunks(MFN_BATCH) {
            let held = ForeignPages::map(self, domid, Access::Read, batch)?;
            present.clear();
            present.extend(
                (0..).zip(batch).filter(|(page, _)| held.error(*page).is_none()).map(|(_, gfn)| gfn.get()),
            );
            answers.clear();
            self.mfns_or_each(domid, &present, &mut raw, &mut answers)?;
            let mut answers = answers.iter().copied();
            states.extend((0..batch.len()).map(|page| match held.error(page) {
                // There are as many answers as frames that were asked for.
                None => answers.next().unwrap_or(FrameState::Failed(libc::EIO)),
                Some(PageError::Hole) => FrameState::Hole,
                Some(PageError::Os(errno)) => FrameState::Failed(errno),
            }));
        }
        Ok(states)
    }

    /// Appends the states of `frames`, one each. Xen refuses a list for one bad frame and does not say which, so then
    /// halves are asked for. `raw` is scratch.
    fn mfns_or_each(
        &self,
        domid: DomId,
        frames: &[u64],
        raw: &mut Vec<u64>,
        states: &mut Vec<FrameState>,
    ) -> Result<(), XenError> {
        if frames.is_empty() {
            return Ok(());
        }
        let call = retry(|| {
            // Xen has overwritten a part of them when it refuses.
            raw.clear();
            raw.extend_from_slice(frames);
            self.driver.hypercall(&mut Hypercall::MfnsOfGfns { domid: domid.get(), frames: raw })
        });
        match call {
            Ok(_) => {
                states.extend(raw.iter().copied().map(answered));
                Ok(())
            }
            Err(Errno(libc::EINVAL)) if frames.len() == 1 => {
                states.push(FrameState::Hole);
                Ok(())
            }
            Err(Errno(libc::EINVAL)) => {
                let (low, high) = frames.split_at(frames.len() / 2);
                self.mfns_or_each(domid, low, raw, states)?;
                self.mfns_or_each(domid, high, raw, states)
            }
            Err(error) => Err(XenError::of_domain("XENMEM_get_mfn_from_pfn", domid)(error)),
        }
    }
}

/// What an answer says: all ones is Xen's INVALID_MFN, and what fits no machine is taken for it.
fn answered(raw: u64) -> FrameState {
    match Mfn::try_new(raw) {
        Ok(mfn) => FrameState::Ram(<Mfn as Frame>::from_truncated(mfn.get())),
        Err(_) => FrameState::Hole,
    }
}

#[cfg(test)]
mod tests {
    use super::super::XenError;
    use super::super::mock::{DOMID, MockDriver};
    use super::{FrameState, MfnExtension};
    use crate::addr::{DomId, Gfn, Mfn};

    #[test]
    fn the_extension_is_present_absent_or_an_error_and_never_a_guess() {
        let (xen, mock) = MockDriver::xen(4);
        assert_eq!(xen.mfn_extension().unwrap(), MfnExtension::Absent);
        mock.set(|state| state.mfn_extension = true);
        assert_eq!(xen.mfn_extension().unwrap(), MfnExtension::Present);
        for errno in (1..=133).filter(|errno| ![libc::ESRCH, libc::ENOSYS].contains(errno)) {
            mock.set(|state| state.fail_always = Some(errno));
            assert_eq!(xen.mfn_extension().unwrap_err().errno(), Some(errno));
        }
    }

    #[test]
    fn frames_come_out_in_order_with_holes_and_batched() {
        let (xen, mock) = MockDriver::xen(5000);
        mock.set(|state| {
            state.mfn_extension = true;
            state.holes.extend([0, 2048, 4999]);
        });
        let gfns: Vec<_> = (0..5002).map(Gfn::new).collect();
        let states = xen.machine_frames(DOMID, &gfns).unwrap();
        assert_eq!(states.len(), gfns.len());
        for (gfn, state) in (0..).zip(states) {
            let hole = [0, 2048, 4999].contains(&gfn) || gfn >= 5000;
            let expected =
                if hole { FrameState::Hole } else { FrameState::Ram(Mfn::new(MockDriver::mfn(gfn))) };
            assert_eq!(state, expected, "{gfn:#x}");
        }
        assert_eq!(mock.get(|state| state.hypercalls), 3, "three batches of at most 2048");
        assert_eq!(
            mock.get(|state| state.bad_mfn_requests),
            0,
            "no frame is asked for that has nothing behind it"
        );
    }

    #[test]
    fn a_batch_cut_short_fails_the_frames_that_were_not_reached_and_no_others() {
        let (xen, mock) = MockDriver::xen(64);
        mock.set(|state| (state.mfn_extension, state.short_batches) = (true, Some(40)));
        mock.set(|state| state.page_errno = Some((2, libc::EIO)));
        let gfns: Vec<_> = (0..64).map(Gfn::new).collect();
        for (gfn, state) in (0..).zip(xen.machine_frames(DOMID, &gfns).unwrap()) {
            let expected = if gfn == 2 || gfn >= 40 {
                FrameState::Failed(libc::EIO)
            } else {
                FrameState::Ram(Mfn::new(MockDriver::mfn(gfn)))
            };
            assert_eq!(state, expected, "{gfn}");
        }
    }

    #[test]
    fn a_frame_ballooned_out_meanwhile_is_found_by_halves() {
        let (xen, mock) = MockDriver::xen(64);
        mock.set(|state| {
            state.mfn_extension = true;
            state.vanish = vec![17];
        });
        let gfns: Vec<_> = (0..64).map(Gfn::new).collect();
        let states = xen.machine_frames(DOMID, &gfns).unwrap();
        let holes: Vec<_> =
            (0..).zip(&states).filter(|(_, s)| **s == FrameState::Hole).map(|(i, _)| i).collect();
        assert_eq!(holes, [17]);
        assert!(mock.get(|state| state.hypercalls) <= 13, "one call, then two per halving");
    }

    #[test]
    fn without_the_extension_or_the_domain_the_whole_fails() {
        let (xen, _mock) = MockDriver::xen(4);
        let error = xen.machine_frames(DOMID, &[Gfn::new(0)]).unwrap_err();
        assert_eq!(error.errno(), Some(libc::ENOSYS));
        let error = xen.machine_frames(DomId::new(99), &[Gfn::new(0)]).unwrap_err();
        assert!(matches!(error, XenError::NoDomain { .. }), "{error}");
        assert!(matches!(xen.maximum_gpfn(DomId::new(99)), Err(XenError::NoDomain { .. })));
        assert_eq!(xen.maximum_gpfn(DOMID).unwrap(), Gfn::new(3));
    }
}
