//! Runs: pieces, merged.

use core::marker::PhantomData;

use super::mapping::{Run, Target};
use super::pieces::{Piece, What};
use super::space::GraphicsAddr;
use crate::addr::PhysAddr;

/// Merges the neighbours among `pieces` that lead to one target.
pub(super) fn merge<V: GraphicsAddr, A: PhysAddr>(
    pieces: impl Iterator<Item = Piece<A>>,
) -> impl Iterator<Item = Run<V, A>> {
    Merge { pieces, pending: None, space: PhantomData }
}

struct Merge<V, A, I> {
    pieces: I,
    pending: Option<Run<V, A>>,
    space: PhantomData<V>,
}

fn run<V: GraphicsAddr, A>(piece: Piece<A>) -> Run<V, A> {
    let target = match piece.what {
        What::Mapped { addr, access, .. } => Target::Mapped { addr, access },
        What::Hole => Target::Hole,
        What::Fault(error) => Target::Fault(error),
    };
    Run { start: V::from_truncated(piece.start), len: piece.len, target }
}

fn continues<V, A: PhysAddr>(run: &Run<V, A>, next: &Piece<A>) -> bool {
    match (&run.target, &next.what) {
        (Target::Mapped { addr, access }, What::Mapped { addr: next, access: next_access, .. }) => {
            access == next_access && addr.checked_add(run.len) == Some(*next)
        }
        (Target::Hole, What::Hole) => true,
        _ => false,
    }
}

impl<V: GraphicsAddr, A: PhysAddr, I: Iterator<Item = Piece<A>>> Iterator for Merge<V, A, I> {
    type Item = Run<V, A>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        for piece in self.pieces.by_ref() {
            match &mut self.pending {
                Some(pending) if continues(pending, &piece) => pending.len += piece.len,
                pending => {
                    if let Some(done) = pending.replace(run(piece)) {
                        return Some(done);
                    }
                }
            }
        }
        self.pending.take()
    }
}
