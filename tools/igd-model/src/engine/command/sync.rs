//! Semaphores, flushes with a store behind them, interrupts, arbitration.
#![forbid(unsafe_code)]

use super::Command;
use crate::bits::join;
use crate::device::Device;
use crate::engine::interrupt::Event;
use crate::engine::space::Space;
use crate::engine::state::State;
use crate::engine::stream::Level;
use crate::engine::{EngineId, Flow, Stop};

const USE_GLOBAL: u32 = 22;
/// `MI_FLUSH_DW`: interrupt when done.
const NOTIFY: u32 = 8;
/// `MI_FLUSH_DW`: the address is an offset into the context's status page.
const STORE_INDEX: u32 = 21;

/// What is stored behind a flush: bits 15:14 of `MI_FLUSH_DW` and `PIPE_CONTROL`.
pub(super) fn post_sync(
    device: &Device,
    id: EngineId,
    operation: u32,
    space: Space,
    at: u64,
    data: impl FnOnce() -> Result<u64, Stop>,
) -> Result<(), Stop> {
    let value = match operation & 3 {
        0 => return Ok(()),
        1 => data()?,
        // The depth count: nothing is drawn here.
        2 => 0,
        _ => device.clock().ticks(),
    };
    device.store_qword(id, space, at, value)
}

/// `MI_USER_INTERRUPT`.
#[expect(clippy::unnecessary_wraps, reason = "it stands in the table beside commands that can fail")]
pub(super) fn user_interrupt(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    device.engine_interrupt(command.fetch.engine, Event::User);
    Ok(Flow::Next(words))
}

/// `MI_ARB_ON_OFF`: whether the context may be interrupted from here on.
#[expect(clippy::unnecessary_wraps, reason = "it stands in the table beside commands that can fail")]
pub(super) fn arbitration(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    device.engines_mut().get_mut(command.fetch.engine).arbitration_off = !command.bit(0);
    Ok(Flow::Next(words))
}

/// `MI_SEMAPHORE_WAIT`: goes on when the word in memory compares to the operand as asked.
pub(super) fn semaphore_wait(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let id = command.fetch.engine;
    let operand = device.word(&command.fetch, 1)?;
    let at = command.address(device, 2)?;
    let value = device.load(id, command.space_if(command.bit(USE_GLOBAL)), at)?;
    let met = match command.header >> 12 & 7 {
        0 => value > operand,
        1 => value >= operand,
        2 => value < operand,
        3 => value <= operand,
        4 => value == operand,
        5 => value != operand,
        _ => return Err(command.bad()),
    };
    if met || command.fetch.level == Level::Restore {
        return Ok(Flow::Next(words));
    }
    if device.engines().get(id).state != State::Waiting {
        device.engine_interrupt(id, Event::SemaphoreWait);
    }
    Ok(Flow::Wait)
}

/// `MI_FLUSH_DW`.
pub(super) fn flush(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let (low, high) = (device.word(fetch, 1)?, device.word(fetch, 2)?);
    let (mut at, mut space) = (join(low & !7, high & 0xffff), command.space_if(low & 4 != 0));
    if command.bit(STORE_INDEX) {
        at = device.context_page(fetch.engine) + (at & 0xfff);
        space = Space::Global;
    }
    let data = || {
        let upper = if words >= 5 { device.word(fetch, 4)? } else { 0 };
        Ok(join(device.word(fetch, 3)?, upper))
    };
    let operation = command.header >> 14;
    if operation & 3 == 1 && words < 5 {
        device.store(fetch.engine, space, at, device.word(fetch, 3)?)?;
    } else {
        post_sync(device, fetch.engine, operation, space, at, data)?;
    }
    if command.bit(NOTIFY) {
        device.engine_interrupt(fetch.engine, Event::FlushDone);
    }
    Ok(Flow::Next(words))
}
