//! The `MI_` commands that every engine has, as a table.
#![forbid(unsafe_code)]

use super::{Command, arithmetic, flow, memory, register, sync};
use crate::device::Device;
use crate::engine::{Flow, Stop};

/// How long a command is.
enum Length {
    /// One word.
    One,
    /// What the lowest that many bits of the first word say, and two.
    Bits(u32),
}
use Length::{Bits, One};

type Execute = fn(&mut Device, &Command, u32) -> Result<Flow, Stop>;

struct Entry {
    opcode: u32,
    name: &'static str,
    length: Length,
    execute: Execute,
}

const fn entry(opcode: u32, name: &'static str, length: Length, execute: Execute) -> Entry {
    Entry { opcode, name, length, execute }
}

/// The opcode of `MI_LOAD_REGISTER_IMM`, of which context images are made.
pub(crate) const LOAD_REGISTER_IMM: u32 = 0x22;

/// Ascending by opcode (bits 28:23 of the first word).
const TABLE: &[Entry] = &[
    entry(0x00, "MI_NOOP", One, skip),
    entry(0x01, "MI_SET_PREDICATE", One, skip),
    entry(0x02, "MI_USER_INTERRUPT", One, sync::user_interrupt),
    entry(0x03, "MI_WAIT_FOR_EVENT", One, skip),
    entry(0x04, "MI_FLUSH", One, skip),
    entry(0x05, "MI_ARB_CHECK", One, skip),
    entry(0x06, "MI_RS_CONTROL", One, skip),
    entry(0x07, "MI_REPORT_HEAD", One, skip),
    entry(0x08, "MI_ARB_ON_OFF", One, sync::arbitration),
    entry(0x09, "MI_URB_ATOMIC_ALLOC", One, skip),
    entry(0x0a, "MI_BATCH_BUFFER_END", One, flow::batch_end),
    entry(0x0b, "MI_SUSPEND_FLUSH", One, skip),
    entry(0x0c, "MI_PREDICATE", One, skip),
    entry(0x0d, "MI_TOPOLOGY_FILTER", One, skip),
    entry(0x0e, "MI_SET_APPID", One, skip),
    entry(0x0f, "MI_RS_CONTEXT", One, skip),
    entry(0x11, "MI_OVERLAY_FLIP", Bits(6), skip),
    entry(0x12, "MI_LOAD_SCAN_LINES_INCL", Bits(6), skip),
    entry(0x13, "MI_LOAD_SCAN_LINES_EXCL", Bits(6), skip),
    entry(0x14, "MI_DISPLAY_FLIP", Bits(6), skip),
    entry(0x16, "MI_SEMAPHORE_MBOX", Bits(8), skip),
    entry(0x18, "MI_SET_CONTEXT", Bits(8), skip),
    entry(0x1a, "MI_MATH", Bits(8), arithmetic::math),
    entry(0x1b, "MI_SEMAPHORE_SIGNAL", Bits(8), skip),
    entry(0x1c, "MI_SEMAPHORE_WAIT", Bits(8), sync::semaphore_wait),
    entry(0x1d, "MI_FORCE_WAKEUP", Bits(8), skip),
    entry(0x20, "MI_STORE_DATA_IMM", Bits(10), memory::store_immediate),
    entry(0x21, "MI_STORE_DATA_INDEX", Bits(8), memory::store_index),
    entry(LOAD_REGISTER_IMM, "MI_LOAD_REGISTER_IMM", Bits(8), register::load_immediate),
    entry(0x23, "MI_UPDATE_GTT", Bits(10), memory::update_gtt),
    entry(0x24, "MI_STORE_REGISTER_MEM", Bits(8), register::store),
    entry(0x26, "MI_FLUSH_DW", Bits(6), sync::flush),
    entry(0x27, "MI_CLFLUSH", Bits(10), skip),
    entry(0x28, "MI_REPORT_PERF_COUNT", Bits(6), skip),
    entry(0x29, "MI_LOAD_REGISTER_MEM", Bits(8), register::load_memory),
    entry(0x2a, "MI_LOAD_REGISTER_REG", Bits(8), register::load_register),
    entry(0x2b, "MI_RS_STORE_DATA_IMM", Bits(8), skip),
    entry(0x2c, "MI_LOAD_URB_MEM", Bits(8), skip),
    entry(0x2d, "MI_STORE_URB_MEM", Bits(8), skip),
    entry(0x2e, "MI_COPY_MEM_MEM", Bits(8), memory::copy),
    entry(0x2f, "MI_ATOMIC", Bits(8), arithmetic::atomic),
    entry(0x31, "MI_BATCH_BUFFER_START", Bits(8), flow::batch_start),
    entry(0x36, "MI_CONDITIONAL_BATCH_BUFFER_END", Bits(8), flow::conditional_end),
];

/// Executes a command of the table; any other is bad.
pub(super) fn execute(device: &mut Device, command: &Command) -> Result<Flow, Stop> {
    let opcode = command.header >> 23 & 0x3f;
    let Ok(at) = TABLE.binary_search_by_key(&opcode, |entry| entry.opcode) else {
        return Err(command.bad());
    };
    let Some(entry) = TABLE.get(at) else { return Err(command.bad()) };
    let words = match entry.length {
        One => 1,
        Bits(bits) => command.length(bits),
    };
    log::trace!("{}", entry.name);
    device.charge(command.fetch.engine, u64::from(words));
    (entry.execute)(device, command, words)
}

/// Does nothing that software could see here.
#[expect(clippy::unnecessary_wraps, reason = "it stands in the table beside commands that can fail")]
fn skip(_device: &mut Device, _command: &Command, words: u32) -> Result<Flow, Stop> {
    Ok(Flow::Next(words))
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn the_table_ascends_so_that_the_search_finds_every_entry() {
        assert!(TABLE.windows(2).all(|pair| pair[0].opcode < pair[1].opcode));
        assert!(TABLE.iter().all(|entry| entry.opcode < 0x40 && entry.name.starts_with("MI_")));
    }
}
