//! Where everything lies in a simulated guest, so that examples and tests can name it.

use crate::addr::{Gfn, MB, PpgttAddr};

/// Bytes of every simulated guest's memory, holes included. The file takes room only where it is written.
pub const GUEST_MEMORY: u64 = 2048 * MB;

/// The VGA hole: guest frames with nothing behind them.
pub const VGA_HOLE: (Gfn, Gfn) = (Gfn::new(0xa0), Gfn::new(0xc0));
/// Guest frames that the balloon driver gave back.
pub const BALLOONED: (Gfn, Gfn) = (Gfn::new(0x3f000), Gfn::new(0x3f800));

/// The framebuffer's frames; the GGTT maps them in blocks from the last to the first.
pub const FRAMEBUFFER: Gfn = Gfn::new(0x10000);
/// Width of the screen in pixels.
pub const WIDTH: u32 = 1024;
/// Height of the screen in rows.
pub const HEIGHT: u32 = 768;
/// Bytes from one row of the framebuffer to the next.
pub const PITCH: u32 = 4096;

/// The root of the guest's 4-level PPGTT.
pub const PML4: Gfn = Gfn::new(0x200);

/// Sixteen 4 KiB pages, one of them read-only and one missing.
pub const VA_4K: PpgttAddr = PpgttAddr::new(0x10_0000);
/// Four 64 KiB pages (Gen9 only).
pub const VA_64K: PpgttAddr = PpgttAddr::new(0x40_0000);
/// One 2 MiB page.
pub const VA_2M: PpgttAddr = PpgttAddr::new(0x80_0000);
/// One 1 GiB page.
pub const VA_1G: PpgttAddr = PpgttAddr::new(0x4000_0000);

pub(super) const FRAMES_4K: Gfn = Gfn::new(0x9000);
pub(super) const FRAMES_64K: Gfn = Gfn::new(0xa000);
pub(super) const FRAMES_2M: Gfn = Gfn::new(0x1_2000);
pub(super) const FRAMES_1G: Gfn = Gfn::new(0x4_0000);
/// The ring buffer: eight pages in the aperture, past the framebuffer.
pub(super) const RING: Gfn = Gfn::new(0x8000);
/// The context image: twenty pages at the start of hidden graphics memory.
pub(super) const CONTEXT: Gfn = Gfn::new(0x8100);
