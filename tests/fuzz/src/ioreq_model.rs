//! Requests as the header of the ABI describes them, byte by byte: what `ioreq` is compared with.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use libxengt::addr::Gpa;
use libxengt::xen::ioreq::{InvalidRequest, IoSpace, RawRequest};

use crate::ioreq::{FRAMES, RANGES};

/// One access that a device sees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Access {
    pub(crate) space: IoSpace,
    pub(crate) at: u64,
    pub(crate) size: u8,
    pub(crate) written: Option<u64>,
    pub(crate) tracked: bool,
}

/// What the device reads as, wider than any access.
pub(crate) fn answer_of(at: u64) -> u64 {
    at.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xa5a5_5a5a_0ff0_f00f
}

/// The guest and its device.
pub(crate) struct Model {
    pub(crate) memory: Vec<u8>,
    pub(crate) seen: Vec<Access>,
    pub(crate) answered: u64,
    pub(crate) invalid: u64,
    pub(crate) lost: u64,
    holes: BTreeSet<u64>,
    tracked: BTreeSet<u64>,
    retired: BTreeSet<u64>,
}

fn ones(size: u32) -> u64 {
    match size {
        1 => 0xff,
        2 => 0xffff,
        4 => 0xffff_ffff,
        _ => u64::MAX,
    }
}

fn parse(slot: &[u8; 32]) -> RawRequest {
    let word = |at: usize| u32::from_le_bytes(slot[at..at + 4].try_into().expect("four bytes"));
    let long = |at: usize| u64::from_le_bytes(slot[at..at + 8].try_into().expect("eight bytes"));
    RawRequest {
        addr: long(0),
        data: long(8),
        count: word(16),
        size: word(20),
        kind: slot[31],
        data_is_pointer: slot[30] >> 4 & 1 == 1,
        read: slot[30] >> 5 & 1 == 1,
        backwards: slot[30] >> 6 & 1 == 1,
    }
}

/// The addresses of all repetitions from `first` on, or `None` if one is none.
fn walk(raw: &RawRequest, first: u64) -> Option<Vec<u64>> {
    let (size, last) = (i128::from(raw.size), i128::from(Gpa::MAX.get()));
    let step = if raw.backwards { -size } else { size };
    (0..i128::from(raw.count))
        .map(|n| i128::from(first) + n * step)
        .map(|at| if at >= 0 && at + size - 1 <= last { u64::try_from(at).ok() } else { None })
        .collect()
}

/// Whether a request can be served, said once more.
fn is_valid(raw: &RawRequest) -> bool {
    let sizes: &[u32] = match raw.kind {
        7 | 8 => return true,
        0 | 2 => &[1, 2, 4],
        1 => &[1, 2, 4, 8],
        _ => return false,
    };
    let most = if raw.data_is_pointer && raw.size != 0 { 4096 / raw.size } else { 1 };
    sizes.contains(&raw.size)
        && (1..=most).contains(&raw.count)
        && match raw.kind {
            0 => raw.addr <= 0xffff && raw.addr + u64::from(raw.size) <= 0x1_0000,
            1 => walk(raw, raw.addr).is_some(),
            _ => (raw.addr & 0xffff_ffff) + u64::from(raw.size) <= 4096,
        }
        && (!raw.data_is_pointer || walk(raw, raw.data).is_some())
}

impl Model {
    pub(crate) fn new(holes: BTreeSet<u64>) -> Self {
        let bytes = usize::try_from(FRAMES * 4096).expect("fits");
        Self {
            memory: vec![0; bytes],
            seen: Vec::new(),
            answered: 0,
            invalid: 0,
            lost: 0,
            holes,
            tracked: BTreeSet::new(),
            retired: BTreeSet::new(),
        }
    }

    /// Also into holes: there it is in the file, and must never be seen.
    pub(crate) fn poke(&mut self, at: u64, bytes: &[u8]) {
        let at = usize::try_from(at).expect("fits");
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn track(&mut self, gfn: u64) {
        self.tracked.insert(gfn);
        self.retired.remove(&gfn);
    }

    pub(crate) fn untrack(&mut self, gfn: u64) {
        self.retired.insert(gfn);
    }

    /// The byte's place in memory, if there is memory.
    fn ram(&self, at: u64) -> Option<usize> {
        let there = at < FRAMES * 4096 && !self.holes.contains(&(at >> 12));
        there.then(|| usize::try_from(at).expect("fits"))
    }

    fn load(&self, at: u64, size: u32) -> Option<u64> {
        let mut value = 0;
        for n in 0..u64::from(size) {
            value |= u64::from(self.memory[self.ram(at + n)?]) << (8 * n);
        }
        Some(value)
    }

    fn store(&mut self, at: u64, size: u32, value: u64) -> bool {
        for (n, byte) in (0..u64::from(size)).zip(value.to_le_bytes()) {
            let Some(place) = self.ram(at + n) else { return false };
            self.memory[place] = byte;
        }
        true
    }

    /// Serves what waits in `slots`: what they are afterwards, and how many were answered.
    pub(crate) fn serve(&mut self, slots: &[[u8; 32]]) -> (Vec<[u8; 32]>, u64) {
        let before = self.answered;
        let after = slots.iter().map(|slot| self.serve_slot(slot)).collect();
        for gfn in std::mem::take(&mut self.retired) {
            self.tracked.remove(&gfn);
        }
        (after, self.answered - before)
    }

    fn serve_slot(&mut self, slot: &[u8; 32]) -> [u8; 32] {
        if slot[30] & 0xf != 1 {
            return *slot;
        }
        let raw = parse(slot);
        assert_eq!(raw.check().is_ok(), is_valid(&raw), "{raw:x?}: {:?}", raw.check());
        if let Err(InvalidRequest::Count { count, .. } | InvalidRequest::Address { count, .. }) = raw.check()
        {
            assert_eq!(count, raw.count, "an error tells what was asked");
        }
        self.answered += 1;
        let value = if is_valid(&raw) {
            self.access(&raw)
        } else {
            self.invalid += 1;
            (raw.read && !raw.data_is_pointer).then(|| ones(raw.size))
        };
        let mut after = *slot;
        after[30] = slot[30] & 0xf0 | 3;
        if let Some(value) = value {
            after[8..16].copy_from_slice(&value.to_le_bytes());
        }
        after
    }

    fn access(&mut self, raw: &RawRequest) -> Option<u64> {
        if raw.kind >= 7 {
            return None;
        }
        let places = match raw.kind {
            1 => walk(raw, raw.addr).expect("it is valid"),
            _ => vec![raw.addr; usize::try_from(raw.count).expect("fits")],
        };
        let buffers = raw.data_is_pointer.then(|| walk(raw, raw.data).expect("it is valid"));
        let mut value = None;
        for (n, at) in places.into_iter().enumerate() {
            let buffer = buffers.as_ref().map(|buffers| buffers[n]);
            let done = if raw.read { self.read(raw, at, buffer) } else { self.write(raw, at, buffer) };
            self.lost += u64::from(done.is_none());
            if raw.read && buffer.is_none() {
                value = Some(done.unwrap_or(u64::MAX) & ones(raw.size));
            }
        }
        value
    }

    fn read(&mut self, raw: &RawRequest, at: u64, buffer: Option<u64>) -> Option<u64> {
        let read = self.device(raw, at, None);
        match buffer {
            Some(buffer) if !self.store(buffer, raw.size, read.unwrap_or(u64::MAX)) => None,
            _ => read,
        }
    }

    fn write(&mut self, raw: &RawRequest, at: u64, buffer: Option<u64>) -> Option<u64> {
        let value = match buffer {
            Some(buffer) => self.load(buffer, raw.size)?,
            None => raw.data & ones(raw.size),
        };
        if raw.kind == 1 && self.tracked.contains(&(at >> 12)) {
            if !self.store(at, raw.size, value) {
                return None;
            }
            let size = u8::try_from(raw.size).expect("it is valid");
            self.seen.push(Access { space: IoSpace::Memory, at, size, written: Some(value), tracked: true });
            return Some(value);
        }
        self.device(raw, at, Some(value))
    }

    /// The device sees the access if it asked for all of it; what a read gives.
    fn device(&mut self, raw: &RawRequest, at: u64, written: Option<u64>) -> Option<u64> {
        let (space, first, len) = match raw.kind {
            0 => (IoSpace::Port, at, u64::from(raw.size)),
            1 => (IoSpace::Memory, at, u64::from(raw.size)),
            _ => (IoSpace::Pci, at >> 32, 1),
        };
        let ours =
            RANGES.iter().any(|(of, from, to)| *of == space && *from <= first && first + len - 1 <= *to);
        if !ours {
            return None;
        }
        let size = u8::try_from(raw.size).expect("it is valid");
        self.seen.push(Access { space, at, size, written, tracked: false });
        Some(answer_of(at))
    }
}
