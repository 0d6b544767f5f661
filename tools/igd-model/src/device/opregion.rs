//! The OpRegion: what firmware would leave for the driver. Here it says that no mailbox is supported.
//!
//! QEMU wants one of this class of device, and firmware copies it to memory. Without a VBT the driver assumes
//! an HDMI and a DisplayPort connector on each of the ports B to D.
//!
//! Source: i915 `display/intel_opregion.c`, "struct opregion_header".
#![forbid(unsafe_code)]

use crate::bits::index;

/// Its size in bytes.
pub(crate) const OPREGION_BYTES: u64 = 8 << 10;

const SIGNATURE: &[u8; 16] = b"IntelGraphicsMem";
/// Size in KiB at 0x10, version 2.0 at 0x16 (revision, minor, major).
const SIZE_KIB: usize = 0x10;
const MAJOR_VERSION: usize = 0x17;

fn byte(at: usize) -> u8 {
    match at {
        SIZE_KIB => 8,
        MAJOR_VERSION => 2,
        at => SIGNATURE.get(at).copied().unwrap_or(0),
    }
}

/// Copies bytes from `offset` on.
pub(super) fn read(offset: u64, out: &mut [u8]) {
    for (at, slot) in (index(offset)..).zip(out) {
        *slot = byte(at);
    }
}
