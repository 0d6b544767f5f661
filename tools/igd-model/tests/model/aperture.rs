//! The CPU's window onto graphics memory.

use igd_model::device::Region;
use libxengt::addr::HostGma;
use libxengt::fence::Fence;
use libxengt::tiling::{Swizzle, TiledSurface, Tiling};

use crate::machine::{GLOBAL_END, MEMORY, Machine};

fn set_fence(machine: &mut Machine, fence: Fence<HostGma>) {
    let register = u64::from(fence.encode().unwrap());
    machine.device.region_write(Region::Bar0, 0x10_0000 + 8, &register.to_le_bytes());
}

#[test]
fn accesses_go_through_the_global_gtt() {
    let mut machine = Machine::new();
    machine.device.region_write(Region::Bar2, 0x1ffe, &[1, 2, 3, 4]);
    assert_eq!(machine.get(MEMORY + 0x1ffc), 0x0201_0000);
    assert_eq!(machine.get(MEMORY + 0x2000), 0x0000_0403);
    let mut out = [0; 4];
    machine.device.region_read(Region::Bar2, 0x1ffe, &mut out);
    assert_eq!(out, [1, 2, 3, 4]);
    machine.device.region_read(Region::Bar2, GLOBAL_END - 2, &mut out);
    assert_eq!(out, [0, 0, 0xff, 0xff], "what maps nothing reads as all ones");
    machine.device.region_write(Region::Bar2, GLOBAL_END, &[1; 4]);
}

#[test]
fn fences_tile_what_is_written_and_untile_what_is_read() {
    for tiling in [Tiling::X, Tiling::Y] {
        let mut machine = Machine::new();
        let (start, pitch, rows) = (0x8_0000, 1024, 32);
        let fence = Fence { start: HostGma::new(start), len: pitch * rows, pitch, tiling };
        set_fence(&mut machine, fence);
        let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
        machine.device.region_write(Region::Bar2, start + 5, &bytes);
        let mut out = vec![0; bytes.len()];
        machine.device.region_read(Region::Bar2, start + 5, &mut out);
        assert_eq!(out, bytes, "{tiling:?}");
        let surface = TiledSurface::try_new(tiling, Swizzle::None, pitch, rows).unwrap();
        for (offset, byte) in (5_u64..).zip(&bytes) {
            let at = surface.offset_of(offset % pitch, offset / pitch).unwrap();
            let word = machine.get(MEMORY + start + at / 4 * 4).to_le_bytes();
            assert_eq!(word[usize::try_from(at % 4).unwrap()], *byte, "{tiling:?} at {offset}");
        }
    }
}
