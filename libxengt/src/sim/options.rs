//! What kind of host to simulate.

use super::SimError;
use crate::platform::{self, Generation, INTEL, PciId};

/// The hardware and the domains of a simulated host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimOptions {
    /// PCI device id; 0x5916 is a Kaby Lake GT2.
    pub device: u16,
    /// Aperture (BAR 2) in MB: a power of two from 128 to 2048.
    pub aperture_mb: u32,
    /// Graphics address space of the GGTT in MB: 2048 or 4096.
    pub ggtt_mb: u32,
    /// How many HVM domains run, from 1 to 32; their ids are 1 and up. One PV domain follows them.
    pub domains: u16,
}

impl Default for SimOptions {
    /// A laptop of 2017: Kaby Lake GT2, 256 MB of aperture, a full GGTT, eight guests.
    fn default() -> Self {
        Self { device: 0x5916, aperture_mb: 256, ggtt_mb: 4096, domains: 8 }
    }
}

impl SimOptions {
    /// Itself, if every value is possible.
    ///
    /// # Errors
    /// [`SimError::Option`] that names the value and what is possible.
    pub fn validated(&self) -> Result<Self, SimError> {
        let fail = |option, given: String, expected| Err(SimError::Option { option, given, expected });
        if self.generation().is_none() {
            return fail("device", format!("{:#06x}", self.device), "the id of a GPU that GVT-g supports");
        }
        if !self.aperture_mb.is_power_of_two() || !(128..=2048).contains(&self.aperture_mb) {
            return fail("aperture", format!("{} MB", self.aperture_mb), "128, 256, 512, 1024 or 2048 MB");
        }
        if self.ggtt_mb != 2048 && self.ggtt_mb != 4096 {
            return fail("GGTT", format!("{} MB", self.ggtt_mb), "2048 or 4096 MB");
        }
        if !(1..=32).contains(&self.domains) {
            return fail("domains", self.domains.to_string(), "1 to 32");
        }
        Ok(self.clone())
    }

    /// The generation of the simulated GPU, if GVT-g supports it.
    #[must_use]
    pub fn generation(&self) -> Option<Generation> {
        platform::require(PciId { vendor: INTEL, device: self.device }).ok()
    }
}
