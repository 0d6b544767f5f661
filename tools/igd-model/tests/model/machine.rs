//! A machine with the GPU in it and a driver's page tables, ring, contexts and status page in place.

use std::fs::File;

use igd_model::bits::{high, low};
use igd_model::device::Device;
use igd_model::engine::EngineId;
use libxengt::addr::Maddr;
use libxengt::memory::GuestMemory;

/// Where memory is on the bus, and how much.
pub(crate) const MEMORY: u64 = 0x4000_0000;
pub(crate) const SIZE: u64 = 4 << 20;
/// Global graphics addresses up to here lead to memory from its start on.
pub(crate) const GLOBAL_END: u64 = 1 << 20;
/// Addresses of the context's own space up to 1 MB lead to memory from here on, those after nowhere.
pub(crate) const PROCESS: u64 = 2 << 20;

/// Global addresses.
pub(crate) const RING: u64 = 0x1_0000;
pub(crate) const STATUS_PAGE: u64 = 0x3_0000;
pub(crate) const TABLES: u64 = 0x4_0000;

/// Addresses of the context's own space.
pub(crate) const BATCH: u64 = 0x1000;
pub(crate) const DATA: u64 = 0x8000;

pub(crate) const TAIL: u32 = 0x30;
pub(crate) const HEAD: u32 = 0x34;
pub(crate) const ELSP: u32 = 0x230;

pub(crate) const BATCH_END: u32 = 0x0a << 23;

/// The device and what its driver would hold.
pub(crate) struct Machine {
    pub(crate) device: Device,
}

/// A file of `bytes` zeros.
pub(crate) fn file(bytes: u64) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(bytes).unwrap();
    file
}

/// Where a context's image is.
pub(crate) fn image(context: u32) -> u64 {
    0x8_0000 + u64::from(context) * 0x2000
}

/// A context's descriptor: four levels of tables, and the context's number as its name.
pub(crate) fn descriptor(context: u32) -> u64 {
    u64::from(context) << 32 | image(context) | 0x19
}

impl Machine {
    pub(crate) fn new() -> Self {
        let mut device = Device::new().unwrap();
        device.memory_mut().map(MEMORY, SIZE, file(SIZE), 0, true).unwrap();
        for page in 0..GLOBAL_END / 4096 {
            device.gtt().write(page * 8, &((MEMORY + page * 4096) | 1).to_le_bytes());
        }
        let mut machine = Self { device };
        for (level, next) in [(0, 1), (1, 2), (2, 3)] {
            machine.put64(MEMORY + TABLES + level * 4096, (MEMORY + TABLES + next * 4096) | 3);
        }
        for page in 0..256 {
            machine.put64(MEMORY + TABLES + 3 * 4096 + page * 8, (MEMORY + PROCESS + page * 4096) | 3);
        }
        for id in EngineId::ALL {
            machine.write(id, 0x80, low(STATUS_PAGE));
            machine.write(id, 0xa8, 0);
            machine.write(id, 0xb4, 0);
        }
        for bank in 0..4 {
            machine.device.write_register(0x4_4304 + bank * 16, 0);
            machine.device.write_register(0x4_430c + bank * 16, !0);
        }
        machine
    }

    pub(crate) fn put64(&self, at: u64, value: u64) {
        self.device.memory().write_u64(Maddr::new(at), value).unwrap();
    }

    pub(crate) fn put(&self, at: u64, words: &[u32]) {
        for (word, at) in words.iter().zip((at..).step_by(4)) {
            self.device.memory().write_u32(Maddr::new(at), *word).unwrap();
        }
    }

    pub(crate) fn get(&self, at: u64) -> u32 {
        self.device.memory().read_u32(Maddr::new(at)).unwrap()
    }

    /// A word at an address of the context's own space.
    pub(crate) fn data(&self, at: u64) -> u32 {
        self.get(MEMORY + PROCESS + at)
    }

    pub(crate) fn data64(&self, at: u64) -> u64 {
        self.device.memory().read_u64(Maddr::new(MEMORY + PROCESS + at)).unwrap()
    }

    pub(crate) fn put_data(&self, at: u64, words: &[u32]) {
        self.put(MEMORY + PROCESS + at, words);
    }

    pub(crate) fn read(&mut self, id: EngineId, offset: u32) -> u32 {
        self.device.read_register(id.base() + offset)
    }

    pub(crate) fn write(&mut self, id: EngineId, offset: u32, value: u32) {
        self.device.write_register(id.base() + offset, value);
    }

    /// Makes a context whose ring, 4 pages long, starts with `commands`.
    pub(crate) fn context(&mut self, id: EngineId, context: u32, commands: &[u32]) {
        let ring = RING + u64::from(context) * 0x4000;
        assert!(ring + 0x4000 <= STATUS_PAGE && context < 8, "no room for context {context}");
        self.put(MEMORY + ring, commands);
        let tail = u32::try_from(commands.len().next_multiple_of(2) * 4).unwrap();
        let registers = [
            (0x244, 0x9_0009),
            (HEAD, 0),
            (TAIL, tail),
            (0x38, low(ring)),
            (0x3c, 0x3001),
            (0x168, 0),
            (0x140, 0),
            (0x110, 0),
            (0x11c, 0),
            (0x114, 0),
            (0x118, 0),
        ];
        let tables = MEMORY + TABLES;
        let paging = [(0x3a8, 0), (0x274, high(tables)), (0x270, low(tables))];
        let mut words = vec![0];
        for block in [&registers[..], &paging[..]] {
            words.push(0x1100_1000 | u32::try_from(block.len() * 2 - 1).unwrap());
            words.extend(block.iter().flat_map(|(offset, value)| [id.base() + offset, *value]));
            words.push(0);
        }
        words.push(BATCH_END);
        self.put(MEMORY + image(context) + 4096, &words);
    }

    /// The tail in a context's image, to submit more.
    pub(crate) fn set_tail(&self, context: u32, tail: u32) {
        self.put(MEMORY + image(context) + 4096 + 7 * 4, &[tail]);
    }

    /// The saved head.
    pub(crate) fn saved_head(&self, context: u32) -> u32 {
        self.get(MEMORY + image(context) + 4096 + 5 * 4)
    }

    /// Writes the submit port.
    pub(crate) fn submit(&mut self, id: EngineId, first: u64, second: u64) {
        for word in [high(second), low(second), high(first), low(first)] {
            self.write(id, ELSP, word);
        }
        self.device.tick();
    }

    /// Runs `commands` as a batch of the context's own space.
    pub(crate) fn run_batch(&mut self, id: EngineId, commands: &[u32]) {
        self.put_data(BATCH, commands);
        self.context(id, 0, &[0x31 << 23 | 1 << 8 | 1, low(BATCH), 0, 0]);
        self.submit(id, descriptor(0), 0);
    }

    /// The status events since the last call, as (status, context).
    pub(crate) fn events(&mut self, id: EngineId) -> Vec<(u32, u32)> {
        let pointer = self.read(id, 0x3a0);
        let written = self.get(MEMORY + STATUS_PAGE + 0x7c);
        assert_eq!(pointer & 7, written, "register and page disagree");
        let mut read = match pointer >> 8 & 7 {
            0 if pointer >> 8 == 0 && !self.any_read(id) => 5,
            read => read,
        };
        let mut events = Vec::new();
        while read != written {
            read = (read + 1) % 6;
            let at = MEMORY + STATUS_PAGE + 0x40 + u64::from(read) * 8;
            events.push((self.get(at), self.get(at + 4)));
        }
        self.write(id, 0x3a0, 0xff00 << 16 | 0x8000 | written << 8);
        events
    }

    /// Whether the driver has written its read pointer before: it sets bit 15 here.
    fn any_read(&mut self, id: EngineId) -> bool {
        self.read(id, 0x3a0) & 0x8000 != 0
    }
}
