//! 3D and media commands: skipped by their length, but for `PIPE_CONTROL`.
#![forbid(unsafe_code)]

use super::{Command, sync};
use crate::bits::join;
use crate::device::Device;
use crate::engine::interrupt::Event;
use crate::engine::space::Space;
use crate::engine::{Flow, Stop};

/// The upper half of `PIPE_CONTROL`'s first word.
const PIPE_CONTROL: u32 = 0x7a00;
/// Bits of its second word: interrupt when done; an offset into the status page; a global address.
const NOTIFY: u32 = 1 << 8;
const STORE_INDEX: u32 = 1 << 21;
const GLOBAL: u32 = 1 << 24;

/// Executes `PIPE_CONTROL`, skips any other.
pub(super) fn execute(device: &mut Device, command: &Command) -> Result<Flow, Stop> {
    if command.header >> 16 == PIPE_CONTROL {
        return pipe_control(device, command);
    }
    let (pipeline, opcode) = (command.header >> 27 & 3, command.header >> 24 & 7);
    let words = match (pipeline, opcode) {
        // Commands of one word, such as PIPELINE_SELECT.
        (1, _) => 1,
        // Media commands have longer length fields.
        (2, 6) => command.length(16),
        (2, _) => command.length(12),
        _ => command.length(8),
    };
    Ok(Flow::Next(words))
}

fn pipe_control(device: &mut Device, command: &Command) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let words = command.length(8);
    let flags = device.word(fetch, 1)?;
    let (mut at, mut space) = (command.address(device, 2)?, command.space_if(flags & GLOBAL != 0));
    if flags & STORE_INDEX != 0 {
        at = device.context_page(fetch.engine) + (at & 0xfff);
        space = Space::Global;
    }
    let data = || Ok(join(device.word(fetch, 4)?, device.word(fetch, 5)?));
    sync::post_sync(device, fetch.engine, flags >> 14, space, at, data)?;
    if flags & NOTIFY != 0 {
        device.engine_interrupt(fetch.engine, Event::FlushDone);
    }
    Ok(Flow::Next(words))
}
