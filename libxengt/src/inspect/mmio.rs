//! A vGPU's registers, as its guest reads them.

use super::InspectError;
use super::image::Image;
use crate::addr::{DomId, GuestGma};
use crate::display::{Plane, PlaneError};
use crate::fence::{Fence, FenceError, FenceIndex, FenceReg};
use crate::platform::Generation;
use crate::pvinfo::{self, Pvinfo};
use crate::root::Root;

/// Bytes of registers in BAR 0.
const SIZE: u64 = 2 << 20;

/// The register image of one domain's vGPU.
#[derive(Debug)]
pub struct MmioImage {
    image: Image,
    domid: DomId,
}

impl MmioImage {
    /// Opens the registers of `domid`'s vGPU.
    ///
    /// # Errors
    /// [`InspectError`] if the kernel does not show them, or not to us, or not all.
    pub fn open(root: &Root, domid: DomId) -> Result<Self, InspectError> {
        let image = Image::open(&root.debug_vm(domid).join("mmio"), "registers", domid)?;
        image.len_between(SIZE, SIZE)?;
        Ok(Self { image, domid })
    }

    /// The 32-bit register at `offset`.
    ///
    /// # Errors
    /// [`InspectError::Outside`] if there is none.
    pub fn read_u32(&self, offset: u64) -> Result<u32, InspectError> {
        let mut bytes = [0; 4];
        self.read(offset, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The 64-bit register at `offset`.
    ///
    /// # Errors
    /// [`InspectError::Outside`] if there is none.
    pub fn read_u64(&self, offset: u64) -> Result<u64, InspectError> {
        let mut bytes = [0; 8];
        self.read(offset, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The PVINFO page.
    ///
    /// # Errors
    /// [`InspectError::Pvinfo`] if it is none.
    pub fn pvinfo(&self) -> Result<Pvinfo, InspectError> {
        let mut page = [0; pvinfo::PAGE_BYTES];
        self.image.read(pvinfo::MMIO_OFFSET, &mut page).map_err(|e| self.image.error(e))?;
        Pvinfo::parse(&page).map_err(|source| InspectError::Pvinfo { domid: self.domid, source })
    }

    /// The guest's fence number `index`, in its own numbers.
    ///
    /// # Errors
    /// The outer error if the register cannot be read, the inner one if it makes no sense.
    pub fn fence(
        &self,
        index: FenceIndex,
    ) -> Result<Result<Option<Fence<GuestGma>>, FenceError>, InspectError> {
        Ok(Fence::decode(FenceReg::from(self.read_u64(index.mmio_offset())?)))
    }

    /// The guest's primary plane.
    ///
    /// # Errors
    /// The outer error if a register cannot be read, the inner one if the plane shows nothing we can read.
    pub fn plane(&self, generation: Generation) -> Result<Result<Plane, PlaneError>, InspectError> {
        Plane::decode(generation, |offset| self.read_u32(offset))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), InspectError> {
        let len = u64::try_from(out.len()).unwrap_or(u64::MAX);
        let inside = offset.checked_add(len).is_some_and(|end| end <= SIZE);
        if !inside || !offset.is_multiple_of(len) {
            return Err(InspectError::Outside { offset, len, size: SIZE });
        }
        self.image.read(offset, out).map_err(|e| self.image.error(e))
    }
}
