//! Fence registers as a guest leaves them, and the sizes of a surface as it claims them.
#![forbid(unsafe_code)]

use crate::input::Input;
use libxengt::addr::GuestGma;
use libxengt::fence::{Fence, FenceReg};
use libxengt::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, Tiling};

/// A register decodes to what encodes to it. A copy is refused, or puts each byte where `offset_of` says
/// and touches no other.
pub fn tiling(data: &[u8]) {
    let mut input = Input::new(data);
    fence(input.u64());
    let choice = input.u8();
    let (tiling, wild) = (if choice & 1 == 0 { Tiling::X } else { Tiling::Y }, choice & 2 != 0);
    let swizzle = Swizzle::ALL[usize::from(choice >> 4) % Swizzle::ALL.len()];
    let convert = if choice & 4 == 0 { Convert::AsIs } else { Convert::BgrxRgba };
    // Any number at all finds overflows; small ones are those that are ever copied.
    let mut number = |small: u64| if wild { input.u64() } else { u64::from(input.u16()) % small };
    let pitch = if wild { number(0) } else { (number(4) + 1) * tiling.width() };
    let rows = number(80);
    let Ok(surface) = TiledSurface::try_new(tiling, swizzle, pitch, rows) else { return };
    let rect = Rect { x: number(2048), y: number(80), width: number(2048), height: number(80) };
    let linear = LinearLayout { offset: number(64), pitch: number(2300) };
    let Ok(plan) = surface.plan(rect, linear, convert) else { return };

    if plan.tiled_needed() > 0 {
        assert!(plan.detile(&[], &mut []).is_err() && plan.tile(&[], &mut []).is_err());
    }
    if plan.tiled_needed() > 1 << 18 || plan.linear_needed() > 1 << 18 {
        return;
    }
    let tiled = pattern(plan.tiled_needed(), input.rest());
    let mut out = vec![0xa5; plan.linear_needed()];
    plan.detile(&tiled, &mut out).expect("the lengths are those that the plan asked for");
    for y in 0..rect.height {
        for x in 0..rect.width {
            // BGRX to RGBA: blue and red change places, and the fourth byte is opaque.
            let from = match (convert, x % 4) {
                (Convert::BgrxRgba, 0) => x + 2,
                (Convert::BgrxRgba, 2) => x - 2,
                _ => x,
            };
            let at = surface.offset_of(rect.x + from, rect.y + y).expect("inside, the plan says");
            let opaque = convert == Convert::BgrxRgba && x % 4 == 3;
            let expected = if opaque { 255 } else { tiled[index(at)] };
            assert_eq!(
                out[index(linear.offset + y * linear.pitch + x)],
                expected,
                "{rect} byte {x}, row {y}"
            );
        }
    }
    if convert == Convert::AsIs && tiled.len() <= 1 << 14 {
        tiles_back(&surface, rect, linear, &out, &tiled);
    }
}

fn tiles_back(surface: &TiledSurface, rect: Rect, linear: LinearLayout, out: &[u8], tiled: &[u8]) {
    let mut back = vec![0x5a; tiled.len()];
    let plan = surface.plan(rect, linear, Convert::AsIs).expect("it was planned before");
    plan.tile(out, &mut back).expect("the lengths are those that the plan asked for");
    for (at, byte) in (0..).zip(&back) {
        let inside = surface.position_of(at).is_some_and(|(x, y)| {
            (rect.x..rect.x + rect.width).contains(&x) && (rect.y..rect.y + rect.height).contains(&y)
        });
        assert_eq!(*byte, if inside { tiled[index(at)] } else { 0x5a }, "{rect} at {at:#x}");
    }
}

fn fence(raw: u64) {
    if let Ok(Some(fence)) = Fence::<GuestGma>::decode(FenceReg::from(raw)) {
        assert_eq!(fence.encode().map(u64::from), Ok(raw));
        assert!(fence.contains(fence.start) && fence.contains(fence.last()));
    }
}

/// `len` bytes that differ from their neighbours, steered by the fuzzer.
fn pattern(len: usize, seed: &[u8]) -> Vec<u8> {
    let key = seed.iter().fold(0x9e37_79b9_u32, |key, byte| key.rotate_left(5) ^ u32::from(*byte));
    (0..len)
        .map(|at| {
            at.to_le_bytes()[..4].iter().fold(key, |k, b| (k ^ u32::from(*b)).wrapping_mul(0x0100_0193))
        })
        .map(|mixed| mixed.to_le_bytes()[3])
        .collect()
}

fn index(at: u64) -> usize {
    usize::try_from(at).expect("buffers here are small")
}
