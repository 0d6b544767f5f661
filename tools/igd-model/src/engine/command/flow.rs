//! Calls and ends of batches.
#![forbid(unsafe_code)]

use super::Command;
use crate::device::Device;
use crate::engine::stream::Level;
use crate::engine::{Flow, Stop};

/// `MI_BATCH_BUFFER_START`: the address is of the context's space.
const PROCESS_SPACE: u32 = 8;
/// `MI_BATCH_BUFFER_START`: a call from a batch, not a jump.
const SECOND_LEVEL: u32 = 22;
const USE_GLOBAL: u32 = 22;

/// `MI_BATCH_BUFFER_START`: calls a batch from the ring or, if it says so, from a batch; else the batch goes
/// on at the new place.
pub(super) fn batch_start(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let target = command.address(device, 1)?;
    let space = command.space_if(!command.bit(PROCESS_SPACE));
    let level = match fetch.level {
        Level::Ring => Level::Batch,
        Level::Batch if command.bit(SECOND_LEVEL) => Level::Nested,
        Level::Restore => return Err(command.bad()),
        same => same,
    };
    if level != fetch.level {
        device.advance(fetch, words);
    }
    device.call_batch(fetch.engine, level, target, space);
    Ok(Flow::Jumped)
}

/// `MI_BATCH_BUFFER_END`: back to the caller. In the ring it means nothing.
#[expect(clippy::unnecessary_wraps, reason = "it stands in the table beside commands that can fail")]
pub(super) fn batch_end(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    match command.fetch.level {
        Level::Ring => return Ok(Flow::Next(words)),
        Level::Restore => {}
        Level::Batch | Level::Nested => device.end_batch(&command.fetch),
    }
    Ok(Flow::Jumped)
}

/// `MI_CONDITIONAL_BATCH_BUFFER_END`: ends the batch unless the word in memory is larger than the operand.
pub(super) fn conditional_end(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let operand = device.word(&command.fetch, 1)?;
    let at = command.address(device, 2)?;
    let value = device.load(command.fetch.engine, command.space_if(command.bit(USE_GLOBAL)), at)?;
    if value > operand { Ok(Flow::Next(words)) } else { batch_end(device, command, words) }
}
