//! A simulated vGPU's MMIO image: PVINFO, fences, and the plane that shows the test card.

use super::ggtt::FRAMEBUFFER_BYTES;
use super::layout::{HEIGHT, PITCH, PML4, WIDTH};
use crate::addr::{GuestGma, HostGma};
use crate::fence::{self, Fence, FenceError};
use crate::platform::Generation;
use crate::pvinfo::{self, G2v, Pvinfo};
use crate::tiling::Tiling;

use super::super::state::CheckedVgpu;

/// Bytes of the image: the registers of BAR 0.
pub(crate) const MMIO_IMAGE_BYTES: u64 = 2 << 20;

/// The guest's framebuffer, as its fence 0 describes it.
pub(super) fn guest_fence(vgpu: &CheckedVgpu) -> Fence<GuestGma> {
    Fence {
        start: vgpu.window.aperture().guest_base(),
        len: FRAMEBUFFER_BYTES,
        pitch: PITCH.into(),
        tiling: Tiling::X,
    }
}

/// The same, as the host's fence register describes it.
pub(super) fn host_fence(vgpu: &CheckedVgpu) -> Fence<HostGma> {
    let Fence { len, pitch, tiling, .. } = guest_fence(vgpu);
    Fence { start: vgpu.window.aperture().host_base(), len, pitch, tiling }
}

/// What the image holds: offsets and bytes.
pub(super) fn image(vgpu: &CheckedVgpu, generation: Generation) -> Result<Vec<(u64, Vec<u8>)>, FenceError> {
    let fences = u32::try_from(vgpu.fences.len()).unwrap_or(0);
    let mut page = Pvinfo::from_window(&vgpu.window, fences);
    page.id = vgpu.id;
    page.g2v_notify = G2v::PpgttL4Create.number();
    page.display_ready = 1;
    if let Some(first) = page.pdp_registers.first_mut() {
        *first = PML4.addr().get();
    }
    let register = u64::from(guest_fence(vgpu).encode()?);
    let (control, stride) = match generation {
        Generation::Gen9 => (0x8400_0400_u32, PITCH / 512),
        _ => (0x9800_0400, PITCH),
    };
    let surface = u32::try_from(guest_fence(vgpu).start.get()).unwrap_or(0);
    let word = |at: u64, value: u32| (at, value.to_le_bytes().to_vec());
    Ok(vec![
        (pvinfo::MMIO_OFFSET, page.to_bytes().to_vec()),
        (fence::MMIO_BASE, register.to_le_bytes().to_vec()),
        word(0x6_001c, (WIDTH - 1) << 16 | (HEIGHT - 1)),
        word(0x7_0180, control),
        word(0x7_0188, stride),
        word(0x7_0190, (HEIGHT - 1) << 16 | (WIDTH - 1)),
        word(0x7_019c, surface),
    ])
}
