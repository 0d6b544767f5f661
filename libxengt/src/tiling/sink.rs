//! Where whole blocks go: into a slice, or past the caches.

use crate::bar::stream::{Block, Stream};

/// Takes blocks in any order. Blocks beyond its end are dropped.
pub(super) trait Sink {
    /// Writes `blocks` one after the other, the first at byte `at`.
    fn put<const N: usize>(&mut self, at: usize, blocks: [Block; N]);
}

/// Ordinary stores.
pub(super) struct Plain<'a>(pub(super) &'a mut [u8]);

impl Sink for Plain<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, blocks: [Block; N]) {
        let room = self.0.get_mut(at..).and_then(|rest| rest.get_mut(..N * size_of::<Block>()));
        if let Some(room) = room {
            for (out, block) in room.as_chunks_mut().0.iter_mut().zip(blocks) {
                *out = block;
            }
        }
    }
}

/// Stores past the caches; every `at` is a multiple of 16.
impl Sink for Stream<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, blocks: [Block; N]) {
        Stream::put(self, at, blocks);
    }
}
