//! Which machine frames back a simulated guest.

use super::layout::{BALLOONED, GUEST_MEMORY, VGA_HOLE};
use crate::addr::{DomId, Gfn, Mfn, PAGE_SIZE};
use crate::p2m::{P2m, P2mError, P2mRun};

/// Frames of one contiguous piece of machine memory: 64 MB.
const PIECE: u64 = 0x4000;

/// The guest's map: pieces in descending order, so that guest order is nowhere machine order; each domain's
/// machine frames are its own.
pub(super) fn of(domid: DomId) -> Result<P2m, P2mError> {
    let frames = GUEST_MEMORY / PAGE_SIZE;
    let base = (u64::from(domid.get()) + 1) * frames;
    let mut cuts: Vec<u64> = (0..=frames / PIECE).map(|piece| piece * PIECE).collect();
    let holes = [VGA_HOLE, BALLOONED];
    cuts.extend(holes.iter().flat_map(|(first, end)| [first.get(), end.get()]));
    cuts.sort_unstable();
    let runs = cuts.windows(2).filter_map(|pair| {
        let [first, end] = *pair else { return None };
        let in_hole = holes.iter().any(|(from, to)| from.get() <= first && first < to.get());
        let mfn = base + (frames / PIECE - 1 - first / PIECE) * PIECE + first % PIECE;
        (end > first && !in_hole).then(|| P2mRun {
            gfn: Gfn::from_truncated(first),
            mfn: Mfn::from_truncated(mfn),
            count: end - first,
        })
    });
    P2m::try_new(runs.collect())
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::addr::{DomId, Gfn};

    #[test]
    fn guests_share_no_machine_frame_and_have_their_holes() {
        let (a, b) = (of(DomId::new(1)).unwrap(), of(DomId::new(2)).unwrap());
        for low in a.runs() {
            for high in b.runs() {
                assert!(
                    low.mfn.get() + low.count <= high.mfn.get()
                        || high.mfn.get() + high.count <= low.mfn.get()
                );
            }
        }
        for hole in [0xa0, 0xbf, 0x3f000, 0x3f7ff, 0x80000] {
            assert_eq!(a.mfn(Gfn::new(hole)), None, "{hole:#x}");
        }
        for frame in [0, 0x9f, 0xc0, 0x3efff, 0x3f800, 0x7ffff] {
            assert!(a.mfn(Gfn::new(frame)).is_some(), "{frame:#x}");
        }
    }
}
