//! Commands: each does what the reference says, and no more.

use igd_model::engine::EngineId::{self, Blitter, Render, VideoEnhance};
use igd_model::registers::interrupts;

use crate::machine::{BATCH_END, DATA, MEMORY, Machine, PROCESS, STATUS_PAGE, TABLES, descriptor};

const GPR: u32 = 0x600;
const D: u32 = 0x8000;

fn opcode(number: u32) -> u32 {
    number << 23
}

/// MI_LOAD_REGISTER_IMM of one general register's halves.
fn load_gpr(base: u32, number: u32, value: u64) -> Vec<u32> {
    let at = base + GPR + number * 8;
    vec![opcode(0x22) | 3, at, igd_model::bits::low(value), at + 4, igd_model::bits::high(value)]
}

#[test]
fn stores_write_one_or_more_words() {
    let mut machine = Machine::new();
    let mut batch = vec![opcode(0x20) | 4, D, 0, 1, 2, 3];
    batch.extend([opcode(0x20) | 1 << 21 | 3, D + 16, 0, 0x89ab_cdef, 0x0123_4567, BATCH_END]);
    machine.run_batch(Render, &batch);
    assert_eq!([0, 4, 8, 12].map(|at| machine.data(DATA + at)), [1, 2, 3, 0]);
    assert_eq!(machine.data64(DATA + 16), 0x0123_4567_89ab_cdef);
}

#[test]
fn global_addresses_are_for_rings_and_not_for_batches_of_a_process() {
    let mut machine = Machine::new();
    machine.context(Render, 0, &[opcode(0x20) | 1 << 22 | 2, 0x5_0000, 0, 9]);
    machine.submit(Render, descriptor(0), 0);
    assert_eq!(machine.get(MEMORY + 0x5_0000), 9, "through the global GTT");
    machine.run_batch(Render, &[opcode(0x20) | 1 << 22 | 2, D, 0, 7, BATCH_END]);
    assert_eq!(machine.data(DATA), 7, "as if it had not asked for them");
}

#[test]
fn registers_are_loaded_stored_and_copied() {
    let mut machine = Machine::new();
    let r = 0x2000 + GPR;
    machine.put_data(DATA, &[0x77]);
    let mut batch = vec![opcode(0x22) | 1, r, 0x55, opcode(0x29) | 2, r + 8, D, 0];
    batch.extend([opcode(0x2a) | 1, r, r + 16, opcode(0x24) | 2, r + 8, D + 4, 0]);
    batch.extend([opcode(0x24) | 2, r + 16, D + 8, 0, opcode(0x2e) | 3, D + 12, 0, D + 8, 0, BATCH_END]);
    machine.run_batch(Render, &batch);
    assert_eq!([4, 8, 12].map(|at| machine.data(DATA + at)), [0x77, 0x55, 0x55]);
}

#[test]
fn commands_cannot_submit_or_reset() {
    let mut machine = Machine::new();
    let batch = [opcode(0x22) | 3, 0x2230, 1, 0x941c, 1, opcode(0x20) | 2, D, 0, 4, BATCH_END];
    machine.run_batch(Render, &batch);
    assert_eq!(machine.data(DATA), 4, "the batch went on");
    assert_eq!(machine.events(Render), [(0x1, 0), (0x18, 0)]);
}

#[test]
fn batches_nest_once_and_chain_at_every_level() {
    let mut machine = Machine::new();
    let store = |at: u32, value: u32| [opcode(0x20) | 2, D + at, 0, value];
    let call = |level: u32, at: u32| [opcode(0x31) | level << 22 | 1 << 8 | 1, at, 0];
    machine.put_data(0x2000, &[&store(4, 2)[..], &call(0, 0x3000)].concat());
    machine.put_data(0x3000, &[&store(8, 3)[..], &[BATCH_END]].concat());
    machine.put_data(0x4000, &[&store(16, 5)[..], &[BATCH_END]].concat());
    let batch = [&store(0, 1)[..], &call(1, 0x2000), &store(12, 4), &call(0, 0x4000), &store(20, 6)].concat();
    machine.run_batch(Render, &batch);
    assert_eq!([0, 4, 8, 12, 16, 20].map(|at| machine.data(DATA + at)), [1, 2, 3, 4, 5, 0]);
    assert_eq!(machine.events(Render), [(0x1, 0), (0x18, 0)]);
}

#[test]
fn a_conditional_end_compares_memory_with_its_operand() {
    for (value, stored) in [(5, 0), (6, 1)] {
        let mut machine = Machine::new();
        machine.put_data(DATA, &[value]);
        let batch = [opcode(0x36) | 1 << 21 | 2, 5, D, 0, opcode(0x20) | 2, D + 4, 0, 1, BATCH_END];
        machine.run_batch(Render, &batch);
        assert_eq!(machine.data(DATA + 4), stored, "{value} > 5");
    }
}

#[test]
fn semaphores_compare_as_asked() {
    // Operand 5 against memory of 4, 5, 6: which of them pass.
    for (mode, passes) in [
        (0, [false, false, true]),
        (1, [false, true, true]),
        (2, [true, false, false]),
        (3, [true, true, false]),
        (4, [false, true, false]),
        (5, [true, false, true]),
    ] {
        for (value, pass) in [4, 5, 6].into_iter().zip(passes) {
            let mut machine = Machine::new();
            machine.put_data(DATA, &[value]);
            let wait = opcode(0x1c) | 1 << 15 | mode << 12 | 2;
            machine.run_batch(Render, &[wait, 5, D, 0, opcode(0x20) | 2, D + 4, 0, 1, BATCH_END]);
            assert_eq!(machine.data(DATA + 4) == 1, pass, "mode {mode}, {value} with 5");
        }
    }
}

#[test]
fn flushes_store_behind_them_and_interrupt() {
    let mut machine = Machine::new();
    let mut batch = vec![opcode(0x26) | 1 << 14 | 1 << 8 | 3, D, 0, 0x11, 0x22];
    batch.extend([opcode(0x26) | 1 << 14 | 2, D + 8, 0, 0x33]);
    batch.extend([opcode(0x26) | 3 << 14 | 3, D + 16, 0, 0, 0, BATCH_END]);
    machine.run_batch(VideoEnhance, &batch);
    assert_eq!(machine.data64(DATA), 0x22_0000_0011);
    assert_eq!(machine.data(DATA + 8), 0x33);
    assert_ne!(machine.data64(DATA + 16), 0, "a timestamp");
    let identity = machine.device.read_register(interrupts::GT + 0x30 + interrupts::IDENTITY);
    assert_eq!(identity & 1 << 4, 1 << 4);
}

#[test]
fn pipe_control_stores_to_memory_or_the_status_page_and_3d_is_skipped_by_its_length() {
    let mut machine = Machine::new();
    // STATE_BASE_ADDRESS (19 words), PIPELINE_SELECT (1), 3DPRIMITIVE (7), a media command of 12-bit length.
    let mut batch = vec![0x6101_0011];
    batch.extend([0xffff_ffff; 18]);
    batch.push(0x6904_0000);
    batch.push(0x7b00_0005);
    batch.extend([0xffff_ffff; 6]);
    batch.push(0x7102_0101);
    batch.extend([0xffff_ffff; 0x102]);
    batch.extend([0x7a00_0004, 1 << 14, D, 0, 0xaa, 0xbb]);
    batch.extend([0x7a00_0004, 1 << 14 | 1 << 24, D + 8, 0, 0xcc, 0xdd]);
    batch.extend([0x7a00_0004, 1 << 14 | 1 << 21, 0x100, 0, 0xee, 0xff, BATCH_END]);
    machine.run_batch(Render, &batch);
    assert_eq!(machine.data64(DATA), 0xbb_0000_00aa);
    assert_eq!(machine.data64(DATA + 8), 0xdd_0000_00cc, "a process has no global addresses");
    assert_eq!(machine.get(MEMORY + crate::machine::image(0) + 0x100), 0xee, "the context's status page");
    assert_eq!(machine.get(MEMORY + STATUS_PAGE + 0x100), 0, "not the engine's");
    machine.context(Render, 0, &[0x7a00_0004, 1 << 14 | 1 << 24, 0x5_0000, 0, 0xcc, 0xdd]);
    machine.submit(Render, descriptor(0), 0);
    assert_eq!(machine.get(MEMORY + 0x5_0004), 0xdd, "the ring has");
}

#[test]
fn arithmetic_on_registers_has_carry_and_zero_flags() {
    let mut machine = Machine::new();
    let base = 0x2000;
    let (load, store) = (0x080 << 20, 0x180 << 20);
    let (a, b, accumulator, zero, carry) = (0x20 << 10, 0x21 << 10, 0x31, 0x32, 0x33);
    let mut batch = load_gpr(base, 0, u64::MAX);
    batch.extend(load_gpr(base, 1, 2));
    batch.extend([
        opcode(0x1a) | 4,
        load | a,
        load | b | 1,
        0x100 << 20,
        store | 2 << 10 | accumulator,
        store | 3 << 10 | carry,
    ]);
    batch.extend([opcode(0x1a) | 3, load | a | 1, load | b | 1, 0x101 << 20, store | 4 << 10 | zero]);
    batch.extend([
        opcode(0x1a) | 3,
        load | a | 1,
        0x481 << 20 | b,
        0x104 << 20,
        store | 5 << 10 | accumulator,
    ]);
    batch.push(BATCH_END);
    machine.run_batch(Render, &batch);
    let mut gpr = |number: u32| {
        let at = base + GPR + number * 8;
        igd_model::bits::join(machine.device.read_register(at), machine.device.read_register(at + 4))
    };
    assert_eq!([2, 3, 4, 5].map(&mut gpr), [1, u64::MAX, u64::MAX, !2]);
}

#[test]
fn atomics_change_memory_and_return_what_was_there() {
    let mut machine = Machine::new();
    machine.put_data(DATA, &[10, 0, 0xffff_ffff, 0]);
    let inline = opcode(0x2f) | 1 << 18 | 9;
    let operands = |first: u32, second: u32| [first, second, 0, 0, 0, 0, 0, 0];
    let mut batch = vec![inline | 0x07 << 8 | 1 << 16, D, 0];
    batch.extend(operands(5, 0));
    batch.extend([inline | 0x0e << 8, D, 0]);
    batch.extend(operands(15, 99));
    batch.extend([inline | 0x0e << 8, D, 0]);
    batch.extend(operands(15, 1));
    batch.extend([opcode(0x2f) | 1 << 19 | 0x05 << 8 | 1, D + 8, 0, BATCH_END]);
    machine.run_batch(Render, &batch);
    assert_eq!(machine.data(DATA), 99, "added, then exchanged once");
    assert_eq!(machine.device.read_register(0x2000 + GPR), 10, "the old value");
    assert_eq!(machine.data64(DATA + 8), 1 << 32, "64 bits carry");
}

#[test]
fn the_global_gtt_is_written_by_command() {
    let mut machine = Machine::new();
    let page = u32::try_from(MEMORY).unwrap() | 0x7000 | 1;
    let found = |machine: &Machine| machine.device.gtt().translate(libxengt::addr::HostGma::new(0x40_0123));
    let command = [opcode(0x23) | 1 << 22 | 2, 0x40_0000, page, 0, BATCH_END];
    let before = found(&machine);
    machine.run_batch(Render, &command);
    assert_eq!(found(&machine), before, "a process may not");
    machine.context(Render, 0, &command[..4]);
    machine.submit(Render, descriptor(0), 0);
    assert_eq!(found(&machine), Some(libxengt::addr::Maddr::new(MEMORY + 0x7123)));
}

#[test]
fn fills_stay_inside_their_rectangle_and_mask() {
    let mut machine = Machine::new();
    machine.put_data(DATA, &[0x5555_5555; 256]);
    let color = |mask: u32| 2 << 29 | 0x50 << 22 | mask << 20 | 5;
    // 16 pixels of 32 bits a row; the rectangle (2, 1) to (5, 3).
    let mut batch = vec![color(3), 3 << 24 | 0xf0 << 16 | 64, 1 << 16 | 2, 3 << 16 | 5, D, 0, 0x1234_5678];
    // Only the alpha byte of pixel (0, 0), and eight bits at (3, 0) of an 8-bit surface.
    batch.extend([color(2), 3 << 24 | 0xf0 << 16 | 64, 0, 1 << 16 | 1, D, 0, 0xaa00_00bb]);
    batch.extend([color(3), 0xf0 << 16 | 64, 7, 1 << 16 | 8, D, 0, 0xcc, BATCH_END]);
    machine.run_batch(Blitter, &batch);
    for (x, y) in (0..16).flat_map(|x| (0..4).map(move |y| (x, y))) {
        let expected = match (x, y) {
            (2..5, 1..3) => 0x1234_5678,
            (0, 0) => 0xaa55_5555,
            (1, 0) => 0xcc55_5555,
            _ => 0x5555_5555,
        };
        assert_eq!(machine.data(DATA + (y * 16 + x) * 4), expected, "{x},{y}");
    }
}

/// The entry of page `page` of the context's own space.
fn set_entry(machine: &Machine, page: u64, flags: u64) {
    machine.put64(MEMORY + TABLES + 3 * 4096 + page * 8, (MEMORY + PROCESS + page * 4096) | flags);
}

#[test]
fn pixels_of_any_size_leave_pages_alone_that_are_for_reading() {
    for (depth, bytes) in [(0, 1), (1, 2), (3, 4)] {
        let mut machine = Machine::new();
        set_entry(&machine, DATA / 4096, 1);
        let control = depth << 24 | 0xf0 << 16 | 64;
        let fill = [2 << 29 | 0x50 << 22 | 3 << 20 | 5, control, 0, 1 << 16 | 8, D, 0, !0, BATCH_END];
        machine.run_batch(Blitter, &fill);
        assert_eq!([0, 4].map(|at| machine.data(DATA + at)), [0, 0], "{bytes} bytes a pixel");
        assert_eq!(machine.events(Blitter), [(0x1, 0), (0x18, 0)], "and the batch went on");
    }
}

#[test]
fn a_pixel_at_a_pages_last_byte_does_not_reach_the_next_page_of_memory() {
    let mut machine = Machine::new();
    set_entry(&machine, DATA / 4096 + 1, 0);
    let control = 1 << 24 | 0xf0 << 16;
    // Addresses of commands are multiples of 4; only the pitch can make one of pixels odd.
    let fill = [2 << 29 | 0x50 << 22 | 3 << 20 | 5, control | 1, 1 << 16 | 1, 2 << 16 | 2, D + 0xffc, 0, !0];
    machine.run_batch(Blitter, &[&fill[..], &[BATCH_END]].concat());
    assert_eq!(machine.data(DATA + 0x1000), 0, "the next page of memory is not the context's");
    assert_eq!(machine.data(DATA + 0xffc), 0xffff_0000, "the pixel is");
}

#[test]
fn copies_between_tilings_move_every_pixel() {
    use libxengt::tiling::{Swizzle, TiledSurface, Tiling};
    let mut machine = Machine::new();
    let (x_tiled, y_tiled) = (0x2_0000, 0x4_0000);
    let pixels: Vec<u32> = (0..128 * 32).collect();
    machine.put_data(DATA, &pixels);
    let copy = |flags: u32, to: u32, to_pitch: u32, from: u32, from_pitch: u32| {
        let header = 2 << 29 | 0x53 << 22 | 3 << 20 | flags | 8;
        vec![header, 3 << 24 | 0xcc << 16 | to_pitch, 0, 32 << 16 | 128, to, 0, 0, from_pitch, from, 0]
    };
    let switch = |value: u32| [opcode(0x22) | 1, 0x2_2200, 3 << 16 | value];
    let mut batch = copy(1 << 11, x_tiled, 128, D, 512);
    batch.extend(switch(2));
    batch.extend(copy(1 << 11 | 1 << 15, y_tiled, 128, x_tiled, 128));
    batch.extend(switch(1));
    batch.extend(copy(1 << 15, 0x6_0000, 512, y_tiled, 128));
    batch.push(BATCH_END);
    machine.run_batch(Blitter, &batch);
    for (start, tiling) in [(x_tiled, Tiling::X), (y_tiled, Tiling::Y)] {
        let surface = TiledSurface::try_new(tiling, Swizzle::None, 512, 32).unwrap();
        for (number, pixel) in (0_u64..).zip(&pixels) {
            let at = u64::from(start) + surface.offset_of(number % 128 * 4, number / 128).unwrap();
            assert_eq!(machine.data(at), *pixel, "{tiling:?} {number}");
        }
    }
    for (number, pixel) in (0_u64..).zip(&pixels) {
        assert_eq!(machine.data(0x6_0000 + number * 4), *pixel);
    }
}

/// A fill of 256 x 600 pixels, more than one turn, with this raster operation.
fn long_fill(raster: u32) -> [u32; 7] {
    [2 << 29 | 0x50 << 22 | 3 << 20 | 5, 3 << 24 | raster << 16 | 1024, 0, 600 << 16 | 256, D, 0, 7]
}

/// Turns until the engine is idle.
fn turns(machine: &mut Machine, id: EngineId) -> u32 {
    (0..10_000).find(|_| machine.read(id, 0x9c) & 0x200 != 0 || machine.device.tick().is_none()).unwrap()
}

#[test]
fn a_long_blit_gives_others_their_turn_and_still_ends() {
    let mut machine = Machine::new();
    machine.run_batch(Blitter, &[&long_fill(0xf0)[..], &[opcode(0x20) | 2, 0, 0, 1, BATCH_END]].concat());
    machine.context(Render, 1, &[opcode(0x20) | 2, 0xf_0000, 0, 9]);
    machine.submit(Render, descriptor(1), 0);
    assert_eq!(machine.data(0xf_0000), 9, "another engine had its turn");
    assert_eq!(machine.read(Blitter, 0x9c) & 0x200, 0, "while the blit went on");
    assert_eq!(machine.data(DATA + 1024 * 600 - 4), 0);
    assert!(turns(&mut machine, Blitter) > 0);
    assert_eq!(
        (machine.data(DATA), machine.data(DATA + 1024 * 600 - 4), machine.data(DATA + 1024 * 600)),
        (7, 7, 0)
    );
    assert_eq!(machine.data(0), 1, "what follows was executed");
}

#[test]
fn the_largest_blit_is_done_a_little_at_a_time() {
    let mut machine = Machine::new();
    // A pitch of 0: all rows are one.
    let size = 0x7fff << 16 | 0x7fff;
    let fill = [2 << 29 | 0x50 << 22 | 3 << 20 | 5, 0xf0 << 16, 0, size, D, 0, 7, BATCH_END];
    machine.run_batch(Blitter, &fill);
    let done = machine.device.engines_report();
    assert!(done.contains("bcs0 Running"), "{done}");
    machine.device.write_register(0x941c, 1);
    assert_eq!(machine.device.tick(), None);
}

#[test]
fn long_stores_count_as_what_they_store() {
    let mut machine = Machine::new();
    let mut store = vec![opcode(0x20) | 0x3ff, D, 0];
    store.resize(0x401, 5);
    machine.put_data(0x2_0000, &store);
    machine.put_data(0x2_0000 + 0x401 * 4, &[0x31 << 23 | 1 << 8 | 1, 0x2_0000, 0]);
    // The batch calls itself for ever.
    machine.run_batch(Render, &[0x31 << 23 | 1 << 8 | 1, 0x2_0000, 0]);
    let report = machine.device.engines_report();
    let commands: u64 = report.split_once("commands ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(report.starts_with("rcs0 Running") && commands < 100, "{report}");
}

#[test]
fn a_blit_that_was_begun_is_finished_before_another_context_runs() {
    let mut machine = Machine::new();
    // XOR: what is done twice is undone.
    machine.run_batch(Blitter, &[&long_fill(0x5a)[..], &[BATCH_END]].concat());
    machine.context(Blitter, 1, &[opcode(0x20) | 2, 0, 0, 1]);
    machine.submit(Blitter, descriptor(1), descriptor(0));
    turns(&mut machine, Blitter);
    assert_eq!(machine.data(0), 1, "the other context ran");
    for row in 0..600 {
        assert_eq!(machine.data(DATA + row * 1024), 7, "row {row}");
    }
}

#[test]
fn a_blit_of_a_restore_leaves_no_rows_out_of_the_next() {
    let mut machine = Machine::new();
    let restore = 0x5_0000;
    // 8192 x 600 pixels at a pitch of 0, which is more than a restore may do.
    let fill = [2 << 29 | 0x50 << 22 | 3 << 20 | 5, 0xf0 << 16, 0, 600 << 16 | 0x2000, 0x6_0000, 0, 3];
    machine.put(MEMORY + restore, &fill);
    machine.write(Blitter, 0x1c4, u32::try_from(restore).unwrap() | 1);
    machine.run_batch(Blitter, &[&long_fill(0xf0)[..], &[BATCH_END]].concat());
    turns(&mut machine, Blitter);
    assert_eq!(machine.get(MEMORY + 0x6_0000), 0x0303_0303, "the restore's was done");
    for row in 0..600 {
        assert_eq!(machine.data(DATA + row * 1024), 7, "row {row}");
    }
}
