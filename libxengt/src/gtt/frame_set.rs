//! A set of frames: what a table may lead to.

use core::marker::PhantomData;

use crate::addr::Frame;

/// Frames of one memory, kept as sorted ranges that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSet<F> {
    /// (first, one past the last).
    ranges: Vec<(u64, u64)>,
    space: PhantomData<F>,
}

impl<F: Frame> FrameSet<F> {
    /// The frames of all `ranges`, each a first frame and how many; they may overlap, in any order.
    ///
    /// What lies past the end of the space is left out.
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = (F, u64)>) -> Self {
        let end_of_space = F::from_truncated(u64::MAX).get() + 1;
        let clipped =
            |(first, count): (F, u64)| (first.get(), first.get().saturating_add(count).min(end_of_space));
        let mut sorted: Vec<_> = ranges.into_iter().map(clipped).filter(|(first, end)| first < end).collect();
        sorted.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (first, end) in sorted {
            match ranges.last_mut() {
                Some((_, last_end)) if first <= *last_end => *last_end = end.max(*last_end),
                _ => ranges.push((first, end)),
            }
        }
        Self { ranges, space: PhantomData }
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(first, end)| end - first).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The range that holds `frame`, or else the first one above it.
    fn at_or_above(&self, frame: u64) -> Option<(u64, u64)> {
        let index = self.ranges.partition_point(|(_, end)| *end <= frame);
        self.ranges.get(index).copied()
    }

    /// Whether `frame` is in the set.
    #[must_use]
    pub fn contains(&self, frame: F) -> bool {
        self.at_or_above(frame.get()).is_some_and(|(first, _)| first <= frame.get())
    }

    /// The first of the `count` frames from `first` on that is not in the set, and how many follow each
    /// other from there, itself included, before one is or the `count` end.
    ///
    /// Frames past the end of the space are in no set and are not looked at.
    #[must_use]
    pub fn first_outside(&self, first: F, count: u64) -> Option<(F, u64)> {
        let end_of_space = F::from_truncated(u64::MAX).get() + 1;
        let end = first.get().saturating_add(count).min(end_of_space);
        let outside = match self.at_or_above(first.get()) {
            Some((range_first, range_end)) if range_first <= first.get() => range_end,
            _ => first.get(),
        };
        if outside >= end {
            return None;
        }
        let inside_again = self.at_or_above(outside).map_or(end, |(first, _)| first.min(end));
        Some((F::from_truncated(outside), inside_again - outside))
    }
}

#[cfg(test)]
mod tests {
    use super::FrameSet;
    use crate::addr::Mfn;

    fn set(ranges: &[(u64, u64)]) -> FrameSet<Mfn> {
        FrameSet::from_ranges(ranges.iter().map(|(first, count)| (Mfn::new(*first), *count)))
    }

    #[test]
    fn ranges_given_in_any_order_become_one_set() {
        let frames = set(&[(10, 5), (0, 2), (15, 1), (12, 2), (30, 0)]);
        assert_eq!(frames, set(&[(0, 2), (10, 6)]));
        assert_eq!(frames.len(), 8);
        for frame in 0..40 {
            assert_eq!(frames.contains(Mfn::new(frame)), matches!(frame, 0..2 | 10..16), "{frame}");
        }
        assert!(set(&[]).is_empty());
    }

    #[test]
    fn first_outside_is_found_with_its_length() {
        let frames = set(&[(10, 6), (20, 5)]);
        let outside = |first, count| {
            frames.first_outside(Mfn::new(first), count).map(|(frame, len)| (frame.get(), len))
        };
        assert_eq!(outside(10, 6), None);
        assert_eq!(outside(10, 7), Some((16, 1)));
        assert_eq!(outside(0, 100), Some((0, 10)));
        assert_eq!(outside(12, 100), Some((16, 4)));
        assert_eq!(outside(24, 100), Some((25, 99)));
        assert_eq!(outside(16, 0), None);
        assert_eq!(outside(Mfn::MAX.get(), u64::MAX), Some((Mfn::MAX.get(), 1)));
        assert_eq!(set(&[(0, u64::MAX)]).first_outside(Mfn::ZERO, u64::MAX), None);
    }
}
