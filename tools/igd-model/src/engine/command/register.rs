//! Commands that load and store registers.
#![forbid(unsafe_code)]

use super::Command;
use crate::device::Device;
use crate::engine::{Flow, Stop};

const USE_GLOBAL: u32 = 22;
/// The offset of a register in a command.
const OFFSET: u32 = 0x7f_fffc;

/// `MI_LOAD_REGISTER_IMM`: pairs of offset and value.
pub(super) fn load_immediate(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    for word in (1..words).step_by(2) {
        let offset = device.word(&command.fetch, word)? & OFFSET;
        let value = device.word(&command.fetch, word + 1)?;
        device.command_writes_register(offset, value);
    }
    Ok(Flow::Next(words))
}

/// `MI_LOAD_REGISTER_MEM`.
pub(super) fn load_memory(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let offset = device.word(fetch, 1)? & OFFSET;
    let at = command.address(device, 2)?;
    let value = device.load(fetch.engine, command.space_if(command.bit(USE_GLOBAL)), at)?;
    device.command_writes_register(offset, value);
    Ok(Flow::Next(words))
}

/// `MI_LOAD_REGISTER_REG`.
pub(super) fn load_register(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let from = device.word(&command.fetch, 1)? & OFFSET;
    let to = device.word(&command.fetch, 2)? & OFFSET;
    let value = device.read_register(from);
    device.command_writes_register(to, value);
    Ok(Flow::Next(words))
}

/// `MI_STORE_REGISTER_MEM`.
pub(super) fn store(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let offset = device.word(fetch, 1)? & OFFSET;
    let at = command.address(device, 2)?;
    let value = device.read_register(offset);
    device.store(fetch.engine, command.space_if(command.bit(USE_GLOBAL)), at, value)?;
    Ok(Flow::Next(words))
}
