//! Arithmetic on registers (`MI_MATH`) and on memory (`MI_ATOMIC`).
#![forbid(unsafe_code)]

use super::Command;
use crate::bits::{high, join, low};
use crate::device::Device;
use crate::engine::{Flow, Stop};
use crate::registers::engine as reg;

/// `MI_ATOMIC`: the address is global.
const USE_GLOBAL: u32 = 22;
/// `MI_ATOMIC`: the operands follow in the command.
const INLINE_DATA: u32 = 18;
/// `MI_ATOMIC`: the old value goes to the first general register.
const RETURN_DATA: u32 = 16;
/// `MI_ATOMIC`: 64 bits, where the size field (bits 20:19) is 1.
const SIZE_QWORD: u32 = 1;

/// The operand numbers of the arithmetic unit's own registers.
const SOURCE_A: u32 = 0x20;
const SOURCE_B: u32 = 0x21;
const ACCUMULATOR: u32 = 0x31;
const ZERO_FLAG: u32 = 0x32;
const CARRY_FLAG: u32 = 0x33;

/// The arithmetic unit.
#[derive(Debug, Default)]
struct Unit {
    a: u64,
    b: u64,
    accumulator: u64,
    carry: bool,
}

impl Unit {
    fn load(&mut self, to: u32, value: u64) -> Option<()> {
        match to {
            SOURCE_A => self.a = value,
            SOURCE_B => self.b = value,
            _ => return None,
        }
        Some(())
    }

    fn result(&self, from: u32) -> Option<u64> {
        let flag = |set| if set { u64::MAX } else { 0 };
        Some(match from {
            ACCUMULATOR => self.accumulator,
            ZERO_FLAG => flag(self.accumulator == 0),
            CARRY_FLAG => flag(self.carry),
            _ => return None,
        })
    }

    fn operate(&mut self, opcode: u32) -> Option<()> {
        (self.accumulator, self.carry) = match opcode {
            0x100 => self.a.overflowing_add(self.b),
            0x101 => self.a.overflowing_sub(self.b),
            0x102 => (self.a & self.b, false),
            0x103 => (self.a | self.b, false),
            0x104 => (self.a ^ self.b, false),
            _ => return None,
        };
        Some(())
    }
}

/// `MI_MATH`: a little program for the arithmetic unit.
pub(super) fn math(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let id = command.fetch.engine;
    let mut unit = Unit::default();
    for word in 1..words {
        let instruction = device.word(&command.fetch, word)?;
        let (opcode, first, second) = (instruction >> 20, instruction >> 10 & 0x3ff, instruction & 0x3ff);
        let general = |number: u32| (number < 16).then_some(reg::GPR + number * 8);
        let read = |number| {
            let offset = general(number)?;
            Some(join(device.engine_register(id, offset), device.engine_register(id, offset + 4)))
        };
        let done = match opcode {
            0 => Some(()),
            0x080 => read(second).and_then(|value| unit.load(first, value)),
            0x480 => read(second).and_then(|value| unit.load(first, !value)),
            0x081 => unit.load(first, 0),
            0x481 => unit.load(first, u64::MAX),
            0x180 | 0x580 => unit.result(second).zip(general(first)).map(|(value, offset)| {
                let value = if opcode == 0x580 { !value } else { value };
                device.set_engine_register(id, offset, low(value));
                device.set_engine_register(id, offset + 4, high(value));
            }),
            opcode => unit.operate(opcode),
        };
        done.ok_or(command.bad())?;
    }
    Ok(Flow::Next(words))
}

/// `MI_ATOMIC` on 32 or 64 bits, with operands in the command.
pub(super) fn atomic(device: &mut Device, command: &Command, words: u32) -> Result<Flow, Stop> {
    let fetch = &command.fetch;
    let (id, space) = (fetch.engine, command.space_if(command.bit(USE_GLOBAL)));
    let at = command.address(device, 1)?;
    let qword = match command.header >> 19 & 3 {
        0 => false,
        SIZE_QWORD => true,
        _ => return Err(command.bad()),
    };
    // The operands' words alternate from word 3 on.
    let operand = |number: u32| -> Result<u64, Stop> {
        if !command.bit(INLINE_DATA) {
            return Err(command.bad());
        }
        let upper = if qword { device.word(fetch, 5 + number)? } else { 0 };
        Ok(join(device.word(fetch, 3 + number)?, upper))
    };
    let low_half = device.load(id, space, at)?;
    let old = join(low_half, if qword { device.load(id, space, at + 4)? } else { 0 });
    let new = match command.header >> 8 & 0x1f {
        0x01 => old & operand(0)?,
        0x02 => old | operand(0)?,
        0x03 => old ^ operand(0)?,
        0x04 => operand(0)?,
        0x05 => old.wrapping_add(1),
        0x06 => old.wrapping_sub(1),
        0x07 => old.wrapping_add(operand(0)?),
        0x08 => old.wrapping_sub(operand(0)?),
        0x09 => operand(0)?.wrapping_sub(old),
        0x0c => old.max(operand(0)?),
        0x0d => old.min(operand(0)?),
        0x0e if old == operand(0)? => operand(1)?,
        0x0e => old,
        _ => return Err(command.bad()),
    };
    if qword {
        device.store_qword(id, space, at, new)?;
    } else {
        device.store(id, space, at, low(new))?;
    }
    if command.bit(RETURN_DATA) {
        device.set_engine_register(id, reg::GPR, low(old));
        device.set_engine_register(id, reg::GPR + 4, high(old));
    }
    Ok(Flow::Next(words))
}
