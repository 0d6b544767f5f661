//! Where a new vGPU's window and fences go: the kernel's rules, first fit.
//!
//! The host keeps the first [`HOST_LOW_GM`] and [`HOST_HIGH_GM`] bytes and [`HOST_FENCES`] fences; windows are
//! aligned to 2 MB, so that the aperture can be mapped with large pages.

use super::state::{State, VgpuRecord};
use crate::addr::{DomId, MB};
use crate::capacity::{GPU_FENCES, HOST_FENCES, HOST_HIGH_GM, HOST_LOW_GM, MAX_INSTANCES};
use crate::vgpu_type::VgpuType;

/// Alignment of windows, in bytes.
const ALIGN: u64 = 2 * MB;

/// The record of a new vGPU, or `None` if no hole is large enough.
pub(super) fn allocate(state: &State, domid: DomId, ty: &VgpuType) -> Option<VgpuRecord> {
    let resources = state.resources();
    let taken: Vec<_> =
        state.vgpus.iter().filter_map(|record| Some((record, record.check().ok()?))).collect();
    let low: Vec<_> = taken.iter().map(|(record, vgpu)| (record.aperture, vgpu.ty.low_gm)).collect();
    let high: Vec<_> = taken.iter().map(|(record, vgpu)| (record.hidden, vgpu.ty.high_gm)).collect();
    let fences: Vec<u8> = (HOST_FENCES..GPU_FENCES)
        .filter_map(|number| u8::try_from(number).ok())
        .filter(|number| !taken.iter().any(|(record, _)| record.fences.contains(number)))
        .take(usize::try_from(ty.fences).ok()?)
        .collect();
    Some(VgpuRecord {
        domid: domid.get(),
        id: (1..=MAX_INSTANCES).find(|id| taken.iter().all(|(record, _)| record.id != *id))?,
        low_mb: ty.low_mb(),
        aperture: first_fit(HOST_LOW_GM, resources.aperture, low, ty.low_gm)?,
        hidden: first_fit(resources.aperture + HOST_HIGH_GM, resources.ggtt, high, ty.high_gm)?,
        fences: Some(fences).filter(|fences| fences.len() == ty.fences as usize)?,
        paused: false,
    })
}

/// The lowest aligned start in `from..to` with `len` bytes that no (start, length) of `taken` touches.
fn first_fit(from: u64, to: u64, mut taken: Vec<(u64, u64)>, len: u64) -> Option<u64> {
    taken.sort_unstable();
    let mut start = from.next_multiple_of(ALIGN);
    for (at, size) in taken {
        if start.checked_add(len)? <= at {
            break;
        }
        start = start.max(at.checked_add(size)?).checked_next_multiple_of(ALIGN)?;
    }
    (start.checked_add(len)? <= to).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::first_fit;
    use crate::addr::MB;

    #[test]
    fn holes_are_used_before_the_end() {
        let taken = vec![(128 * MB, 64 * MB), (256 * MB, 64 * MB)];
        assert_eq!(first_fit(128 * MB, 512 * MB, taken.clone(), 64 * MB), Some(192 * MB));
        assert_eq!(first_fit(128 * MB, 512 * MB, taken.clone(), 128 * MB), Some(320 * MB));
        assert_eq!(first_fit(128 * MB, 512 * MB, taken, 256 * MB), None);
        assert_eq!(first_fit(MB, 64 * MB, vec![(2 * MB, MB)], 2 * MB), Some(4 * MB));
        assert_eq!(first_fit(0, u64::MAX, vec![(u64::MAX - 1, 1)], u64::MAX), None);
    }
}
