use super::{Buffers, Outcome, dispatch};
use crate::addr::{Gfn, Gpa};
use crate::xen::Sbdf;
use crate::xen::ioreq::{Handler, IoSpace, RawRequest, Size};

const MMIO: u64 = 0xf000_0000;
const RAM: u64 = 0x4000;

/// RAM of 16 KiB from address 0 on.
struct Ram(Vec<u8>, u32);

impl Buffers for Ram {
    fn load(&mut self, at: Gpa, bytes: &mut [u8]) -> bool {
        let from = usize::try_from(at.get()).unwrap();
        let Some(part) = self.0.get(from..from + bytes.len()) else { return false };
        bytes.copy_from_slice(part);
        true
    }
    fn store(&mut self, at: Gpa, bytes: &[u8]) -> bool {
        let from = usize::try_from(at.get()).unwrap();
        let Some(part) = self.0.get_mut(from..from + bytes.len()) else { return false };
        part.copy_from_slice(bytes);
        true
    }
    fn forget(&mut self) {
        self.1 += 1;
    }
}

/// Reads give the address; all is written down.
#[derive(Default)]
struct Seen(Vec<(&'static str, u64, u8, u64)>);

impl Handler for Seen {
    fn config_read(&mut self, _: Sbdf, register: u16, size: Size) -> u64 {
        self.0.push(("config_read", register.into(), size.bytes(), 0));
        0x1912_8086
    }
    fn config_write(&mut self, _: Sbdf, register: u16, size: Size, value: u64) {
        self.0.push(("config_write", register.into(), size.bytes(), value));
    }
    fn port_read(&mut self, port: u16, size: Size) -> u64 {
        self.0.push(("port_read", port.into(), size.bytes(), 0));
        port.into()
    }
    fn port_write(&mut self, port: u16, size: Size, value: u64) {
        self.0.push(("port_write", port.into(), size.bytes(), value));
    }
    fn memory_read(&mut self, at: Gpa, size: Size) -> u64 {
        self.0.push(("memory_read", at.get(), size.bytes(), 0));
        at.get()
    }
    fn memory_write(&mut self, at: Gpa, size: Size, value: u64) {
        self.0.push(("memory_write", at.get(), size.bytes(), value));
    }
    fn tracked_write(&mut self, at: Gpa, size: Size, value: u64) {
        self.0.push(("tracked_write", at.get(), size.bytes(), value));
    }
    fn invalidate(&mut self) {
        self.0.push(("invalidate", 0, 0, 0));
    }
}

fn ours(space: IoSpace, at: u64, len: u8) -> bool {
    match space {
        IoSpace::Pci => at == 0x10,
        IoSpace::Port => (0x3c0..=0x3df).contains(&at) && at + u64::from(len) <= 0x3e0,
        IoSpace::Memory => at >= MMIO && at + u64::from(len) <= MMIO + 0x1000,
    }
}

fn serve(raw: RawRequest, ram: &mut Ram) -> (Outcome, Seen) {
    let mut seen = Seen::default();
    let request = raw.check().unwrap();
    let outcome = dispatch(&request, &mut seen, ram, ours, |gfn| gfn == Gfn::new(2));
    (outcome, seen)
}

fn ram() -> Ram {
    Ram((0..=255).cycle().take(usize::try_from(RAM).unwrap()).collect(), 0)
}

fn copy() -> RawRequest {
    RawRequest { kind: 1, addr: MMIO, count: 1, size: 4, read: true, ..RawRequest::default() }
}

#[test]
fn single_accesses_reach_their_space_and_reads_are_cut_to_size() {
    let (outcome, seen) = serve(RawRequest { kind: 2, addr: 0x10 << 32 | 2, size: 2, ..copy() }, &mut ram());
    assert_eq!((outcome, seen.0), (Outcome { value: Some(0x8086), lost: 0 }, vec![("config_read", 2, 2, 0)]));
    let write = RawRequest { kind: 0, addr: 0x3c0, size: 1, read: false, data: 0x1234, ..copy() };
    let (outcome, seen) = serve(write, &mut ram());
    assert_eq!((outcome, seen.0), (Outcome::default(), vec![("port_write", 0x3c0, 1, 0x34)]));
    let (outcome, _) = serve(RawRequest { size: 8, addr: MMIO + 8, ..copy() }, &mut ram());
    assert_eq!(outcome.value, Some(MMIO + 8));
}

#[test]
fn what_is_not_ours_is_answered_with_ones_and_not_handled() {
    for raw in [
        RawRequest { addr: MMIO + 0x1000, ..copy() },
        RawRequest { addr: MMIO + 0xffd, ..copy() },
        RawRequest { kind: 0, addr: 0x3df, size: 2, ..copy() },
        RawRequest { kind: 2, addr: 0x18 << 32, ..copy() },
    ] {
        let (outcome, seen) = serve(raw, &mut ram());
        assert_eq!(outcome, Outcome { value: Some(u64::MAX >> (64 - 8 * raw.size)), lost: 1 });
        assert!(seen.0.is_empty());
        let (outcome, seen) = serve(RawRequest { read: false, ..raw }, &mut ram());
        assert_eq!((outcome, seen.0.len()), (Outcome { value: None, lost: 1 }, 0));
    }
}

#[test]
fn rep_movs_goes_through_memory_both_ways() {
    let many = RawRequest { count: 3, size: 2, data_is_pointer: true, data: 0x100, ..copy() };
    let mut memory = ram();
    let (outcome, _) = serve(many, &mut memory);
    assert_eq!(outcome, Outcome::default());
    assert_eq!(memory.0[0xfe..0x108], [0xfe, 0xff, 0, 0, 2, 0, 4, 0, 6, 7]);
    let (_, seen) = serve(RawRequest { read: false, ..many }, &mut memory);
    let written = [(MMIO, 0), (MMIO + 2, 2), (MMIO + 4, 4)].map(|(at, value)| ("memory_write", at, 2, value));
    assert_eq!(seen.0, written);
    let down = RawRequest { backwards: true, addr: MMIO + 4, data: 0x204, read: false, ..many };
    let (_, seen) = serve(down, &mut ram());
    let written =
        [(4, 0x0504), (2, 0x0302), (0, 0x0100)].map(|(at, value)| ("memory_write", MMIO + at, 2, value));
    assert_eq!(seen.0, written);
}

#[test]
fn rep_outs_writes_one_port_from_many_addresses() {
    let outs = RawRequest {
        kind: 0,
        addr: 0x3c0,
        count: 2,
        size: 1,
        data_is_pointer: true,
        data: 7,
        read: false,
        ..copy()
    };
    let (_, seen) = serve(outs, &mut ram());
    assert_eq!(seen.0, [("port_write", 0x3c0, 1, 7), ("port_write", 0x3c0, 1, 8)]);
}

#[test]
fn a_buffer_that_ends_loses_what_is_beyond_and_nothing_else() {
    let many = RawRequest { count: 4, size: 8, data_is_pointer: true, data: RAM - 16, ..copy() };
    let (outcome, _) = serve(many, &mut ram());
    assert_eq!(outcome, Outcome { value: None, lost: 2 });
    let (outcome, seen) = serve(RawRequest { read: false, ..many }, &mut ram());
    assert_eq!((outcome.lost, seen.0.len()), (2, 2));
}

#[test]
fn reads_that_are_lost_overwrite_the_guests_buffer() {
    let many = RawRequest { count: 2, size: 4, data_is_pointer: true, data: 0, addr: MMIO + 0xffc, ..copy() };
    let mut memory = ram();
    let (outcome, _) = serve(many, &mut memory);
    assert_eq!(outcome.lost, 1);
    assert_eq!(memory.0[..9], [0xfc, 0x0f, 0, 0xf0, 0xff, 0xff, 0xff, 0xff, 8]);
}

#[test]
fn tracked_writes_are_in_memory_before_the_handler_sees_them() {
    let mut memory = ram();
    let write = RawRequest { addr: 0x2010, read: false, data: 0xaabb_ccdd, ..copy() };
    let (outcome, seen) = serve(write, &mut memory);
    assert_eq!((outcome.lost, seen.0), (0, vec![("tracked_write", 0x2010, 4, 0xaabb_ccdd)]));
    assert_eq!(memory.0[0x2010..0x2014], [0xdd, 0xcc, 0xbb, 0xaa]);
    let (outcome, seen) = serve(RawRequest { addr: 0x3010, ..write }, &mut memory);
    assert_eq!((outcome.lost, seen.0.len()), (1, 0), "RAM that nobody tracks");
}

#[test]
fn invalidate_drops_what_is_mapped() {
    let mut memory = ram();
    let (outcome, seen) = serve(RawRequest { kind: 8, ..copy() }, &mut memory);
    assert_eq!((outcome, memory.1, seen.0.len()), (Outcome::default(), 1, 1));
    assert!(serve(RawRequest { kind: 7, ..copy() }, &mut memory).1.0.is_empty());
}
