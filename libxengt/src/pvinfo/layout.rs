//! The page byte by byte, in the header's order.

use core::mem::{offset_of, size_of};

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A run of graphics addresses.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Area {
    /// The first address.
    pub(super) base: U32,
    /// Size in bytes.
    pub(super) size: U32,
}

/// `struct vgt_if` of i915 `i915_pvinfo.h`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Page {
    pub(super) magic: U64,
    pub(super) version_major: U16,
    pub(super) version_minor: U16,
    pub(super) vgt_id: U32,
    pub(super) vgt_caps: U32,
    reserved_14: [u8; 0x2c],
    /// The guest's part of the aperture.
    pub(super) mappable: Area,
    /// The guest's part of the rest of the GGTT.
    pub(super) nonmappable: Area,
    pub(super) fence_num: U32,
    reserved_54: [u8; 0x7ac],
    // From here on the driver writes.
    reserved_800: [u8; 4],
    pub(super) display_ready: U32,
    reserved_808: [u8; 0x10],
    pub(super) g2v_notify: U32,
    reserved_81c: [u8; 0x14],
    pub(super) cursor_x_hot: U32,
    pub(super) cursor_y_hot: U32,
    /// Low and high half of each are separate registers of 32 bits.
    pub(super) pdp: [U64; 4],
    /// Low and high half likewise.
    pub(super) context_descriptor: U64,
    reserved_860: [u8; 0x7a0],
}

const _: () = {
    assert!(size_of::<Page>() == 0x1000);
    assert!(offset_of!(Page, version_major) == 0x8);
    assert!(offset_of!(Page, version_minor) == 0xa);
    assert!(offset_of!(Page, vgt_id) == 0xc);
    assert!(offset_of!(Page, vgt_caps) == 0x10);
    assert!(offset_of!(Page, mappable) == 0x40);
    assert!(offset_of!(Page, nonmappable) == 0x48);
    assert!(offset_of!(Page, fence_num) == 0x50);
    assert!(offset_of!(Page, display_ready) == 0x804);
    assert!(offset_of!(Page, g2v_notify) == 0x818);
    assert!(offset_of!(Page, cursor_x_hot) == 0x830);
    assert!(offset_of!(Page, cursor_y_hot) == 0x834);
    assert!(offset_of!(Page, pdp) == 0x838);
    assert!(offset_of!(Page, context_descriptor) == 0x858);
};
