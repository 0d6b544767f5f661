//! Where a guest's frames lie in the machine.

use crate::addr::{Gfn, Mfn};

/// A map from a guest's frames to the machine's.
pub trait GfnMap {
    /// The machine frame behind `gfn`, if the guest has that frame.
    fn mfn(&self, gfn: Gfn) -> Option<Mfn>;

    /// The machine frame behind `first`, and for how many of the next `max` guest frames, `first` included,
    /// machine frames follow one another without a gap.
    ///
    /// Maps that hold runs answer without looking at each frame.
    fn run(&self, first: Gfn, max: u64) -> Option<(Mfn, u64)> {
        let start = self.mfn(first)?;
        let follows = |n: &u64| {
            let mfn = first.checked_add(*n).and_then(|gfn| self.mfn(gfn));
            mfn.is_some() && mfn == start.checked_add(*n)
        };
        let len = (1..max).take_while(follows).count();
        Some((start, u64::try_from(len).unwrap_or(0).saturating_add(1)))
    }
}

impl<T: GfnMap + ?Sized> GfnMap for &T {
    #[inline]
    fn mfn(&self, gfn: Gfn) -> Option<Mfn> {
        (**self).mfn(gfn)
    }
    fn run(&self, first: Gfn, max: u64) -> Option<(Mfn, u64)> {
        (**self).run(first, max)
    }
}

/// The machine frame of each guest frame from 0 on, in one array.
#[derive(Debug, Clone)]
pub struct FlatGfnMap<W>(pub W);

impl FlatGfnMap<()> {
    /// Stands in the array for "no such frame": wider than any GPU's addresses.
    pub const UNKNOWN: Mfn = Mfn::MAX;
}

impl<W: AsRef<[Mfn]>> GfnMap for FlatGfnMap<W> {
    #[inline]
    fn mfn(&self, gfn: Gfn) -> Option<Mfn> {
        let mfn = *self.0.as_ref().get(usize::try_from(gfn.get()).ok()?)?;
        (mfn != FlatGfnMap::UNKNOWN).then_some(mfn)
    }
}

#[cfg(test)]
mod tests {
    use super::{FlatGfnMap, GfnMap};
    use crate::addr::{Gfn, Mfn};

    #[test]
    fn run_ends_at_a_jump_a_gap_and_the_end() {
        let map = FlatGfnMap([5, 6, 7, 9, 10].map(Mfn::new));
        assert_eq!(map.run(Gfn::new(0), 2), Some((Mfn::new(5), 2)));
        assert_eq!(map.run(Gfn::new(0), 9), Some((Mfn::new(5), 3)));
        assert_eq!(map.run(Gfn::new(3), 9), Some((Mfn::new(9), 2)));
        assert_eq!(map.run(Gfn::new(5), 9), None);
        let map = FlatGfnMap([Mfn::new(5), FlatGfnMap::UNKNOWN]);
        assert_eq!(map.run(Gfn::new(0), 9), Some((Mfn::new(5), 1)));
        assert_eq!(map.mfn(Gfn::new(1)), None);
    }
}
