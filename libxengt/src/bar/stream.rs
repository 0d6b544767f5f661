//! Stores that go past the caches, for output too large to be read again from them.
//!
//! A screen's worth of pixels evicts everything from the caches and is evicted itself before anybody reads it.
//! Ordinary stores also fetch each line before they overwrite it; these do not.
#![expect(
    unsafe_code,
    reason = "non-temporal stores and calls for CPU features exist only as unsafe operations"
)]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What one store writes.
pub(crate) type Block = [u8; 16];

/// Sixteen bytes at a multiple of sixteen.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(16))]
pub(crate) struct Lane(Block);

/// `bytes` as lanes, without up to 15 bytes at the end; `None` if they do not start at a multiple of 16.
pub(crate) fn lanes(bytes: &mut [u8]) -> Option<&mut [Lane]> {
    let whole = bytes.len() - bytes.len() % size_of::<Lane>();
    <[Lane]>::mut_from_bytes(bytes.get_mut(..whole)?).ok()
}

/// Lets `work` store to `lanes` past the caches.
pub(crate) fn write<R>(lanes: &mut [Lane], work: impl FnOnce(&mut Stream<'_>) -> R) -> R {
    // Fences when dropped, after `work` has returned or unwound; `work` has no way to keep it from that.
    work(&mut Stream { lanes })
}

/// Lanes that are being stored to.
///
/// # Invariants
/// Until it is dropped nobody else can reach the lanes, and it never reads them.
pub(crate) struct Stream<'a> {
    lanes: &'a mut [Lane],
}

impl Stream<'_> {
    /// Stores `blocks` one after the other, the first at byte `at`, rounded down to a lane.
    ///
    /// Stores nothing where there are no such lanes.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(&mut self, at: usize, blocks: [Block; N]) {
        let first = at / size_of::<Lane>();
        if let Some(lanes) = self.lanes.get_mut(first..first.wrapping_add(N)) {
            for (lane, block) in lanes.iter_mut().zip(blocks) {
                store(lane, block);
            }
        }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        fence();
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn store(lane: &mut Lane, block: Block) {
    use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
    let to: *mut __m128i = core::ptr::from_mut(lane).cast();
    // SAFETY: the pointer is to 16 initialised bytes of `block`; the load has no alignment to keep.
    let value = unsafe { _mm_loadu_si128(block.as_ptr().cast()) };
    // SAFETY:
    // - `to` comes from a unique reference to 16 bytes, aligned to 16 by `Lane`'s layout.
    // - SSE2 is part of x86-64.
    // - Nobody reads the lane before the fence: `Stream` holds it until its drop, which fences.
    unsafe { _mm_stream_si128(to, value) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn store(lane: &mut Lane, block: Block) {
    lane.0 = block;
}

fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a fence has nothing else to keep.
    unsafe {
        core::arch::x86_64::_mm_sfence();
    }
}

/// Asks for the cache line that `wanted` starts in.
#[inline(always)]
pub(crate) fn prefetch<T>(wanted: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64, and a prefetch accesses nothing: it may even name an unmapped address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(wanted).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = wanted;
}

/// Work that is compiled once more for CPUs that shuffle bytes in one instruction (SSSE3).
///
/// `run` and all it calls must be `#[inline(always)]`, else what it calls stays compiled for the baseline.
pub(crate) trait Kernel {
    /// Does the work.
    fn run(self);
}

/// Runs the version of `kernel` that fits this CPU.
pub(crate) fn run_fastest(kernel: impl Kernel) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("ssse3") {
        // SAFETY: the CPU has the one feature that the callee is compiled for.
        return unsafe { run_ssse3(kernel) };
    }
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3")]
fn run_ssse3(kernel: impl Kernel) {
    kernel.run();
}

#[cfg(test)]
mod tests {
    use super::{lanes, write};

    #[test]
    fn lanes_start_at_multiples_of_16_only() {
        let mut bytes = [0; 64];
        let to_lane = bytes.as_ptr().addr().next_multiple_of(16) - bytes.as_ptr().addr();
        for skip in 0..32 {
            let found = lanes(&mut bytes[skip..]).is_some();
            assert_eq!(found, skip % 16 == to_lane % 16, "{skip}");
        }
    }

    #[test]
    fn put_stores_inside_and_nothing_outside() {
        let mut bytes = vec![7; 96];
        let start = bytes.as_ptr().addr().next_multiple_of(16) - bytes.as_ptr().addr();
        let lanes = lanes(&mut bytes[start..start + 70]).unwrap();
        assert_eq!(lanes.len(), 4);
        write(lanes, |stream| {
            stream.put(16, [[1; 16], [2; 16]]);
            stream.put(48, [[3; 16], [4; 16]]);
            stream.put(64, [[5; 16]]);
            stream.put(usize::MAX, [[6; 16]]);
        });
        let mut expected = vec![7; 96];
        expected[start + 16..start + 32].fill(1);
        expected[start + 32..start + 48].fill(2);
        assert_eq!(bytes, expected);
    }
}
