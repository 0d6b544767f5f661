//! A guest's GGTT, as GVT-g keeps it for the guest: its entries hold guest frames.

use super::InspectError;
use super::image::Image;
use crate::addr::DomId;
use crate::gtt::GgttSource;
use crate::memory::{MemoryError, MemoryErrorReason};
use crate::root::Root;

/// The most entries a GGTT has: 4 GiB in 4 KiB pages.
const MAX_ENTRIES: u64 = 1 << 20;
/// How many entries are fetched by one read.
const BATCH: usize = 512;

/// The virtual GGTT of one domain's vGPU.
#[derive(Debug)]
pub struct VirtualGgtt {
    image: Image,
    entries: u32,
}

impl VirtualGgtt {
    /// Opens the virtual GGTT of `domid`.
    ///
    /// # Errors
    /// [`InspectError`] if the kernel does not show it, or not to us.
    pub fn open(root: &Root, domid: DomId) -> Result<Self, InspectError> {
        let image = Image::open(&root.debug_vm(domid).join("ggtt"), "virtual GGTT", domid)?;
        let entries = image.len_between(8, MAX_ENTRIES * 8)? / 8;
        Ok(Self { image, entries: u32::try_from(entries).unwrap_or(0) })
    }
}

impl GgttSource for VirtualGgtt {
    fn entries(&self) -> u32 {
        self.entries
    }

    fn read_pte(&self, index: u32) -> Result<u64, MemoryError> {
        let mut one = [0];
        self.read_ptes(index, &mut one)?;
        let [entry] = one;
        Ok(entry)
    }

    fn read_ptes(&self, first: u32, out: &mut [u64]) -> Result<(), MemoryError> {
        let at = u64::from(first) * 8;
        let fail = |reason| MemoryError { at, len: out.len().saturating_mul(8), reason };
        let end = u64::try_from(out.len()).ok().and_then(|len| len.checked_add(first.into()));
        if end.is_none_or(|end| end > self.entries.into()) {
            return Err(fail(MemoryErrorReason::Beyond));
        }
        let mut bytes = [0; BATCH * 8];
        let starts = (at..).step_by(BATCH * 8);
        for (batch, start) in out.chunks_mut(BATCH).zip(starts) {
            let bytes = bytes.get_mut(..batch.len() * 8).unwrap_or_default();
            self.image.read(start, bytes).map_err(|error| MemoryError {
                at: start,
                len: bytes.len(),
                reason: error.raw_os_error().map_or(MemoryErrorReason::Beyond, MemoryErrorReason::Os),
            })?;
            for (entry, word) in batch.iter_mut().zip(bytes.as_chunks().0) {
                *entry = u64::from_le_bytes(*word);
            }
        }
        Ok(())
    }
}
