//! Commands: their lengths and what they do.
//!
//! Source: Skylake PRM, volume 2a, "Command Reference: Instructions".
#![forbid(unsafe_code)]

mod arithmetic;
mod flow;
mod memory;
pub(crate) mod mi;
mod register;
mod render;
mod sync;

use super::space::Space;
use super::stream::{Fetch, Level};
use super::{Flow, Stop};
use crate::bits::join;
use crate::device::Device;

/// A command that was fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// Where it is.
    pub(crate) fetch: Fetch,
    /// Its first word.
    pub(crate) header: u32,
}

impl Command {
    /// A bit of the first word.
    const fn bit(&self, bit: u32) -> bool {
        self.header >> bit & 1 != 0
    }

    /// The length in words that a field of `bits` bits at the bottom of the first word gives.
    pub(crate) const fn length(&self, bits: u32) -> u32 {
        (self.header & ((1 << bits) - 1)) + 2
    }

    /// The address in two words.
    pub(crate) fn address(&self, device: &Device, word: u32) -> Result<u64, Stop> {
        let (low, high) = (device.word(&self.fetch, word)?, device.word(&self.fetch, word + 1)?);
        Ok(join(low & !3, high & 0xffff))
    }

    /// Whose addresses the command draws at: the context's when it stands in the ring, else the batch's.
    pub(crate) const fn space(&self) -> Space {
        match self.fetch.level {
            Level::Ring => Space::Process,
            _ => self.fetch.space,
        }
    }

    /// Whether it stands where only a driver puts commands: in the ring, or in a batch at global addresses.
    fn is_privileged(&self) -> bool {
        match self.fetch.level {
            Level::Ring | Level::Restore => true,
            Level::Batch | Level::Nested => self.fetch.space == Space::Global,
        }
    }

    /// The global space if the command asks for it. In a batch of a process that is ignored, as if it did not: else
    /// any process could write to all that there is.
    fn space_if(&self, global: bool) -> Space {
        Space::global_if(global && self.is_privileged())
    }

    /// That the command cannot be executed.
    pub(crate) const fn bad(&self) -> Stop {
        Stop::BadCommand { header: self.header }
    }
}

/// Executes a command.
pub(super) fn execute(device: &mut Device, command: &Command) -> Result<Flow, Stop> {
    match command.header >> 29 {
        0 => mi::execute(device, command),
        2 => device.blit(command),
        3 => render::execute(device, command),
        _ => Err(command.bad()),
    }
}
