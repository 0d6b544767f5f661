//! A domain's memory as Xen counts it, and guest frames as machine frames. Source: xen/include/public/memory.h.
#![forbid(unsafe_code)]

use libxengt_sys as sys;

use super::Xen;
use super::driver::{Hypercall, MFN_BATCH};
use super::error::{Errno, SysResult, XenError};
use super::foreign::{ForeignPages, PageError};
use super::map::Access;
use super::retry::retry;
use crate::addr::{DomId, Frame, Gfn, Mfn};

const GET_MFN: &str = "XENMEM_get_mfn_from_pfn";

/// Whether this Xen has `XENMEM_get_mfn_from_pfn` (subop 29), which Qubes adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MfnExtension {
    /// It has, as Qubes does: one frame with nothing behind it fails a whole list.
    Present,
    /// It has, as the patch of this repository does: such a frame is marked in the list.
    MarksHoles,
    /// It has not, as no Xen of xenbits does. Nothing is wrong: only machine frames cannot be asked for.
    Absent,
}

/// What is behind a guest frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameState {
    /// Memory of the guest, at this machine frame.
    Ram(Mfn),
    /// Nothing that the guest owns: a hole, ballooned out, a device, beyond the end. Where nothing was mapped to find
    /// out ([`MfnExtension::MarksHoles`]), also memory that Xen would have to populate, unshare or page in first.
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
        match self.ask_of_holes() {
            Err(Errno(libc::E2BIG)) => Ok(MfnExtension::MarksHoles),
            Err(Errno(libc::ESRCH)) => Ok(MfnExtension::Present),
            Err(Errno(libc::ENOSYS)) => Ok(MfnExtension::Absent),
            Err(error) => Err(XenError::of_call(GET_MFN)(error)),
            // Somebody else's subop 29: ours cannot succeed for no domain.
            Ok(answer) => Err(XenError::Answer { call: GET_MFN, answer, expected: "no such domain (ESRCH)" }),
        }
    }

    fn ask_of_holes(&self) -> SysResult<u64> {
        // All bits of the number set: who knows the flag says that the list is too long, who does not looks for the
        // domain first.
        let (domid, flags) = (sys::SYS_DOMID_INVALID, u32::MAX);
        retry(|| self.driver.hypercall(&mut Hypercall::MfnsOfGfns { domid, flags, frames: &mut [] }))
    }

    /// Whether it is [`MfnExtension::MarksHoles`], which is asked once.
    fn marks_holes(&self, domid: DomId) -> Result<bool, XenError> {
        if let Some(known) = self.marks_holes.get() {
            return Ok(*known);
        }
        let known = match self.ask_of_holes() {
            Err(Errno(libc::E2BIG)) => true,
            Err(Errno(libc::ESRCH)) | Ok(_) => false,
            Err(error) => return Err(XenError::of_domain(GET_MFN, domid)(error)),
        };
        Ok(*self.marks_holes.get_or_init(|| known))
    }

    /// The machine frames behind `gfns`, one answer each, in their order.
    ///
    /// Needs the extension. With [`MfnExtension::MarksHoles`], any frame can be asked for, by one call per 2048.
    /// Qubes' version of the call ([`MfnExtension::Present`]) leaks Xen's lock on the guest's map when a frame
    /// has nothing behind it, so no frame is asked for that could not just be mapped; the guest's pages are held
    /// during the call. A guest that balloons a frame out in that moment can still trigger it: there, this is for
    /// debugging, not for every frame. A machine frame is true only at the moment of the call.
    ///
    /// # Errors
    /// [`XenError`] if the domain does not exist or the call is absent. What concerns one frame is its answer.
    pub fn machine_frames(&self, domid: DomId, gfns: &[Gfn]) -> Result<Vec<FrameState>, XenError> {
        let mut states = Vec::new();
        self.machine_frames_into(domid, gfns, &mut states)?;
        Ok(states)
    }

    /// As [`Xen::machine_frames`], with the answers in place of what `states` had: who asks again and again allocates
    /// them once.
    ///
    /// # Errors
    /// As [`Xen::machine_frames`]. `states` is then empty.
    pub fn machine_frames_into(
        &self,
        domid: DomId,
        gfns: &[Gfn],
        states: &mut Vec<FrameState>,
    ) -> Result<(), XenError> {
        states.clear();
        states.reserve(gfns.len());
        let asked = match self.marks_holes(domid) {
            Ok(true) => self.marked_frames(domid, gfns, states),
            Ok(false) => self.held_frames(domid, gfns, states),
            Err(error) => Err(error),
        };
        asked.inspect_err(|_| states.clear())
    }

    /// Frames by a Xen that must not be asked for holes: each is mapped first.
    fn held_frames(&self, domid: DomId, gfns: &[Gfn], states: &mut Vec<FrameState>) -> Result<(), XenError> {
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
        Ok(())
    }

    /// Frames by a Xen that marks holes itself: nothing is mapped.
    fn marked_frames(
        &self,
        domid: DomId,
        gfns: &[Gfn],
        states: &mut Vec<FrameState>,
    ) -> Result<(), XenError> {
        let mut raw = Vec::new();
        let flags = sys::XENMEM_get_mfn_allow_holes;
        for batch in gfns.chunks(MFN_BATCH) {
            retry(|| {
                raw.clear();
                raw.extend(batch.iter().map(|gfn| gfn.get()));
                self.driver.hypercall(&mut Hypercall::MfnsOfGfns {
                    domid: domid.get(),
                    flags,
                    frames: &mut raw,
                })
            })
            .map_err(XenError::of_domain(GET_MFN, domid))?;
            states.extend(raw.iter().copied().map(answered));
        }
        Ok(())
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
            self.driver.hypercall(&mut Hypercall::MfnsOfGfns { domid: domid.get(), flags: 0, frames: raw })
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
            Err(error) => Err(XenError::of_domain(GET_MFN, domid)(error)),
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
        mock.set(|state| state.mfn_marks_holes = true);
        assert_eq!(xen.mfn_extension().unwrap(), MfnExtension::MarksHoles);
        for errno in (1..=133).filter(|errno| ![libc::ESRCH, libc::ENOSYS, libc::E2BIG].contains(errno)) {
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
        assert_eq!(
            mock.get(|state| state.hypercalls),
            4,
            "how holes are answered, then three batches of at most 2048"
        );
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
    fn a_xen_that_marks_holes_is_asked_for_any_frame_and_nothing_is_mapped() {
        let (xen, mock) = MockDriver::xen(5000);
        mock.set(|state| {
            (state.mfn_extension, state.mfn_marks_holes) = (true, true);
            state.holes.extend([0, 2048, 4999]);
            state.vanish = vec![17];
        });
        let gfns: Vec<_> = (0..5002).map(Gfn::new).collect();
        let states = xen.machine_frames(DOMID, &gfns).unwrap();
        for (gfn, state) in (0..).zip(&states) {
            let hole = [0, 17, 2048, 4999].contains(&gfn) || gfn >= 5000;
            let expected =
                if hole { FrameState::Hole } else { FrameState::Ram(Mfn::new(MockDriver::mfn(gfn))) };
            assert_eq!(*state, expected, "{gfn:#x}");
        }
        assert_eq!(states.len(), gfns.len());
        let crossings = xen.clone().crossings();
        assert_eq!((crossings.hypercalls, crossings.ioctls()), (4, 4), "the question, and three batches");
        xen.clone().machine_frames(DOMID, &gfns[..1]).unwrap();
        assert_eq!(xen.crossings().ioctls(), 5, "it is asked once for all handles");
        let mut states = states;
        let error = xen.machine_frames_into(DomId::new(99), &gfns, &mut states).unwrap_err();
        assert!(states.is_empty());
        assert!(matches!(error, XenError::NoDomain { .. }), "{error}");
    }

    #[test]
    fn a_question_that_failed_is_asked_again() {
        let (xen, mock) = MockDriver::xen(4);
        mock.set(|state| {
            (state.mfn_extension, state.mfn_marks_holes) = (true, true);
            state.fail_next = vec![libc::EPERM];
        });
        assert_eq!(xen.machine_frames(DOMID, &[Gfn::new(1)]).unwrap_err().errno(), Some(libc::EPERM));
        let known = FrameState::Ram(Mfn::new(MockDriver::mfn(1)));
        assert_eq!(xen.machine_frames(DOMID, &[Gfn::new(1)]).unwrap(), [known]);
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
        assert!(mock.get(|state| state.hypercalls) <= 14, "the question, one call, then two per halving");
    }

    #[test]
    fn without_the_extension_or_the_domain_the_whole_fails() {
        let (xen, mock) = MockDriver::xen(4);
        let error = xen.machine_frames(DOMID, &[Gfn::new(0)]).unwrap_err();
        assert_eq!(error.errno(), Some(libc::ENOSYS));
        mock.set(|state| state.mfn_extension = true);
        let error = xen.machine_frames(DomId::new(99), &[Gfn::new(0)]).unwrap_err();
        assert!(matches!(error, XenError::NoDomain { .. }), "{error}");
        assert!(matches!(xen.maximum_gpfn(DomId::new(99)), Err(XenError::NoDomain { .. })));
        assert_eq!(xen.maximum_gpfn(DOMID).unwrap(), Gfn::new(3));
    }
}
