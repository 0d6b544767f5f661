//! A guest's physical-to-machine map: which machine frame backs which guest frame.
//!
//! Kept as runs, so that a guest of any size costs what its fragmentation costs. The text form, one run per
//! line, is `GFN MFN COUNT` in hexadecimal frames.
#![forbid(unsafe_code)]

use core::fmt;
use core::str::FromStr;

use crate::addr::{Gfn, Mfn, parse_u64};
use crate::gtt::GfnMap;

/// `count` guest frames from `gfn` on, backed by as many machine frames from `mfn` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct P2mRun {
    /// The first guest frame.
    pub gfn: Gfn,
    /// The machine frame behind it.
    pub mfn: Mfn,
    /// How many frames, at least 1.
    pub count: u64,
}

/// A map of guest frames to machine frames.
///
/// # Invariants
/// Runs are sorted by `gfn`, do not overlap in guest frames, are not empty, and end inside both spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct P2m {
    runs: Vec<P2mRun>,
}

/// Runs that make no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum P2mError {
    /// A run is empty or leaves its space.
    #[error("{run:?} is empty or leaves the address space")]
    BadRun {
        /// The run.
        run: P2mRun,
    },
    /// Two runs map one guest frame.
    #[error("{gfn:?} is mapped twice")]
    Overlap {
        /// The guest frame.
        gfn: Gfn,
    },
    /// A line of the text form is no run.
    #[error("line {line}: {text:?}, expected GFN MFN COUNT in hexadecimal")]
    Syntax {
        /// The line's number, from 1.
        line: usize,
        /// The start of what it says.
        text: String,
    },
}

impl P2m {
    /// The map that `runs` make, in any order.
    ///
    /// # Errors
    /// [`P2mError`] if a run is empty, leaves its space, or maps a guest frame that another maps.
    pub fn try_new(mut runs: Vec<P2mRun>) -> Result<Self, P2mError> {
        for run in &runs {
            let last = run.count.checked_sub(1);
            if last.and_then(|last| run.gfn.checked_add(last).zip(run.mfn.checked_add(last))).is_none() {
                return Err(P2mError::BadRun { run: *run });
            }
        }
        runs.sort_unstable_by_key(|run| run.gfn);
        for pair in runs.windows(2) {
            if let [low, high] = pair
                && high.gfn.get() - low.gfn.get() < low.count
            {
                return Err(P2mError::Overlap { gfn: high.gfn });
            }
        }
        Ok(Self { runs })
    }

    /// The runs, in order of guest frames.
    #[must_use]
    pub fn runs(&self) -> &[P2mRun] {
        &self.runs
    }

    /// The machine frame behind `gfn`, or `None` where the guest has no memory.
    #[must_use]
    #[inline]
    pub fn mfn(&self, gfn: Gfn) -> Option<Mfn> {
        Some(self.place(gfn)?.0)
    }

    /// The machine frame behind `gfn`, and how many frames of its run are left, itself included.
    fn place(&self, gfn: Gfn) -> Option<(Mfn, u64)> {
        let after = self.runs.partition_point(|run| run.gfn <= gfn);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let offset = gfn.offset_from(run.gfn).filter(|offset| *offset < run.count)?;
        Some((run.mfn.checked_add(offset)?, run.count - offset))
    }
}

impl GfnMap for P2m {
    fn mfn(&self, gfn: Gfn) -> Option<Mfn> {
        self.mfn(gfn)
    }

    /// One look-up per run: runs that touch in both memories count as one.
    fn run(&self, first: Gfn, max: u64) -> Option<(Mfn, u64)> {
        let (start, mut len) = self.place(first)?;
        while len < max {
            let next = first.checked_add(len).and_then(|gfn| self.place(gfn));
            match next {
                Some((mfn, more)) if Some(mfn) == start.checked_add(len) => len = len.saturating_add(more),
                _ => break,
            }
        }
        Some((start, len.min(max)))
    }
}

impl fmt::Display for P2m {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runs.iter().try_for_each(|run| writeln!(f, "{:#x} {:#x} {:#x}", run.gfn, run.mfn, run.count))
    }
}

impl FromStr for P2m {
    type Err = P2mError;

    fn from_str(text: &str) -> Result<Self, P2mError> {
        let parse = |line: &str| {
            let mut words = line.split(' ').map(|word| parse_u64(word, Gfn::MAX.get()).ok());
            let run = P2mRun {
                gfn: Gfn::from_truncated(words.next()??),
                mfn: Mfn::from_truncated(words.next()??),
                count: words.next()??,
            };
            words.next().is_none().then_some(run)
        };
        let runs = text.lines().zip(1..).map(|(line, number)| {
            parse(line)
                .ok_or_else(|| P2mError::Syntax { line: number, text: line.chars().take(64).collect() })
        });
        Self::try_new(runs.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::{P2m, P2mError, P2mRun};
    use crate::addr::{Gfn, Mfn};
    use crate::gtt::GfnMap;

    fn run(gfn: u64, mfn: u64, count: u64) -> P2mRun {
        P2mRun { gfn: Gfn::new(gfn), mfn: Mfn::new(mfn), count }
    }

    #[test]
    fn frames_inside_runs_are_found_and_holes_are_holes() {
        let map = P2m::try_new(vec![run(0x100, 0x9000, 0x10), run(0, 0x5000, 0xa0)]).unwrap();
        for (gfn, mfn) in [(0, 0x5000), (0x9f, 0x509f), (0x100, 0x9000), (0x10f, 0x900f)] {
            assert_eq!(map.mfn(Gfn::new(gfn)), Some(Mfn::new(mfn)));
        }
        for hole in [0xa0, 0xff, 0x110, (1 << 40) - 1] {
            assert_eq!(map.mfn(Gfn::new(hole)), None);
        }
        assert_eq!(map.to_string().parse(), Ok(map));
        assert_eq!(P2m::default().mfn(Gfn::new(0)), None);
    }

    #[test]
    fn runs_that_touch_in_both_memories_are_one() {
        let map = P2m::try_new(vec![run(0, 0x50, 4), run(4, 0x54, 4), run(8, 0x90, 4)]).unwrap();
        assert_eq!(map.run(Gfn::new(1), 100), Some((Mfn::new(0x51), 7)));
        assert_eq!(map.run(Gfn::new(1), 5), Some((Mfn::new(0x51), 5)));
        assert_eq!(map.run(Gfn::new(11), 100), Some((Mfn::new(0x93), 1)));
        assert_eq!(map.run(Gfn::new(12), 100), None);
    }

    #[test]
    fn overlaps_empties_and_ends_of_space_are_refused() {
        assert!(matches!(P2m::try_new(vec![run(0, 0, 2), run(1, 9, 1)]), Err(P2mError::Overlap { .. })));
        assert!(matches!(P2m::try_new(vec![run(0, 0, 0)]), Err(P2mError::BadRun { .. })));
        assert!(P2m::try_new(vec![run((1 << 40) - 1, 0, 2)]).is_err());
        assert!(P2m::try_new(vec![run(0, (1 << 40) - 1, 2)]).is_err());
        for text in ["0x1 0x2", "0x1 0x2 0x3 0x4", "x", "0x1  0x2 0x3", "\n"] {
            assert!(matches!(text.parse::<P2m>(), Err(P2mError::Syntax { .. })), "{text:?}");
        }
    }
}
