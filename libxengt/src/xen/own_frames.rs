//! The machine frames that are known to be a domain's: what an audit compares the host's tables with.
#![forbid(unsafe_code)]

use super::driver::MFN_BATCH;
use super::memory::FrameState;
use super::{Xen, XenError};
use crate::addr::{DomId, Gfn, Mfn};
use crate::gtt::FrameSet;

/// Machine frames behind guest frames of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFrames {
    /// The machine frames.
    pub frames: FrameSet<Mfn>,
    /// How many of the guest frames have nothing behind them.
    pub holes: u64,
    /// How many could not be found out: what is missing in `frames` may be theirs.
    pub unknown: u64,
}

impl Xen {
    /// The machine frames behind `gfns`, as [`Self::machine_frames`] gives them, which see: it needs
    /// [`MfnExtension::Present`](super::MfnExtension::Present), and is for frames that are in use, not for all that
    /// a guest has. Takes memory for the answer only, 16 bytes a frame at most.
    ///
    /// # Errors
    /// [`XenError`] if the domain does not exist or the call is absent.
    pub fn own_frames(
        &self,
        domid: DomId,
        gfns: impl IntoIterator<Item = Gfn>,
    ) -> Result<OwnFrames, XenError> {
        let (mut ranges, mut holes, mut unknown) = (Vec::<(Mfn, u64)>::new(), 0, 0);
        let mut gfns = gfns.into_iter();
        let (mut batch, mut states) = (Vec::new(), Vec::new());
        loop {
            batch.clear();
            batch.extend(gfns.by_ref().take(MFN_BATCH));
            if batch.is_empty() {
                break;
            }
            self.machine_frames_into(domid, &batch, &mut states)?;
            for state in &states {
                match *state {
                    FrameState::Ram(mfn) => match ranges.last_mut() {
                        Some((first, count)) if first.checked_add(*count) == Some(mfn) => *count += 1,
                        _ => ranges.push((mfn, 1)),
                    },
                    FrameState::Hole => holes += 1,
                    FrameState::Failed(_) => unknown += 1,
                }
            }
        }
        Ok(OwnFrames { frames: FrameSet::from_ranges(ranges), holes, unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::super::XenError;
    use super::super::mock::{DOMID, MockDriver};
    use super::MFN_BATCH;
    use crate::addr::{DomId, Gfn, Mfn};

    #[test]
    fn frames_are_a_set_and_what_is_missing_is_counted() {
        let (xen, mock) = MockDriver::xen(5000);
        mock.set(|state| {
            state.mfn_extension = true;
            state.holes.extend([3, 4000]);
            state.page_errno = Some((17, libc::EIO));
        });
        // Twice the same frame, and frames beyond the end.
        let gfns = (0..5002).chain([1]).map(Gfn::new);
        let own = xen.own_frames(DOMID, gfns).unwrap();
        assert_eq!((own.holes, own.unknown, own.frames.len()), (4, 1, 4997));
        for gfn in 0..5000 {
            let there = ![3, 17, 4000].contains(&gfn);
            assert_eq!(own.frames.contains(Mfn::new(MockDriver::mfn(gfn))), there, "{gfn}");
        }
        let batches = 5003_usize.div_ceil(MFN_BATCH);
        assert_eq!(mock.get(|state| state.hypercalls), u32::try_from(batches).unwrap() + 1, "and a question");
    }

    #[test]
    fn nothing_asked_is_nothing_owned_and_no_call() {
        let (xen, mock) = MockDriver::xen(1);
        assert!(xen.own_frames(DOMID, []).unwrap().frames.is_empty());
        assert_eq!(mock.get(|state| state.hypercalls), 0);
    }

    #[test]
    fn without_the_extension_or_the_domain_there_is_no_answer_rather_than_an_empty_one() {
        let (xen, mock) = MockDriver::xen(4);
        let error = xen.own_frames(DOMID, [Gfn::new(0)]).unwrap_err();
        assert_eq!(error.errno(), Some(libc::ENOSYS));
        mock.set(|state| state.mfn_extension = true);
        let error = xen.own_frames(DomId::new(9), [Gfn::new(0)]).unwrap_err();
        assert!(matches!(error, XenError::NoDomain { .. }));
    }
}
