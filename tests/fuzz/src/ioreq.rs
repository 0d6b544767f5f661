//! What a guest could make Xen ask of a device model: the server beside a slow reading of the same requests.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::time::Duration;

use libxengt::addr::{Gfn, Gpa};
use libxengt::xen::ioreq::{Handler, IoSpace, IoreqServer, Size};
use libxengt::xen::testing::MockDomain;
use libxengt::xen::{IoRange, Sbdf};

use crate::input::Input;
use crate::ioreq_model::{Access, Model, answer_of};

/// Frames of the guest's memory.
pub(crate) const FRAMES: u64 = 32;
/// How many things happen at most: requests can ask for 4096 accesses each.
const STEPS: u32 = 16;

/// The ranges that are served: spaces, first and last. The second memory range begins where RAM ends, the third ends
/// where addresses end.
pub(crate) const RANGES: [(IoSpace, u64, u64); 5] = [
    (IoSpace::Pci, 0x10, 0x10),
    (IoSpace::Port, 0x3c0, 0x3df),
    (IoSpace::Memory, 0xf000_0000, 0xf000_0fff),
    (IoSpace::Memory, FRAMES << 12, (FRAMES << 12) + 0xfff),
    (IoSpace::Memory, Gpa::MAX.get() - 0xff, Gpa::MAX.get()),
];

fn range((space, first, last): (IoSpace, u64, u64)) -> IoRange {
    match space {
        IoSpace::Pci => IoRange::Pci(Sbdf::from_number(u32::try_from(first).expect("a function"))),
        IoSpace::Port => IoRange::Ports {
            first: u16::try_from(first).expect("a port"),
            last: u16::try_from(last).expect("a port"),
        },
        IoSpace::Memory => IoRange::Memory { first: Gpa::new(first), last: Gpa::new(last) },
    }
}

/// What the device saw, in order.
#[derive(Default)]
struct Device(Vec<Access>);

impl Device {
    fn read(&mut self, space: IoSpace, at: u64, size: Size) -> u64 {
        self.0.push(Access { space, at, size: size.bytes(), written: None, tracked: false });
        answer_of(at)
    }

    fn write(&mut self, space: IoSpace, at: u64, size: Size, value: u64, tracked: bool) {
        self.0.push(Access { space, at, size: size.bytes(), written: Some(value), tracked });
    }
}

fn config(function: Sbdf, register: u16) -> u64 {
    u64::from(function.get()) << 32 | u64::from(register)
}

impl Handler for Device {
    fn config_read(&mut self, function: Sbdf, register: u16, size: Size) -> u64 {
        self.read(IoSpace::Pci, config(function, register), size)
    }
    fn config_write(&mut self, function: Sbdf, register: u16, size: Size, value: u64) {
        self.write(IoSpace::Pci, config(function, register), size, value, false);
    }
    fn port_read(&mut self, port: u16, size: Size) -> u64 {
        self.read(IoSpace::Port, port.into(), size)
    }
    fn port_write(&mut self, port: u16, size: Size, value: u64) {
        self.write(IoSpace::Port, port.into(), size, value, false);
    }
    fn memory_read(&mut self, at: Gpa, size: Size) -> u64 {
        self.read(IoSpace::Memory, at.get(), size)
    }
    fn memory_write(&mut self, at: Gpa, size: Size, value: u64) {
        self.write(IoSpace::Memory, at.get(), size, value, false);
    }
    fn tracked_write(&mut self, at: Gpa, size: Size, value: u64) {
        self.write(IoSpace::Memory, at.get(), size, value, true);
    }
}

/// Every request is answered once, as the model answers it; the device sees what is in its ranges, the guest's memory
/// changes where it asked for that, and nothing else changes.
pub fn ioreq(data: &[u8]) {
    let mut input = Input::new(data);
    let bits = input.u8();
    let holes: BTreeSet<u64> = (0..8).filter(|bit| bits >> bit & 1 == 1).map(|bit| bit * 3 + 1).collect();
    let domain = MockDomain::new(FRAMES, &holes.iter().copied().map(Gfn::new).collect::<Vec<_>>());
    let mut server = domain.ioreq_server(&RANGES.map(range), true).expect("a mock starts");
    let mut model = Model::new(holes);
    let mut device = Device::default();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let step = input.u8();
        match step % 8 {
            0..=3 => {
                let mut slot: [u8; 32] = input.array();
                // Mostly requests, and mostly of types that there are.
                if step & 0x40 == 0 {
                    slot[30] = slot[30] & 0xf0 | 1;
                    slot[31] %= 9;
                }
                domain.set_slot((step >> 7).into(), &slot);
            }
            4 => {
                let at = u64::from(input.u16()) % (FRAMES * 4096 - 8);
                let bytes: [u8; 8] = input.array();
                domain.poke(Gpa::new(at), &bytes);
                model.poke(at, &bytes);
            }
            5 => {
                let gfn = u64::from(input.u8()) % (FRAMES + 2);
                server.track(Gfn::new(gfn)).expect("a mock tracks");
                model.track(gfn);
            }
            6 => {
                let gfn = u64::from(input.u8()) % (FRAMES + 2);
                server.untrack(Gfn::new(gfn)).expect("a mock untracks");
                model.untrack(gfn);
            }
            _ => serve(&domain, &mut server, &mut device, &mut model),
        }
    }
    serve(&domain, &mut server, &mut device, &mut model);
    assert_eq!(device.0, model.seen);
    let memory = domain.peek(Gpa::new(0), model.memory.len());
    if let Some(at) = (0..memory.len()).find(|at| memory[*at] != model.memory[*at]) {
        panic!("memory at {at:#x} is {:#x}, expected {:#x}", memory[at], model.memory[at]);
    }
    drop(server);
    assert_eq!(domain.maps(), 0, "nothing of the guest stays mapped");
}

fn serve(domain: &MockDomain, server: &mut IoreqServer, device: &mut Device, model: &mut Model) {
    let before = domain.signals();
    let slots: Vec<_> = (0..MockDomain::VCPUS).map(|vcpu| domain.slot(vcpu)).collect();
    let (expected, answered) = model.serve(&slots);
    assert_eq!(server.serve(device, Duration::ZERO).expect("a mock serves"), answered);
    let now = domain.signals();
    for (vcpu, (slot, expected)) in (0_usize..).zip(slots.iter().zip(expected)) {
        let is = domain.slot(u64::try_from(vcpu).expect("fits"));
        assert_eq!(is, expected, "vCPU {vcpu} asked {slot:02x?}");
        assert_eq!(now[vcpu] - before[vcpu], usize::from(slot[30] & 0xf == 1), "signals of vCPU {vcpu}");
    }
    let stats = server.stats();
    assert_eq!((stats.answered, stats.invalid, stats.lost), (model.answered, model.invalid, model.lost));
}
