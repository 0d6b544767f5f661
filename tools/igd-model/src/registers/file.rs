//! The register file: values, what is declared, and what was met that is not.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Write;

use super::gt::FENCE_FIRST;
use super::register::{Behaviour, Declared, Register};
use super::{display, engine, fuses, gmbus, gt, interrupts, power};
use crate::bits::index;
use crate::engine::EngineId;

/// How many bytes of BAR 0 are registers.
pub const REGISTER_BYTES: u32 = 2 << 20;

/// How often an undeclared register was used.
#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    reads: u64,
    writes: u64,
}

/// All registers' values.
#[derive(Debug)]
pub struct RegisterFile {
    words: Vec<u32>,
    /// For each word one more than its place in `declared`, or 0.
    places: Vec<u16>,
    declared: Vec<Declared>,
    unknown: BTreeMap<u32, Uses>,
}

impl Default for RegisterFile {
    fn default() -> Self {
        let mut file = Self {
            words: vec![0; index(REGISTER_BYTES / 4)],
            places: vec![0; index(REGISTER_BYTES / 4)],
            declared: Vec::new(),
            unknown: BTreeMap::new(),
        };
        for block in [
            power::REGISTERS,
            fuses::REGISTERS,
            gt::REGISTERS,
            interrupts::MASTER_REGISTERS,
            display::REGISTERS,
        ] {
            file.declare(block, None);
        }
        file.declare(gmbus::REGISTERS, None);
        for bank in interrupts::BANKS {
            file.declare(bank, None);
        }
        for id in EngineId::ALL {
            file.declare(engine::REGISTERS, Some(id));
        }
        file.reset();
        file
    }
}

impl RegisterFile {
    fn declare(&mut self, block: &[Register], engine: Option<EngineId>) {
        for &line in block {
            let base = engine.map_or(0, EngineId::base);
            let register = Register { offset: base + line.offset, ..line };
            self.declared.push(Declared { register, engine });
            let place = u16::try_from(self.declared.len()).unwrap_or(0);
            let first = index(register.offset / 4);
            for slot in self.places.iter_mut().skip(first).take(index(register.words)) {
                *slot = place;
            }
        }
    }

    /// All registers as after power-on.
    pub fn reset(&mut self) {
        self.words.fill(0);
        for place in 0..self.declared.len() {
            self.reset_one(place);
        }
    }

    /// One engine's registers as after its reset, but for where its status page is: that survives it.
    pub fn reset_engine(&mut self, id: EngineId) {
        let page = self.get(id.base() + engine::HWS_PGA);
        for place in 0..self.declared.len() {
            if self.declared.get(place).is_some_and(|declared| declared.engine == Some(id)) {
                self.reset_one(place);
            }
        }
        self.set(id.base() + engine::HWS_PGA, page);
    }

    fn reset_one(&mut self, place: usize) {
        let Some(Declared { register, .. }) = self.declared.get(place).copied() else { return };
        for word in self.words.iter_mut().skip(index(register.offset / 4)).take(index(register.words)) {
            *word = register.reset;
        }
    }

    /// The line that declares the register at `offset`, if any.
    #[must_use]
    #[inline]
    pub fn declared(&self, offset: u32) -> Option<&Declared> {
        let place = self.places.get(index(offset / 4)).copied()?;
        self.declared.get(usize::from(place).checked_sub(1)?)
    }

    /// What the register at `offset` does; what is not declared remembers.
    #[must_use]
    #[inline]
    pub fn behaviour(&self, offset: u32) -> Behaviour {
        self.declared(offset).map_or(Behaviour::Plain, |declared| declared.register.behaviour)
    }

    /// The stored value; 0 outside the registers.
    #[must_use]
    #[inline]
    pub fn get(&self, offset: u32) -> u32 {
        self.words.get(index(offset / 4)).copied().unwrap_or(0)
    }

    /// Stores a value as it is; nothing happens outside the registers.
    #[inline]
    pub fn set(&mut self, offset: u32, value: u32) {
        if let Some(word) = self.words.get_mut(index(offset / 4)) {
            *word = value;
        }
    }

    /// Notes a read or a write from outside, and logs the first of each undeclared register. (GVT-g reads all
    /// that there could be at its start, so reads are logged for debugging only.)
    pub fn note(&mut self, offset: u32, value: u32, write: bool) {
        if self.declared(offset).is_some() || offset >= REGISTER_BYTES {
            return;
        }
        let uses = self.unknown.entry(offset & !3).or_default();
        if uses.reads + uses.writes == 0 {
            let (level, verb) =
                if write { (log::Level::Info, "write to") } else { (log::Level::Debug, "read of") };
            log::log!(level, "first {verb} undeclared register {offset:#08x}: {value:#010x}");
        }
        if write {
            uses.writes += 1;
        } else {
            uses.reads += 1;
        }
    }

    /// The fence registers in their order, one a line.
    #[must_use]
    pub fn fences_report(&self) -> String {
        let mut report = String::new();
        for offset in (FENCE_FIRST..FENCE_FIRST + 0x100).step_by(8) {
            let value = u64::from(self.get(offset + 4)) << 32 | u64::from(self.get(offset));
            let _ = writeln!(report, "{value:#x}");
        }
        report
    }

    /// The undeclared registers that were used, one a line: offset, reads, writes, value.
    #[must_use]
    pub fn unknown_report(&self) -> String {
        let mut report = String::new();
        for (offset, uses) in &self.unknown {
            // Writing to a string cannot fail.
            let _ =
                writeln!(report, "{offset:#08x} {} {} {:#010x}", uses.reads, uses.writes, self.get(*offset));
        }
        report
    }

    /// Every declared line, for tests and listings.
    #[must_use]
    pub fn lines(&self) -> &[Declared] {
        &self.declared
    }
}

#[cfg(test)]
mod tests {
    use super::{REGISTER_BYTES, RegisterFile};
    use crate::engine::EngineId;
    use crate::registers::Behaviour;
    use crate::registers::engine::{CTL, HWS_PGA, STATUS_POINTER};

    #[test]
    fn no_two_lines_declare_the_same_register() {
        let file = RegisterFile::default();
        let mut owners = std::collections::BTreeMap::new();
        let mut twice = Vec::new();
        for declared in file.lines() {
            let register = declared.register;
            for word in 0..register.words {
                let offset = register.offset + word * 4;
                assert!(offset < REGISTER_BYTES, "{} lies outside", register.name);
                assert!(offset.is_multiple_of(4), "{}", register.name);
                if let Some(other) = owners.insert(offset, register.name) {
                    twice.push(format!("{offset:#x}: {other}, {}", register.name));
                }
            }
        }
        assert_eq!(twice, Vec::<String>::new());
    }

    /// Offsets from the headers of i915 in Linux 6.12: who searches a name must find it where the register is.
    #[test]
    fn names_are_of_the_registers_at_their_offsets() {
        let file = RegisterFile::default();
        for (name, offset) in [
            ("HSW_GTT_CACHE_EN", 0x4024),
            ("GEN8_L3CNTLREG", 0x7034),
            ("FBC_LLC_READ_CTRL", 0x9044),
            ("GEN6_RSTCTL", 0x9420),
            ("GEN8_UCGCTL6", 0x9430),
            ("GEN6_RP_CONTROL", 0xa024),
            ("GEN6_RC_CONTROL", 0xa090),
            ("GEN7_SARCHKMD", 0xb000),
            ("GEN7_L3LOG", 0xb070),
            ("GEN7_L3LOG", 0xb470),
            ("GEN8_L3SQCREG4", 0xb118),
            ("GEN9_BLT_MOCS", 0xcc00),
            ("TRANS_HBLANK", 0x6_0004),
            ("CURBASE", 0x7_0084),
            ("PLANE_STRIDE", 0x7_0188),
            ("PLANE_SIZE", 0x7_1190),
            ("PLANE_SURF", 0x7_219c),
        ] {
            let lines: Vec<_> = file
                .lines()
                .iter()
                .map(|declared| declared.register)
                .filter(|one| (one.offset..one.offset + one.words * 4).contains(&offset))
                .map(|one| one.name)
                .collect();
            assert!(matches!(lines[..], [line] if line.contains(name)), "{name} at {offset:#x}: {lines:?}");
        }
    }

    #[test]
    fn every_line_has_a_name_and_a_source() {
        for declared in RegisterFile::default().lines() {
            assert!(!declared.register.name.is_empty() && !declared.register.source.is_empty());
        }
    }

    #[test]
    fn an_acknowledgement_is_a_declared_register() {
        let file = RegisterFile::default();
        let acks = file.lines().iter().filter_map(|declared| match declared.register.behaviour {
            Behaviour::Acknowledged(ack) => Some(ack),
            _ => None,
        });
        let acks: Vec<_> = acks.collect();
        assert_eq!(acks.len(), 3);
        assert!(acks.iter().all(|ack| file.declared(*ack).is_some()));
    }

    #[test]
    fn an_engine_reset_keeps_the_status_page_and_no_other_engine_changes() {
        let mut file = RegisterFile::default();
        for id in [EngineId::Render, EngineId::Blitter] {
            file.set(id.base() + HWS_PGA, 0x5000);
            file.set(id.base() + CTL, 0x3001);
            file.set(id.base() + STATUS_POINTER, 3);
        }
        file.reset_engine(EngineId::Blitter);
        let blitter = EngineId::Blitter.base();
        assert_eq!([HWS_PGA, CTL, STATUS_POINTER].map(|offset| file.get(blitter + offset)), [0x5000, 0, 7]);
        assert_eq!(file.get(EngineId::Render.base() + CTL), 0x3001);
    }

    #[test]
    fn undeclared_registers_are_reported_once_each_with_their_uses() {
        let mut file = RegisterFile::default();
        file.set(0x1_0004, 5);
        file.note(0x1_0004, 5, true);
        file.note(0x1_0004, 5, false);
        file.note(0x1_0004, 5, false);
        file.note(0x9120, 0, false);
        assert_eq!(file.unknown_report(), "0x010004 2 1 0x00000005\n");
    }
}
