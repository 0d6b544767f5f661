//! The aperture: the CPU's window onto the global graphics space, detiled where fences say so.
//!
//! Source: Skylake PRM, volume 5, "Fences"; i915 `gt/intel_ggtt_fencing.c`.
#![forbid(unsafe_code)]

use libxengt::addr::{HostGma, PAGE_SIZE};
use libxengt::fence::{Fence, FenceReg};
use libxengt::memory::GuestMemory;
use libxengt::tiling::{Swizzle, TiledSurface};

use super::Device;
use crate::bits::{index, join, length};
use crate::registers::gt::FENCE_FIRST;

const FENCES: u32 = 32;

impl Device {
    /// Reads through the aperture; bytes that map nothing are all ones, as the bus gives them.
    pub(super) fn read_aperture(&self, offset: u64, out: &mut [u8]) {
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let (gma, len) = self.aperture_piece(offset + length(done), rest.len());
            let Some(piece) = rest.get_mut(..len) else { return };
            let read = gma.and_then(|gma| self.gtt.translate(gma)).map(|at| self.memory.read(at, piece));
            if !matches!(read, Some(Ok(()))) {
                piece.fill(0xff);
            }
            done += len;
        }
    }

    /// Writes through the aperture; what maps nothing is lost.
    pub(super) fn write_aperture(&self, offset: u64, data: &[u8]) {
        let mut rest = data;
        while !rest.is_empty() {
            let at = offset + length(data.len() - rest.len());
            let (gma, len) = self.aperture_piece(at, rest.len());
            let Some((piece, next)) = rest.split_at_checked(len) else { return };
            let written =
                gma.and_then(|gma| self.gtt.translate(gma)).and_then(|at| self.memory.write(at, piece));
            if written.is_none() {
                log::debug!("a write to the aperture at {at:#x} maps nothing");
            }
            rest = next;
        }
    }

    /// Where the byte at `offset` lies in the graphics space, and how many of `len` bytes follow it there.
    fn aperture_piece(&self, offset: u64, len: usize) -> (Option<HostGma>, usize) {
        let gma = HostGma::from_truncated(offset);
        let Some(fence) = self.fence_of(gma) else {
            let in_page = PAGE_SIZE - gma.page_offset();
            return (Some(gma), len.min(index(in_page)));
        };
        // 16 bytes in a row stay together in every tiling.
        let len = len.min(index(16 - offset % 16));
        (tiled(&fence, gma), len)
    }

    fn fence_of(&self, gma: HostGma) -> Option<Fence<HostGma>> {
        (0..FENCES).find_map(|number| {
            let at = FENCE_FIRST + number * 8;
            let register = join(self.registers.get(at), self.registers.get(at + 4));
            if register & 1 == 0 {
                return None;
            }
            Fence::decode(FenceReg::from(register)).ok().flatten().filter(|fence| fence.contains(gma))
        })
    }
}

/// Where the byte that a fence's user sees at `gma` lies.
fn tiled(fence: &Fence<HostGma>, gma: HostGma) -> Option<HostGma> {
    let offset = gma.offset_from(fence.start)?;
    let rows = fence.len.div_ceil(fence.pitch);
    let surface = TiledSurface::try_new(fence.tiling, Swizzle::None, fence.pitch, rows).ok()?;
    fence.start.checked_add(surface.offset_of(offset % fence.pitch, offset / fence.pitch)?)
}
