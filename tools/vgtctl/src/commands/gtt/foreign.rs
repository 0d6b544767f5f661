//! What an audit found, sorted: the entries that lead to the scratch page, and the rest.
//!
//! GVT-g points every entry of a window that its guest does not use at one page of the host's, its scratch page, and
//! marks it present. Our kernel names that page, and then no other frame is excused. Where the kernel does not tell, a
//! frame that is not the domain's and has many entries may be that page, or somebody's memory; it is neither passed
//! over nor taken for a thousand violations.

use libxengt::addr::{HostGma, Mfn, PAGE_SIZE};
use libxengt::gtt::{Finding, Violation};

/// From how many entries on a frame may be the scratch page. No guest's memory is mapped that often by chance.
const MANY: u64 = 16;

/// What is known of the page that unused entries lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scratch {
    /// There is none.
    None,
    /// There is one, and the kernel does not tell which.
    Untold,
    /// The kernel says that it is this one, which is not known to be the domain's.
    Named(Mfn),
    /// The kernel says that it is this one, but it is the domain's: it cannot be both.
    Contradicted(Mfn),
}

impl Scratch {
    /// The page that the kernel names, whether it can be or not.
    pub(super) fn told(self) -> Option<Mfn> {
        match self {
            Self::None | Self::Untold => None,
            Self::Named(mfn) | Self::Contradicted(mfn) => Some(mfn),
        }
    }
}

/// The findings of one look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// How many entries lead to the page that the kernel names.
    pub(super) unused: u64,
    /// The only frame that many entries lead to, where the kernel does not tell.
    pub(super) recurring: Option<Recurring>,
    /// How many other frames the entries lead to.
    pub(super) frames: u64,
    /// All but the entries that lead to either, in order.
    pub(super) rest: Vec<Finding<HostGma, Mfn>>,
}

/// A frame that many entries lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recurring {
    pub(super) mfn: Mfn,
    pub(super) entries: u64,
}

impl Sorted {
    /// Sorts `findings` by what is known of the scratch page.
    pub(super) fn of(findings: Vec<Finding<HostGma, Mfn>>, scratch: Scratch) -> Self {
        // A window has 2^20 pages at most.
        let mut frames: Vec<Mfn> = findings.iter().flat_map(frames_of).collect();
        frames.sort_unstable();
        let count = |run: &[Mfn]| u64::try_from(run.len()).unwrap_or(u64::MAX);
        let runs = || frames.chunk_by(|a, b| a == b);
        let apart = |run: &[Mfn]| run.first().map(|mfn| Recurring { mfn: *mfn, entries: count(run) });
        let excused = match scratch {
            Scratch::None | Scratch::Contradicted(_) => None,
            Scratch::Named(mfn) => runs().find(|run| run.contains(&mfn)).and_then(apart),
            Scratch::Untold => {
                let mut many = runs().filter(|run| count(run) >= MANY);
                match (many.next(), many.next()) {
                    (Some(run), None) => apart(run),
                    // Of two such frames one at least is no scratch page, and nothing says which.
                    _ => None,
                }
            }
        };
        let all = u64::try_from(runs().count()).unwrap_or(u64::MAX);
        let Some(Recurring { mfn, entries }) = excused else {
            return Self { unused: 0, recurring: None, frames: all, rest: findings };
        };
        let rest = findings.into_iter().flat_map(|finding| without(finding, mfn)).flatten().collect();
        let (unused, recurring) = match scratch {
            Scratch::Named(_) => (entries, None),
            _ => (0, excused),
        };
        Self { unused, recurring, frames: all.saturating_sub(1), rest }
    }

    /// How many frames are certainly not the domain's where `unknown` frames that are could not be found out: each
    /// of these can be one of those that were found.
    pub(super) fn certain(&self, unknown: u64) -> u64 {
        self.frames.saturating_sub(unknown)
    }
}

/// The frames that the entries of `finding` lead to, one for each page.
fn frames_of(finding: &Finding<HostGma, Mfn>) -> impl Iterator<Item = Mfn> + use<> {
    let (first, pages) = match finding {
        Finding::Outside(violation) => (violation.frame, violation.len.div_ceil(PAGE_SIZE)),
        Finding::Unresolved { .. } => (Mfn::ZERO, 0),
    };
    (0..pages).map_while(move |page| first.checked_add(page))
}

/// What remains of `finding` before and after the page that leads to `mfn`; frames and pages keep step.
fn without(finding: Finding<HostGma, Mfn>, mfn: Mfn) -> [Option<Finding<HostGma, Mfn>>; 2] {
    let Finding::Outside(all) = finding else {
        return [Some(finding), None];
    };
    let before = mfn.offset_from(all.frame).and_then(|page| page.checked_mul(PAGE_SIZE));
    let Some(before) = before.filter(|before| *before < all.len) else {
        return [Some(finding), None];
    };
    let after = before + PAGE_SIZE;
    let first = (before > 0).then_some(Finding::Outside(Violation { len: before, ..all }));
    let second = all.len.checked_sub(after).filter(|len| *len > 0).and_then(|len| {
        let (address, frame) = (all.address.checked_add(after)?, mfn.checked_add(1)?);
        Some(Finding::Outside(Violation { address, len, entry: all.entry.wrapping_add(after), frame }))
    });
    [first, second]
}

#[cfg(test)]
mod tests {
    use libxengt::addr::{HostGma, Mfn};
    use libxengt::gtt::{Finding, FrameSet, Ggtt, gen9};

    use super::{MANY, Recurring, Scratch, Sorted};

    const SCRATCH: u64 = 0x500;

    /// What an audit finds in a table that leads to `frames`, of which the domain owns 0x100 to 0x1ff.
    fn sorted(frames: impl IntoIterator<Item = u64>, scratch: Scratch) -> Sorted {
        let entries: Vec<u64> = frames.into_iter().map(|frame| frame << 12 | 1).collect();
        let bytes = u64::try_from(entries.len()).unwrap() << 12;
        let table = Ggtt::<HostGma, _>::new(&entries[..], gen9::MMU);
        let own = FrameSet::from_ranges([(Mfn::new(0x100), 0x100)]);
        Sorted::of(table.audit(HostGma::ZERO, bytes, &own).unwrap().collect(), scratch)
    }

    fn scratch(entries: u64) -> impl Iterator<Item = u64> {
        (0..entries).map(|_| SCRATCH)
    }

    fn places(sorted: &Sorted) -> Vec<(u64, u64, u64, u64)> {
        let place = |finding: &Finding<HostGma, Mfn>| match finding {
            Finding::Outside(v) => (v.address.get(), v.len, v.frame.get(), v.entry),
            Finding::Unresolved { address, len, .. } => (address.get(), *len, 0, 0),
        };
        sorted.rest.iter().map(place).collect()
    }

    #[test]
    fn one_frame_with_many_entries_is_a_class_of_its_own() {
        let found =
            sorted((0x100..0x110).chain(scratch(3000)).chain([0x1ff]).chain(scratch(7)), Scratch::Untold);
        let recurring = Some(Recurring { mfn: Mfn::new(SCRATCH), entries: 3007 });
        assert_eq!(found, Sorted { unused: 0, recurring, frames: 0, rest: Vec::new() });
    }

    #[test]
    fn fewer_entries_than_many_are_violations() {
        let found = sorted(scratch(MANY - 1), Scratch::Untold);
        assert_eq!((found.recurring, found.frames, found.rest.len()), (None, 1, 15));
        assert!(sorted(scratch(MANY), Scratch::Untold).rest.is_empty());
    }

    #[test]
    fn of_two_frames_with_many_entries_neither_is_excused() {
        let found = sorted(scratch(40).chain((0..20).map(|_| 0x700)), Scratch::Untold);
        assert_eq!((found.recurring, found.frames, found.rest.len()), (None, 2, 60));
    }

    #[test]
    fn a_host_without_a_scratch_page_excuses_no_frame() {
        let found = sorted(scratch(100), Scratch::None);
        assert_eq!((found.recurring, found.frames, found.rest.len()), (None, 1, 100));
    }

    #[test]
    fn violations_beside_the_recurring_frame_stay_even_where_their_frames_touch_it() {
        let odd = [SCRATCH - 2, SCRATCH - 1, SCRATCH, SCRATCH + 1, SCRATCH + 2, 0x100, 0x900];
        let found = sorted(odd.into_iter().chain(scratch(30)), Scratch::Untold);
        assert_eq!(found.recurring, Some(Recurring { mfn: Mfn::new(SCRATCH), entries: 31 }));
        assert_eq!(found.frames, 5);
        let expected = [
            (0, 0x2000, SCRATCH - 2, 0x4f_e001),
            (0x3000, 0x2000, SCRATCH + 1, 0x50_1001),
            (0x6000, 0x1000, 0x900, 0x90_0001),
        ];
        assert_eq!(places(&found), expected);
    }

    #[test]
    fn a_page_that_the_kernel_names_is_excused_however_few_its_entries_and_no_other_is() {
        let named = Scratch::Named(Mfn::new(SCRATCH));
        let found = sorted((0x100..0x110).chain(scratch(3000)).chain([0x1ff]), named);
        assert_eq!(found, Sorted { unused: 3000, recurring: None, frames: 0, rest: Vec::new() });
        assert_eq!(sorted(scratch(1), named).unused, 1);
        let other = sorted((0..3000).map(|_| 0x700).chain(scratch(2)), named);
        assert_eq!((other.unused, other.recurring, other.frames, other.rest.len()), (2, None, 1, 3000));
    }

    #[test]
    fn neighbours_of_the_named_page_stay() {
        let run = [SCRATCH - 1, SCRATCH, SCRATCH + 1, SCRATCH + 2, 0x100];
        let found = sorted(run, Scratch::Named(Mfn::new(SCRATCH)));
        assert_eq!((found.unused, found.frames), (1, 3));
        let expected = [(0, 0x1000, SCRATCH - 1, 0x4f_f001), (0x2000, 0x2000, SCRATCH + 1, 0x50_1001)];
        assert_eq!(places(&found), expected);
    }

    #[test]
    fn a_named_page_that_is_the_domains_excuses_nothing() {
        let own = Mfn::new(0x180);
        let found = sorted([0x180, 0x181].into_iter().chain(scratch(30)), Scratch::Contradicted(own));
        assert_eq!((found.unused, found.recurring, found.frames, found.rest.len()), (0, None, 1, 30));
    }

    #[test]
    fn what_does_not_resolve_is_kept_and_leads_to_no_frame() {
        let found = sorted(scratch(20).chain([0xfff_ffff_ff00]), Scratch::Untold);
        assert!(matches!(found.rest[..], [Finding::Unresolved { .. }]), "{found:?}");
        assert_eq!((found.frames, found.certain(0)), (0, 0));
    }

    #[test]
    fn an_unknown_frame_can_explain_one_foreign_frame_and_no_more() {
        let found = sorted([0x300, 0x310, 0x300, 0x320], Scratch::Untold);
        assert_eq!(found.frames, 3);
        assert_eq!([0, 1, 2, 3, 9].map(|unknown| found.certain(unknown)), [3, 2, 1, 0, 0]);
        assert_eq!(sorted(0x100..0x200, Scratch::Untold), Sorted::default());
    }
}
