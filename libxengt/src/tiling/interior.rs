//! The part of a copy that covers whole tiles' widths: the bulk of it, without edges.

use super::{CopyPlan, Rect, Swizzle, Tiling};

/// The whole-tile part of a rectangle, in the indices that the fast copies walk by.
///
/// # Invariants
/// It lies inside the plan's rectangle, and all offsets inside the plan's checked lengths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interior {
    /// First row; a multiple of [`rows_at_once`].
    pub(super) top: usize,
    /// Row after the last; as many rows as [`rows_at_once`] divides.
    pub(super) bottom: usize,
    /// First tile of each tile row.
    pub(super) first_tile: usize,
    /// How many tiles of each tile row.
    pub(super) tiles: usize,
    /// Tiles of a tile row of the whole surface.
    pub(super) tiles_per_row: usize,
    /// Where the first row's first byte lies in the linear buffer.
    pub(super) linear_start: usize,
    /// Distance of the linear rows in bytes.
    pub(super) linear_pitch: usize,
    /// How many bytes it covers.
    pub(super) bytes: u64,
    /// The swizzle's bits, counted from bit 9.
    pub(super) swizzle: usize,
}

/// Rows that are written side by side.
///
/// Two rows of a Y tile share a cache line's half. More at once would be read better, but each open row holds
/// a write-combining buffer where rows do not start at a cache line, and those run out.
const fn rows_at_once(tiling: Tiling) -> u64 {
    match tiling {
        Tiling::X => 1,
        Tiling::Y => 2,
    }
}

impl Interior {
    /// Splits the plan's rectangle into its interior, if it has one, and the edges around it.
    pub(super) fn split(plan: &CopyPlan) -> (Option<Self>, [Rect; 4]) {
        let Rect { x, y, width, height } = plan.rect;
        let (tile_width, step) = (plan.tiling().width(), rows_at_once(plan.tiling()));
        let (right, bottom) = (x + width, y + height);
        // Neither rounds up past the surface: its pitch is whole tiles, and rows past `bottom` are cut off.
        let inner_x = x.next_multiple_of(tile_width).min(right);
        let inner_right = (right - right % tile_width).max(inner_x);
        let inner_y = y.next_multiple_of(step).min(bottom);
        let inner_bottom = (bottom - bottom % step).max(inner_y);
        let inner =
            Rect { x: inner_x, y: inner_y, width: inner_right - inner_x, height: inner_bottom - inner_y };
        let edges = [
            Rect { height: inner_y - y, ..plan.rect },
            Rect { y: inner_y, width: inner_x - x, height: inner.height, x },
            Rect { y: inner_y, width: right - inner_right, height: inner.height, x: inner_right },
            Rect { y: inner_bottom, height: bottom - inner_bottom, ..plan.rect },
        ];
        (Self::of(plan, inner), edges)
    }

    fn of(plan: &CopyPlan, inner: Rect) -> Option<Self> {
        let tile_width = plan.tiling().width();
        let index = |value: u64| usize::try_from(value).ok();
        let to_row = (inner.y - plan.rect.y) * plan.linear.pitch;
        (inner.width > 0 && inner.height > 0).then_some(())?;
        Some(Self {
            top: index(inner.y)?,
            bottom: index(inner.y + inner.height)?,
            first_tile: index(inner.x / tile_width)?,
            tiles: index(inner.width / tile_width)?,
            tiles_per_row: index(plan.surface.pitch() / tile_width)?,
            linear_start: index(plan.linear.offset + to_row + (inner.x - plan.rect.x))?,
            linear_pitch: index(plan.linear.pitch)?,
            bytes: inner.width * inner.height,
            swizzle: index(plan.surface.swizzle().mask() >> Swizzle::LOWEST_BIT)?,
        })
    }
}
