//! Where we differ from GVT-g on purpose, each difference shown.
//!
//! Two more are in the properties, because they show in what drivers write: GVT-g's walk is wrong within
//! 64 KiB pages and finds no 2 MiB page.

use libxengt::addr::{Gpa, Maddr, PpgttAddr};
use libxengt::gtt::{DropReason, Fault, PageSize, Ppgtt, Root, WalkBudget, gen9, shadow};
use libxengt::memory::FlatMemory;
use xengt_opponent_gvt::{self as opponent, Errno, Host};
use xengt_tests::gtt_machine::{Store, Stretches};

use super::{Machine, gvt, skipped};

const EINVAL: Errno = Errno(-22);

/// Eight frames with the entries (frame, index, entry).
fn words(entries: &[(usize, usize, u64)]) -> Vec<u64> {
    let mut words = vec![0; 8 * 512];
    for (frame, index, entry) in entries {
        words[frame * 512 + index] = *entry;
    }
    words
}

/// Tables from the PML4 in frame 1 down to the page table in frame 4.
const CHAIN: [(usize, usize, u64); 4] = [(1, 0, 0x2003), (2, 0, 0x3003), (3, 0, 0x4003), (4, 0, 0x9_9003)];

/// [`CHAIN`] with `bits` set in its entry in `frame`.
fn chain_with(frame: usize, bits: u64) -> Vec<u64> {
    words(&CHAIN.map(|(at, index, entry)| (at, index, if at == frame { entry | bits } else { entry })))
}

fn ours(words: &[u64], va: u64) -> Result<(u64, PageSize), Fault> {
    let memory = FlatMemory::<Gpa, _>::new(words);
    let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
    ppgtt
        .translate(PpgttAddr::new(va))
        .map(|page| (page.addr.get(), page.page_size))
        .map_err(|error| error.fault)
}

fn theirs(words: &[u64], va: u64) -> Result<Option<u64>, Errno> {
    let mut gvt = gvt(words, Host::default());
    gvt.shadow(opponent::Root::L4(0x1000))?;
    Ok(gvt.ppgtt(va))
}

#[test]
fn address_bits_that_the_gpu_lacks_are_refused_and_gvt_masks_them() {
    if skipped() {
        return;
    }
    assert_eq!(theirs(&chain_with(1, 0), 0x12), Ok(Some(0x9_9012)));
    for frame in 1..=4 {
        let words = chain_with(frame, 1 << 46);
        assert_eq!(ours(&words, 0x12), Err(Fault::BeyondHaw { bits: 1 << 46, haw: 46 }));
        assert_eq!(theirs(&words, 0x12), Ok(Some(0x9_9012)));
    }
}

#[test]
fn page_size_bit_of_a_pml4_entry_is_refused_and_gvt_ignores_it() {
    if skipped() {
        return;
    }
    let words = chain_with(1, 0x80);
    assert_eq!(ours(&words, 0x12), Err(Fault::Reserved { bits: 0x80 }));
    assert_eq!(theirs(&words, 0x12), Ok(Some(0x9_9012)));
}

/// One page of 1 GiB, and GVT-g refuses the whole space.
#[test]
fn page_of_1g_translates_and_gvt_refuses_its_space() {
    if skipped() {
        return;
    }
    let words = words(&[&CHAIN[..], &[(2, 1, 0x1_4000_0083)]].concat());
    assert_eq!(ours(&words, 0x5234_5678), Ok((0x1_5234_5678, PageSize::Size1G)));
    assert_eq!(ours(&words, 0x12), Ok((0x9_9012, PageSize::Size4K)));
    assert_eq!(theirs(&words, 0x12), Err(EINVAL));
}

/// GVT-g knows one role per guest frame: the one in which it met the frame first.
#[test]
fn table_with_two_roles_is_read_in_each_and_gvt_reads_it_in_one() {
    if skipped() {
        return;
    }
    // The page directory is also the page table that its entry 1 points to. Its entry 2 is a page of 2 MiB
    // in the one, and of 4 KiB in the other.
    let words = words(&[&CHAIN[..], &[(3, 1, 0x3003), (3, 2, 0x40_1083)]].concat());
    assert_eq!(ours(&words, 2 << 21 | 0x12), Ok((0x40_0012, PageSize::Size2M)));
    assert_eq!(ours(&words, 1 << 21 | 2 << 12 | 0x12), Ok((0x40_1012, PageSize::Size4K)));
    assert_eq!(theirs(&words, 1 << 21 | 2 << 12 | 0x12), Ok(Some(0x40_0012)));
}

#[test]
fn three_levels_end_at_4g_and_gvt_wraps() {
    if skipped() {
        return;
    }
    let words = words(&CHAIN);
    let mut gvt = gvt(&words, Host::default());
    gvt.shadow(opponent::Root::L3([0x3000, 0, 0, 0])).unwrap();
    assert_eq!(gvt.ppgtt(0x12), Some(0x9_9012));
    assert_eq!(gvt.ppgtt(1 << 32 | 0x12), Some(0x9_9012));
    let memory = FlatMemory::<Gpa, _>::new(&words);
    let ppgtt = Ppgtt::new(&memory, Root::from_pdp_registers([0x3000, 0, 0, 0]), gen9::MMU);
    let error = ppgtt.translate(PpgttAddr::new(1 << 32 | 0x12)).unwrap_err();
    assert_eq!(error.fault, Fault::BeyondSpace { size: 1 << 32 });
}

/// A page whose frame the guest does not have: GVT-g gives its slot the flags of the entry before, whatever
/// that was, and of the first entry what lay on the stack (`se` in `ppgtt_populate_spt`).
#[test]
fn page_without_a_frame_maps_nothing_and_gvts_inherits_its_neighbours_flags() {
    if skipped() {
        return;
    }
    let beyond = 1 << 20;
    let entries = [&CHAIN[..], &[(3, 1, beyond << 12 | 0x81)]].concat();
    let words = words(&entries);
    let mut gvt = gvt(&words, Host { gfns: beyond, ..Host::default() });
    gvt.shadow(opponent::Root::L4(0x1000)).unwrap();
    // The guest's entry is a read-only page of 2 MiB; the shadow's is a writable pointer to a page table, to
    // which GVT-g's scratch page, here at 0, was never meant to serve.
    assert!(gvt.shadow_words().contains(&3));
    let machine = Machine::of(&gvt);
    let host = Ppgtt::new(&machine, Root::<Maddr>::from_pml4_register(gvt.shadow_roots()[0]), gen9::MMU);
    let error = host.translate(PpgttAddr::new(1 << 21)).unwrap_err();
    assert_eq!((error.level, error.table), (libxengt::gtt::Level::Pt, 0), "{error}");

    let memory = FlatMemory::<Gpa, _>::new(&words);
    let guest = Ppgtt::new(&memory, Root::Pml4(Gpa::new(0x1000)), gen9::MMU);
    let mut store = Store::failing_after(usize::MAX);
    let made = shadow(&guest, &Stretches(vec![(0, beyond, 0)]), &mut store, WalkBudget::default()).unwrap();
    assert!(
        made.report().first_dropped.iter().all(|dropped| matches!(dropped.reason, DropReason::UnknownGfn(_)))
    );
    assert_eq!(made.report().dropped, 512, "each 4 KiB of the page");
    let machine = store.memory();
    let host = Ppgtt::new(&machine, *made.root(), gen9::MMU);
    assert_eq!(host.translate(PpgttAddr::new(1 << 21)).unwrap_err().fault, Fault::NotPresent);
    assert!(host.translate(PpgttAddr::ZERO).is_ok());
    made.release(&mut store);
}
