//! What a simulated guest maps in its global GTT.

use super::layout::{CONTEXT, FRAMEBUFFER, HEIGHT, PITCH, RING};
use crate::addr::{Gfn, GuestGma, MB, PAGE_SIZE};
use crate::window::Window;

/// Pages of a block of the framebuffer that stays together.
const BLOCK: u64 = 64;

/// Bytes of the framebuffer: a whole number of tiles.
pub(super) const FRAMEBUFFER_BYTES: u64 = PITCH as u64 * HEIGHT as u64;

/// `pages` graphics pages from `gma` on that map as many guest frames from `gfn` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapping {
    pub(super) gma: GuestGma,
    pub(super) gfn: Gfn,
    pub(super) pages: u64,
}

/// The guest's mappings: framebuffer, ring buffer, context image.
pub(super) fn mappings(window: &Window) -> Vec<Mapping> {
    let (low, high) = (window.aperture().guest_base(), window.hidden().guest_base());
    let at = |base: GuestGma, bytes: u64| base.checked_add(bytes).unwrap_or(GuestGma::MAX);
    let frame = |base: Gfn, frames: u64| base.checked_add(frames).unwrap_or(Gfn::MAX);
    let blocks = FRAMEBUFFER_BYTES / PAGE_SIZE / BLOCK;
    (0..blocks)
        .map(|block| Mapping {
            gma: at(low, block * BLOCK * PAGE_SIZE),
            gfn: frame(FRAMEBUFFER, (blocks - 1 - block) * BLOCK),
            pages: BLOCK,
        })
        .chain([
            Mapping { gma: at(low, 8 * MB), gfn: RING, pages: 8 },
            Mapping { gma: high, gfn: CONTEXT, pages: 20 },
        ])
        .collect()
}
