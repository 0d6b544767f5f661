//! Stores to memory, copies, and stores to the global GTT itself.
#![forbid(unsafe_code)]

use super::Command;
use crate::bits::join;
use crate::device::Device;
use crate::engine::space::Space;
use crate::engine::{Flow, Stop};

const USE_GLOBAL: u32 = 22;
/// `MI_STORE_DATA_IMM`: 64 bits at once.
const QWORD: u32 = 21;
/// `MI_COPY_MEM_MEM`: the destination is global; the source has bit 22.
const DESTINATION_GLOBAL: u32 = 21;

/// `MI_STORE_DATA_IMM`: one or more words.
pub(super) fn store_immediate(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let space = command.space_if(command.bit(USE_GLOBAL));
    let at = command.address(device, 1)?;
    if command.bit(QWORD) {
        let value = join(device.word(fetch, 3)?, device.word(fetch, 4)?);
        device.store_qword(fetch.engine, space, at, value)?;
    } else {
        for word in 3..words {
            let value = device.word(fetch, word)?;
            device.store(fetch.engine, space, at + u64::from(word - 3) * 4, value)?;
        }
    }
    Ok(Flow::Next(words))
}

/// `MI_STORE_DATA_INDEX`: a word of the context's own status page, or two.
pub(super) fn store_index(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let offset = device.word(fetch, 1)? & 0xffc;
    let page = device.context_page(fetch.engine);
    for word in 2..words.min(4) {
        let value = device.word(fetch, word)?;
        device.store(
            fetch.engine,
            Space::Global,
            page + u64::from(offset) + u64::from(word - 2) * 4,
            value,
        )?;
    }
    Ok(Flow::Next(words))
}

/// `MI_UPDATE_GTT`: entries of the global GTT. In a batch of a process it means nothing.
pub(super) fn update_gtt(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    if !command.is_privileged() {
        return Ok(Flow::Next(words));
    }
    let first = u64::from(device.word(fetch, 1)? >> 12);
    for (entry, word) in (first..).zip((2..words).step_by(2)) {
        let value = join(device.word(fetch, word)?, device.word(fetch, word + 1)?);
        device.gtt().write(entry * 8, &value.to_le_bytes());
    }
    Ok(Flow::Next(words))
}

/// `MI_COPY_MEM_MEM`: one word.
pub(super) fn copy(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let id = command.fetch.engine;
    let (to, from) = (command.address(device, 1)?, command.address(device, 3)?);
    let value = device.load(id, command.space_if(command.bit(USE_GLOBAL)), from)?;
    device.store(id, command.space_if(command.bit(DESTINATION_GLOBAL)), to, value)?;
    Ok(Flow::Next(words))
}
