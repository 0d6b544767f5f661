//! The addresses that commands use: of the global GTT, or of the context's own page tables.
#![forbid(unsafe_code)]

use libxengt::addr::{HostGma, Maddr, PAGE_SIZE, PpgttAddr};
use libxengt::gtt::{Ppgtt, Root, gen9};

use super::{EngineId, Stop};
use crate::bits::{join, length, low};
use crate::device::Device;
use crate::registers::{engine as reg, gt};

/// `addressing` of a descriptor whose tables have four levels.
const FOUR_LEVELS: u8 = 3;
/// `GEN8_RING_FAULT_REG`: the rest of it is valid.
const FAULT_VALID: u32 = 1;
/// `GEN8_FAULT_TLB_DATA1`: the fault was in the global GTT.
const FAULT_GLOBAL: u32 = 1 << 4;

/// Which tables translate an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// The global GTT.
    Global,
    /// The running context's page tables.
    Process,
}

/// Where an address leads, and whether it may be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: Maddr,
    writable: bool,
}

impl Space {
    /// The global space if `global` is set, as most commands say it.
    pub(crate) const fn global_if(global: bool) -> Self {
        if global { Self::Global } else { Self::Process }
    }
}

impl Device {
    /// Reads a word through the global GTT.
    pub(crate) fn read_global(&self, at: HostGma) -> Option<u32> {
        self.memory().read_u32(self.gtt().translate(at)?)
    }

    /// Writes a word through the global GTT.
    pub(crate) fn write_global(&self, at: HostGma, word: u32) -> Option<()> {
        self.memory().write_u32(self.gtt().translate(at)?, word)
    }

    pub(super) fn page_tables(&self, id: EngineId) -> Root<Maddr> {
        let pdp = |n: u32| {
            let offset = reg::PDP + n * 8;
            join(self.engine_register(id, offset), self.engine_register(id, offset + 4))
        };
        match self.engines().get(id).active {
            Some(context) if context.addressing() != FOUR_LEVELS => {
                Root::from_pdp_registers([pdp(0), pdp(1), pdp(2), pdp(3)])
            }
            _ => Root::from_pml4_register(pdp(0)),
        }
    }

    /// Where `address` leads for a command of this engine.
    pub(crate) fn translate(&self, id: EngineId, space: Space, address: u64) -> Result<Place, Stop> {
        let fault = Stop::Fault { space, address };
        match space {
            Space::Global => {
                let gma = HostGma::from_truncated(address);
                let at = self.gtt().translate(gma).ok_or(fault)?;
                Ok(Place { at, writable: true })
            }
            Space::Process => {
                let tables = Ppgtt::new(self.memory(), self.page_tables(id), gen9::MMU);
                let found = tables.translate(PpgttAddr::from_truncated(address)).map_err(|_| fault)?;
                Ok(Place { at: found.addr, writable: found.access.writable })
            }
        }
    }

    /// Reads a word, at a multiple of 4.
    pub(crate) fn load(&self, id: EngineId, space: Space, address: u64) -> Result<u32, Stop> {
        let place = self.translate(id, space, address & !3)?;
        self.memory().read_u32(place.at).ok_or(Stop::Fault { space, address })
    }

    /// Writes a word, at a multiple of 4. What may not be written stays as it is.
    pub(crate) fn store(&self, id: EngineId, space: Space, address: u64, word: u32) -> Result<(), Stop> {
        let place = self.translate(id, space, address & !3)?;
        if !place.writable {
            return Ok(());
        }
        self.memory().write_u32(place.at, word).ok_or(Stop::Fault { space, address })
    }

    /// Writes 64 bits at once, at a multiple of 8.
    pub(crate) fn store_qword(
        &self,
        id: EngineId,
        space: Space,
        address: u64,
        word: u64,
    ) -> Result<(), Stop> {
        let place = self.translate(id, space, address & !7)?;
        if !place.writable {
            return Ok(());
        }
        self.memory().write_u64(place.at, word).ok_or(Stop::Fault { space, address })
    }

    /// Writes a few bytes that lie in one page: only that page's entry says where they go.
    pub(crate) fn store_bytes(
        &self,
        id: EngineId,
        space: Space,
        address: u64,
        data: &[u8],
    ) -> Result<(), Stop> {
        let fault = Stop::Fault { space, address };
        if address % PAGE_SIZE + length(data.len()) > PAGE_SIZE {
            return Err(fault);
        }
        let place = self.translate(id, space, address)?;
        if !place.writable {
            return Ok(());
        }
        self.memory().write(place.at, data).ok_or(fault)
    }

    /// Leaves word of an address that maps nothing in the fault registers.
    pub(super) fn record_fault(&mut self, id: EngineId, space: Space, address: u64) {
        let global = if space == Space::Global { FAULT_GLOBAL } else { 0 };
        let registers = self.registers_mut();
        registers.set(gt::RING_FAULT, FAULT_VALID | id.fault_number() << 12);
        registers.set(gt::FAULT_TLB_DATA0, low(address >> 12));
        registers.set(gt::FAULT_TLB_DATA1, low(address >> 44) & 0xf | global);
    }
}
