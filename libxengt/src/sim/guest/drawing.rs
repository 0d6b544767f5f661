//! One guest's bytes, on their way into files.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::super::host::MMIO_BYTES;
use super::super::state::CheckedVgpu;
use super::super::{SimError, disk};
use super::ggtt::{FRAMEBUFFER_BYTES, mappings};
use super::layout::{GUEST_MEMORY, HEIGHT, PITCH};
use super::ppgtt::tables;
use super::registers::{MMIO_IMAGE_BYTES, guest_fence, host_fence, image};
use super::{p2m, test_card};
use crate::addr::{Gfn, HostGma, PAGE_SIZE};
use crate::bar::GGTT_OFFSET;
use crate::gtt::GgttPte;
use crate::p2m::P2m;
use crate::platform::Generation;
use crate::root::Root;
use crate::tiling::{Convert, LinearLayout, Rect, Swizzle, TiledSurface, Tiling};

/// Bytes of a guest's virtual GGTT: entries for 4 GiB.
const VIRTUAL_GGTT_BYTES: u64 = 8 << 20;

/// A guest and its vGPU's host side, ready to be written.
pub(in super::super) struct Drawing<'v> {
    vgpu: &'v CheckedVgpu,
    generation: Generation,
    p2m: P2m,
}

impl<'v> Drawing<'v> {
    /// The drawing of `vgpu`'s guest.
    pub(in super::super) fn new(vgpu: &'v CheckedVgpu, generation: Generation) -> Result<Self, SimError> {
        let p2m = p2m::of(vgpu.domid).map_err(|e| fault(vgpu, &e))?;
        Ok(Self { vgpu, generation, p2m })
    }

    /// Writes the guest's memory and its physical-to-machine map.
    pub(in super::super) fn write_guest(&self, dir: &Path) -> Result<(), SimError> {
        let path = dir.join("memory");
        let memory = disk::sparse(&path, GUEST_MEMORY)?;
        let put = |bytes: &[u8], gfn: Gfn| put(&memory, &path, bytes, gfn.addr().get());
        for (gfn, entries) in tables(self.generation) {
            put(&words(entries.iter().copied()), gfn)?;
        }
        let linear = test_card::pixels(self.vgpu.domid);
        let (pitch, rows) = (u64::from(PITCH), u64::from(HEIGHT));
        let whole = Rect { x: 0, y: 0, width: pitch, height: rows };
        let mut tiled = vec![0; linear.len()];
        TiledSurface::try_new(Tiling::X, Swizzle::None, pitch, rows)
            .and_then(|surface| surface.plan(whole, LinearLayout { offset: 0, pitch }, Convert::AsIs))
            .and_then(|plan| plan.tile(&linear, &mut tiled))
            .map_err(|e| fault(self.vgpu, &e))?;
        let mut rest = tiled.as_slice();
        for mapping in mappings(&self.vgpu.window) {
            let len = usize::try_from(mapping.pages * PAGE_SIZE).unwrap_or(usize::MAX);
            // The framebuffer's mappings come first; what follows shows nothing.
            let Some((block, after)) = rest.split_at_checked(len) else { break };
            put(block, mapping.gfn)?;
            rest = after;
        }
        disk::replace(&dir.join("p2m"), self.p2m.to_string().as_bytes())
    }

    /// Writes the vGPU's shadow entries, fences and aperture into the host's BARs.
    pub(in super::super) fn write_host(&self, root: &Root) -> Result<(), SimError> {
        let fence = u64::from(host_fence(self.vgpu).encode().map_err(|e| fault(self.vgpu, &e))?);
        self.put_host(root, |gfn| self.host_entry(gfn), fence, &test_card::pixels(self.vgpu.domid))
    }

    /// How many pages of the guest's memory its vGPU's window leads to.
    pub(in super::super) fn mapped_pages(&self) -> u64 {
        let gfns = mappings(&self.vgpu.window).into_iter();
        let gfns = gfns.flat_map(|mapping| (0..mapping.pages).map(move |page| offset(mapping.gfn, page)));
        gfns.filter(|gfn| self.p2m.mfn(*gfn).is_some()).fold(0, |pages, _| pages + 1)
    }

    /// Wipes what [`Self::write_host`] wrote.
    pub(in super::super) fn wipe_host(&self, root: &Root) -> Result<(), SimError> {
        let black = vec![0; usize::try_from(FRAMEBUFFER_BYTES).unwrap_or(0)];
        self.put_host(root, |_| 0, 0, &black)
    }

    fn put_host(
        &self,
        root: &Root,
        entry: impl Fn(Gfn) -> u64,
        fence: u64,
        linear: &[u8],
    ) -> Result<(), SimError> {
        let gpu = root.pci_devices().join("0000:00:02.0");
        let path = gpu.join("resource0");
        let mmio = open_whole(&path, MMIO_BYTES)?;
        let window = self.vgpu.window.aperture();
        let card = gpu.join("resource2");
        let aperture = open_whole(&card, window.host_span().last + 1)?;
        for mapping in mappings(&self.vgpu.window) {
            let host = self.vgpu.window.g2h(mapping.gma).map_err(|e| fault(self.vgpu, &e))?;
            let entries = (0..mapping.pages).map(|page| entry(offset(mapping.gfn, page)));
            put(&mmio, &path, &words(entries), GGTT_OFFSET + index(host) * 8)?;
        }
        if let Some(first) = self.vgpu.fences.first() {
            put(&mmio, &path, &fence.to_le_bytes(), first.mmio_offset())?;
        }
        // The CPU sees the aperture through the fence: linear.
        put(&aperture, &card, linear, window.host_base().get())
    }

    /// Writes the vGPU's virtual GGTT and MMIO image, as debugfs shows them.
    pub(in super::super) fn write_debug(&self, dir: &Path) -> Result<(), SimError> {
        let path = dir.join("ggtt");
        let ggtt = disk::sparse(&path, VIRTUAL_GGTT_BYTES)?;
        for mapping in mappings(&self.vgpu.window) {
            let entries = (0..mapping.pages).map(|page| pte(offset(mapping.gfn, page).get()));
            put(&ggtt, &path, &words(entries), mapping.gma.get() / PAGE_SIZE * 8)?;
        }
        let path = dir.join("mmio");
        let mmio = disk::sparse(&path, MMIO_IMAGE_BYTES)?;
        debug_assert!(guest_fence(self.vgpu).len == FRAMEBUFFER_BYTES);
        for (at, bytes) in image(self.vgpu, self.generation).map_err(|e| fault(self.vgpu, &e))? {
            put(&mmio, &path, &bytes, at)?;
        }
        Ok(())
    }

    /// The shadow of a guest's entry: the machine frame behind, or not present where there is none.
    fn host_entry(&self, gfn: Gfn) -> u64 {
        self.p2m.mfn(gfn).map_or(0, |mfn| pte(mfn.get()))
    }
}

/// A damaged file is not grown into a whole one: readers must see that it is damaged.
fn open_whole(path: &Path, bytes: u64) -> Result<File, SimError> {
    let file = disk::open_rw(path)?;
    let len = file.metadata().map_err(|e| SimError::io("examine", path, e))?.len();
    if len >= bytes {
        return Ok(file);
    }
    let problem = format!("{len} bytes, expected at least {bytes}");
    Err(SimError::State { path: path.to_owned(), problem })
}

fn pte(frame: u64) -> u64 {
    GgttPte::new().with_present(true).with_frame(frame).into_bits()
}

fn offset(gfn: Gfn, pages: u64) -> Gfn {
    gfn.checked_add(pages).unwrap_or(Gfn::MAX)
}

fn index(gma: HostGma) -> u64 {
    gma.get() / PAGE_SIZE
}

fn words(values: impl Iterator<Item = u64>) -> Vec<u8> {
    values.flat_map(u64::to_le_bytes).collect()
}

fn put(file: &File, path: &Path, bytes: &[u8], at: u64) -> Result<(), SimError> {
    file.write_all_at(bytes, at).map_err(|e| SimError::io("write", path, e))
}

fn fault(vgpu: &CheckedVgpu, problem: &dyn std::fmt::Display) -> SimError {
    SimError::Guest { domid: vgpu.domid.get(), problem: problem.to_string() }
}
