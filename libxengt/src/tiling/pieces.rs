//! The copy piece by piece: any rectangle, any alignment.

use core::ops::Range;

use super::convert::copy;
use super::{CopyPlan, Rect};

/// Copies `part` of the plan's rectangle.
pub(super) fn detile(plan: &CopyPlan, part: Rect, tiled: &[u8], linear: &mut [u8]) {
    for_each(plan, part, |from, to| {
        if let (Some(from), Some(to)) = (tiled.get(from), linear.get_mut(to)) {
            copy(plan.convert, from, to);
        }
    });
}

/// Copies the plan's whole rectangle.
pub(super) fn tile(plan: &CopyPlan, linear: &[u8], tiled: &mut [u8]) {
    for_each(plan, plan.rect, |to, from| {
        if let (Some(from), Some(to)) = (linear.get(from), tiled.get_mut(to)) {
            copy(plan.convert, from, to);
        }
    });
}

/// Calls `piece` with the ranges (tiled, linear) of all bytes of `part`, row by row, left to right.
///
/// `part` lies inside the plan's rectangle.
fn for_each(plan: &CopyPlan, part: Rect, mut piece: impl FnMut(Range<usize>, Range<usize>)) {
    let granule = plan.tiling().granule();
    let right = part.x + part.width;
    for y in part.y..part.y + part.height {
        let row = plan.linear.offset + (y - plan.rect.y) * plan.linear.pitch;
        let mut x = part.x;
        while x < right {
            let len = (granule - x % granule).min(right - x);
            let linear = row + (x - plan.rect.x);
            if let (Some(tiled), Some(linear)) =
                (range(plan.surface.offset_inside(x, y), len), range(linear, len))
            {
                piece(tiled, linear);
            }
            x += len;
        }
    }
}

/// `len` bytes at `at`; always there for offsets below a plan's checked lengths.
fn range(at: u64, len: u64) -> Option<Range<usize>> {
    Some(usize::try_from(at).ok()?..usize::try_from(at + len).ok()?)
}
