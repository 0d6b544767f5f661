//! Submissions, switches, preemption and resets.

use igd_model::engine::EngineId::{self, Blitter, Render, Video};
use igd_model::registers::interrupts;
use libxengt::addr::{Maddr, PpgttAddr};

use crate::machine::{
    BATCH_END, DATA, HEAD, MEMORY, Machine, PROCESS, RING, STATUS_PAGE, TABLES, TAIL, descriptor, image,
};

const STORE: u32 = 0x20 << 23 | 2;
const SEMAPHORE_EQUAL: u32 = 0x1c << 23 | 2 | 1 << 15 | 4 << 12;
const ARBITRATION_OFF: u32 = 0x08 << 23;
const ARBITRATION_ON: u32 = 0x08 << 23 | 1;
const USER_INTERRUPT: u32 = 0x02 << 23;

fn store(at: u64, value: u32) -> [u32; 4] {
    [STORE, u32::try_from(at).unwrap(), 0, value]
}

fn wait_for_one(at: u64) -> [u32; 4] {
    [SEMAPHORE_EQUAL, 1, u32::try_from(at).unwrap(), 0]
}

#[test]
fn a_submission_executes_its_ring_and_reports_its_end() {
    for id in EngineId::ALL {
        let mut machine = Machine::new();
        machine.context(id, 1, &[&store(DATA, 0xcafe)[..], &[USER_INTERRUPT, 0]].concat());
        machine.submit(id, descriptor(1), 0);
        assert_eq!(machine.data(DATA), 0xcafe);
        assert_eq!(machine.events(id), [(0x1, 1), (0x18, 1)], "{id:?}");
        assert_eq!(machine.saved_head(1), 24);
        let (bank, shift) = id.interrupt();
        let identity = machine.device.read_register(interrupts::GT + bank * 16 + interrupts::IDENTITY);
        assert_eq!(identity, 0x101 << shift, "user interrupt and context switch of {id:?}");
        assert_eq!(machine.read(id, 0x9c) & 0x200, 0x200, "idle");
    }
}

#[test]
fn the_second_element_follows_the_first() {
    let mut machine = Machine::new();
    machine.context(Video, 1, &store(DATA, 1));
    machine.context(Video, 2, &store(DATA + 4, 2));
    machine.submit(Video, descriptor(1), descriptor(2));
    assert_eq!((machine.data(DATA), machine.data(DATA + 4)), (1, 2));
    assert_eq!(machine.events(Video), [(0x1, 1), (0x14, 1), (0x18, 2)]);
}

#[test]
fn a_context_that_runs_is_told_of_its_new_tail() {
    let mut machine = Machine::new();
    machine.context(Render, 1, &wait_for_one(DATA));
    machine.submit(Render, descriptor(1), 0);
    machine.put(MEMORY + RING + 0x4000 + 16, &store(DATA + 4, 7));
    machine.set_tail(1, 32);
    machine.submit(Render, descriptor(1), 0);
    assert_eq!(machine.events(Render), [(0x1, 1), (0x8002, 1)]);
    assert_eq!(machine.data(DATA + 4), 0, "the semaphore still waits");
    machine.put_data(DATA, &[1]);
    assert_eq!(machine.device.tick(), None);
    assert_eq!(machine.data(DATA + 4), 7);
    assert_eq!(machine.events(Render), [(0x18, 1)]);
}

#[test]
fn a_waiting_context_is_preempted_and_resumed_where_it_was() {
    let mut machine = Machine::new();
    machine.context(Render, 1, &[wait_for_one(DATA), store(DATA + 4, 1)].concat());
    machine.context(Render, 2, &store(DATA + 8, 2));
    machine.submit(Render, descriptor(1), 0);
    machine.submit(Render, descriptor(2), descriptor(1));
    assert_eq!(machine.data(DATA + 8), 2, "the second has run");
    assert_eq!(machine.events(Render), [(0x1, 1), (0x2, 1), (0x14, 2)]);
    machine.put_data(DATA, &[1]);
    machine.device.tick();
    assert_eq!(machine.data(DATA + 4), 1, "the first was resumed");
    assert_eq!(machine.events(Render), [(0x18, 1)]);
}

#[test]
fn preemption_waits_until_arbitration_is_on_again() {
    let mut machine = Machine::new();
    let ring = [&[ARBITRATION_OFF, 0][..], &wait_for_one(DATA), &[ARBITRATION_ON, 0], &store(DATA + 4, 1)];
    machine.context(Render, 1, &ring.concat());
    machine.context(Render, 2, &store(DATA + 8, 2));
    machine.submit(Render, descriptor(1), 0);
    machine.submit(Render, descriptor(2), descriptor(1));
    assert_eq!(machine.events(Render), [(0x1, 1)]);
    machine.put_data(DATA, &[1]);
    machine.device.tick();
    assert_eq!(machine.events(Render), [(0x2, 1), (0x14, 2), (0x18, 1)]);
    assert_eq!((machine.data(DATA + 4), machine.data(DATA + 8)), (1, 2));
}

#[test]
fn a_stopped_ring_executes_nothing_until_it_goes_on() {
    let mut machine = Machine::new();
    machine.write(Blitter, 0x9c, 0x100 << 16 | 0x100);
    assert_eq!(machine.read(Blitter, 0x9c) & 0x200, 0x200, "stopped is idle");
    machine.context(Blitter, 1, &store(DATA, 5));
    machine.submit(Blitter, descriptor(1), 0);
    assert_eq!(machine.data(DATA), 0);
    machine.write(Blitter, 0x9c, 0x100 << 16);
    machine.submit(Blitter, descriptor(1), 0);
    assert_eq!(machine.data(DATA), 5);
}

#[test]
fn a_bad_command_hangs_the_engine_until_its_reset() {
    let mut machine = Machine::new();
    machine.context(Render, 1, &[0xe000_0000, 0]);
    machine.context(Render, 2, &store(DATA, 3));
    machine.submit(Render, descriptor(1), 0);
    assert_eq!(machine.read(Render, 0xb0), 1, "an instruction error");
    assert_eq!(machine.read(Render, 0x68), 0xe000_0000, "IPEHR shows it");
    assert_eq!(machine.read(Render, 0x238), 1, "EXECLIST_STATUS names the context");
    let identity = machine.device.read_register(interrupts::GT + interrupts::IDENTITY);
    assert_eq!(identity & 1 << 3, 1 << 3, "and the driver is told");
    assert_eq!(machine.device.tick(), None, "nobody waits for a hung engine");
    machine.submit(Render, descriptor(2), 0);
    assert_eq!(machine.data(DATA), 0, "it takes nothing over");

    machine.write(Render, 0xd0, 1 << 16 | 1);
    assert_eq!(machine.read(Render, 0xd0), 3, "ready for the reset");
    machine.device.write_register(0x941c, 1 << 1);
    assert_eq!(machine.device.read_register(0x941c), 0, "done");
    assert_eq!(
        (machine.read(Render, 0xb0), machine.read(Render, HEAD), machine.read(Render, TAIL)),
        (0, 0, 0)
    );
    assert_eq!(machine.read(Render, 0x3a0) & 7, 7);
    machine.write(Render, 0xa8, 0);
    machine.submit(Render, descriptor(2), 0);
    assert_eq!(machine.data(DATA), 3);
}

#[test]
fn an_error_that_is_masked_hangs_silently() {
    let mut machine = Machine::new();
    machine.write(Render, 0xb4, !0);
    machine.context(Render, 1, &[0xe000_0000, 0]);
    machine.submit(Render, descriptor(1), 0);
    assert_eq!(machine.read(Render, 0xb0), 0);
    let identity = machine.device.read_register(interrupts::GT + interrupts::IDENTITY);
    assert_eq!(identity & 1 << 3, 0);
}

#[test]
fn an_address_that_maps_nothing_is_left_in_the_fault_registers() {
    let mut machine = Machine::new();
    machine.context(Blitter, 1, &[STORE, 0x0070_0000, 0x12, 1]);
    machine.submit(Blitter, descriptor(1), 0);
    assert_eq!(machine.device.read_register(0x4094), 2 << 12 | 1, "the blitter");
    assert_eq!(machine.device.read_register(0x4b10), 0x0120_0700);
    assert_eq!(machine.device.read_register(0x4b14), 0);
}

#[test]
fn a_batch_that_jumps_to_itself_lets_the_others_have_their_turn() {
    let mut machine = Machine::new();
    machine.run_batch(Render, &[0x31 << 23 | 1 << 8 | 1, 0x1000, 0, BATCH_END]);
    assert_eq!(machine.device.tick(), Some(std::time::Duration::ZERO), "it still runs");
    machine.context(Video, 1, &store(DATA, 6));
    machine.submit(Video, descriptor(1), 0);
    assert_eq!(machine.data(DATA), 6);
    machine.context(Render, 2, &store(DATA + 4, 7));
    machine.submit(Render, descriptor(2), 0);
    assert_eq!(machine.data(DATA + 4), 7, "and it can be preempted");
}

#[test]
fn the_image_keeps_registers_between_runs_and_loses_its_inhibit_bit() {
    let mut machine = Machine::new();
    machine.context(Render, 1, &store(DATA, 1));
    machine.submit(Render, descriptor(1), 0);
    let control = machine.get(MEMORY + image(1) + 4096 + 3 * 4);
    assert_eq!(control & 1, 0);
    assert_eq!(machine.get(MEMORY + image(1) + 4096 + 7 * 4), 16, "the tail is the driver's");
    assert_eq!(machine.get(MEMORY + image(1) + 4096 + 11 * 4), 0x3001, "RING_CTL is as it was");
}

#[test]
fn the_batches_of_a_restore_run_before_the_ring() {
    let mut machine = Machine::new();
    // MI_STORE_DATA_IMM to global addresses; the ring then copies what they left.
    let global = |at: u32, value: u32| [STORE | 1 << 22, at, 0, value];
    machine.put(MEMORY + 0x6_0000, &[&global(0x6_1000, 11)[..], &[0; 12]].concat());
    machine.put(MEMORY + 0x6_2000, &[&global(0x6_1004, 12)[..], &[BATCH_END]].concat());
    machine.write(Render, 0x1c4, 0x6_0000 | 1);
    machine.write(Render, 0x1c0, 0x6_2000 | 1);
    machine.context(Render, 1, &[0x2e << 23 | 1 << 22 | 3, 0x8000, 0, 0x6_1000, 0, 0]);
    machine.submit(Render, descriptor(1), 0);
    assert_eq!(machine.data(DATA), 11);
    assert_eq!(machine.get(MEMORY + 0x6_1004), 12);
}

#[test]
fn the_status_buffer_wraps() {
    let mut machine = Machine::new();
    for run in 0..7 {
        machine.context(Render, 1, &store(DATA, run));
        machine.submit(Render, descriptor(1), 0);
        assert_eq!(machine.events(Render), [(0x1, 1), (0x18, 1)], "run {run}");
    }
    assert_ne!(machine.get(MEMORY + STATUS_PAGE + 0x40), 0);
}

#[test]
fn contexts_that_ran_are_told_with_the_leaves_of_their_tables() {
    let mut machine = Machine::new();
    for context in [1, 2, 1] {
        machine.context(Render, context, &store(DATA, 7));
        machine.submit(Render, descriptor(context), 0);
    }
    let root = MEMORY + TABLES;
    let line = |context| format!("pml4 {root:#x} lrca {:#x} rcs0\n", image(context));
    assert_eq!(machine.device.contexts_report(None), line(1) + &line(2), "the latest first, each once");
    let at = |address| machine.device.contexts_report(Some(PpgttAddr::new(address)));
    assert_eq!(at(DATA), line(1) + &line(2));
    assert_eq!(at(1 << 20), "");

    let leaves = |machine: &Machine| machine.device.ppgtt_report(Maddr::new(root)).unwrap();
    let all = leaves(&machine);
    assert_eq!(all.lines().count(), 256);
    assert!(all.starts_with(&format!("0x0 {:#x} 0x1000\n", (MEMORY + PROCESS) | 3)), "{all}");
    // What fills a table is no leaf, whatever is below it; a large page is one; of 64 KB pages every 16th entry counts.
    let (directory, filler) = (root + 2 * 4096, root | 3);
    for entry in 4..512 {
        machine.put64(directory + entry * 8, filler);
    }
    machine.put64(directory + 8, 0x20_0083);
    machine.put64(directory, (root + 3 * 4096) | 3 | 1 << 11);
    let few = leaves(&machine);
    assert_eq!(few.lines().count(), 16 + 1, "{few}");
    let used = [0, 0xf_ffff, 0x20_0000, 0x3f_ffff]
        .map(|address| machine.device.contexts_report(Some(PpgttAddr::new(address))));
    assert!(used.iter().all(|report| report.lines().count() == 2), "{used:?}");
    for unused in [0x40_0000, 0x10_0000, 0x80_0000, 1 << 30] {
        assert_eq!(
            machine.device.contexts_report(Some(PpgttAddr::new(unused))),
            "",
            "{unused:#x} leads to what fills"
        );
    }
    assert!(few.contains(&format!("\n0x10000 {:#x} 0x10000\n", MEMORY + PROCESS + 0x1_0003)), "{few}");
    assert!(few.ends_with("\n0x200000 0x200083 0x200000\n"), "{few}");

    // Tables that are their own children end, too.
    for entry in 0..512 {
        machine.put64(root + entry * 8, (root | 3) + (entry << 52));
    }
    assert!(machine.device.ppgtt_report(Maddr::new(root)).unwrap_err().starts_with("more than"));
    assert!(machine.device.ppgtt_report(Maddr::new(0x1000)).unwrap_err().starts_with("the table of 0x0: "));

    machine.device.reset();
    assert_eq!(machine.device.contexts_report(None), "");
}
