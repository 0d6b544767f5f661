//! The calls into C.
#![expect(unsafe_code, reason = "isl is C; Copy::check holds what its functions require")]

use core::ffi::{c_char, c_uint};

use crate::{Copy, Kind, Tiling};

/// isl's copies share one signature: x1, x2, y1, y2, to, from, pitch to, pitch from, swizzled, tiling, kind.
///
/// The signs of the pitches differ between directions; both fit 31 bits here, where that makes no difference.
type CopyFn =
    unsafe extern "C" fn(u32, u32, u32, u32, *mut c_char, *const c_char, u32, u32, bool, c_uint, c_uint);

unsafe extern "C" {
    #[link_name = "_isl_memcpy_tiled_to_linear"]
    fn from_tiled(
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: *mut c_char,
        _: *const c_char,
        _: u32,
        _: u32,
        _: bool,
        _: c_uint,
        _: c_uint,
    );
    #[link_name = "_isl_memcpy_tiled_to_linear_sse41"]
    fn from_tiled_sse41(
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: *mut c_char,
        _: *const c_char,
        _: u32,
        _: u32,
        _: bool,
        _: c_uint,
        _: c_uint,
    );
    #[link_name = "_isl_memcpy_linear_to_tiled"]
    fn to_tiled(
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: *mut c_char,
        _: *const c_char,
        _: u32,
        _: u32,
        _: bool,
        _: c_uint,
        _: c_uint,
    );
    #[link_name = "_isl_memcpy_linear_to_tiled_sse41"]
    fn to_tiled_sse41(
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: *mut c_char,
        _: *const c_char,
        _: u32,
        _: u32,
        _: bool,
        _: c_uint,
        _: c_uint,
    );
}

/// The shim's numbers (`shim/isl_priv.h`): the build, and the value of `isl_memcpy_type`.
const fn kind_number(kind: Kind) -> (bool, c_uint) {
    match kind {
        Kind::Plain => (false, 0),
        Kind::Bgra8 => (false, 1),
        Kind::Streaming => (true, 2),
        Kind::Bgra8Sse41 => (true, 1),
    }
}

const fn tiling_number(tiling: Tiling) -> c_uint {
    match tiling {
        Tiling::X => 1,
        Tiling::Y => 2,
    }
}

pub(crate) fn tiled_to_linear(copy: Copy, kind: Kind, tiled: &[u8], linear: &mut [u8]) {
    let (sse41, number) = kind_number(kind);
    let run: CopyFn = if sse41 { require_sse41(from_tiled_sse41) } else { from_tiled };
    let (to, from) = (linear.as_mut_ptr().cast(), tiled.as_ptr().cast());
    // SAFETY: `Copy::check` passed: the rectangle lies inside both buffers, which are distinct slices, and
    // `tiled` is aligned as isl's vector loads need.
    unsafe { call(run, copy, to, from, copy.linear_pitch, copy.tiled_pitch, number) }
}

pub(crate) fn linear_to_tiled(copy: Copy, kind: Kind, linear: &[u8], tiled: &mut [u8]) {
    let (sse41, number) = kind_number(kind);
    let run: CopyFn = if sse41 { require_sse41(to_tiled_sse41) } else { to_tiled };
    let (to, from) = (tiled.as_mut_ptr().cast(), linear.as_ptr().cast());
    // SAFETY: as above, with the directions changed.
    unsafe { call(run, copy, to, from, copy.tiled_pitch, copy.linear_pitch, number) }
}

/// # Safety
/// `to` and `from` must hold the copy for `run`'s direction.
unsafe fn call(
    run: CopyFn,
    copy: Copy,
    to: *mut c_char,
    from: *const c_char,
    to_pitch: u32,
    from_pitch: u32,
    number: c_uint,
) {
    let (x2, y2) = (copy.x + copy.width, copy.y + copy.height);
    let tiling = tiling_number(copy.tiling);
    // SAFETY: the caller's promise; the numbers are the shim's own.
    unsafe { run(copy.x, x2, copy.y, y2, to, from, to_pitch, from_pitch, copy.swizzled, tiling, number) }
}

fn require_sse41(run: CopyFn) -> CopyFn {
    assert!(std::arch::is_x86_feature_detected!("sse4.1"), "this machine has no SSE4.1");
    run
}
