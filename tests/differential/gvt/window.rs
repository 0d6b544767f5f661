//! Global graphics addresses: whose they are, and where they lead.

use std::cell::Cell;

use libxengt::addr::{GuestGma, HostGma};
use libxengt::gtt::{Fault, Ggtt, gen9};
use libxengt::window::Window;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use xengt_opponent_gvt::{Errno, Host, Slices};

use super::{gvt, skipped};

const PAGE: u64 = 4096;
const EACCES: Errno = Errno(-13);

/// A slice of whole pages of the space from `first` to `end`, which it may fill.
fn slice(first: u64, end: u64) -> impl Strategy<Value = (u64, u64)> {
    let pages = (end - first) / PAGE;
    let start = prop_oneof![Just(0), 0..pages];
    start.prop_flat_map(move |start| {
        let len = prop_oneof![Just(pages - start), 1..=pages - start];
        len.prop_map(move |len| (first + start * PAGE, len * PAGE))
    })
}

/// GPUs whose aperture is 256 MiB of 4 GiB or of 2 GiB, or 16 MiB of 64 MiB.
fn slices() -> impl Strategy<Value = Slices> {
    let sizes = [(1 << 28, 1 << 32), (1 << 28, 1 << 31), (1 << 24, 1 << 26)];
    proptest::sample::select(sizes.to_vec()).prop_flat_map(|(mappable, total)| {
        (slice(0, mappable), slice(mappable, total)).prop_map(move |(aperture, hidden)| Slices {
            aperture,
            hidden,
            mappable,
            total,
        })
    })
}

/// Addresses at the edges of the slices and of the GPU's space, next to them, and any.
fn addresses(slices: Slices) -> impl Strategy<Value = Vec<u64>> {
    let Slices { aperture, hidden, mappable, total } = slices;
    let edges: Vec<u64> =
        [aperture.0, aperture.0 + aperture.1, hidden.0, hidden.0 + hidden.1, mappable, total]
            .into_iter()
            .flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1])
            .filter(|addr| addr >> 32 == 0)
            .collect();
    proptest::collection::vec(prop_oneof![proptest::sample::select(edges), 0..total], 32)
}

fn window(slices: Slices) -> Window {
    let host = |(first, len)| (HostGma::new(first), len);
    Window::ballooned(host(slices.aperture), host(slices.hidden)).unwrap()
}

#[test]
fn guest_to_host_is_gvts_and_refuses_what_it_refuses() {
    if skipped() {
        return;
    }
    let cases = slices().prop_flat_map(|slices| (Just(slices), addresses(slices)));
    proptest!(xengt_tests::cases(2048), |((slices, addresses) in cases)| {
        let mut gvt = gvt(&[], Host::default());
        gvt.set_slices(slices);
        let window = window(slices);
        for addr in addresses {
            match window.g2h(GuestGma::new(addr)) {
                Ok(host) => prop_assert_eq!(gvt.g2h(addr), Ok(host.get())),
                Err(_) => prop_assert_eq!(gvt.g2h(addr), Err(EACCES)),
            }
        }
    });
}

/// GVT-g counts the host's address from where the GPU's slice starts, not the vGPU's: it is right only for a
/// vGPU that has the slice's first page, and it asks nobody whether the address is the vGPU's.
#[test]
fn host_to_guest_undoes_guest_to_host_where_gvts_does_not() {
    if skipped() {
        return;
    }
    let cases = slices().prop_flat_map(|slices| (Just(slices), addresses(slices)));
    let (wrong, foreign) = (Cell::new(0), Cell::new(0));
    proptest!(xengt_tests::cases(2048), |((slices, addresses) in cases)| {
        let mut gvt = gvt(&[], Host::default());
        gvt.set_slices(slices);
        let window = window(slices);
        for addr in addresses {
            let (first, gpus_first) =
                if addr < slices.mappable { (slices.aperture.0, 0) } else { (slices.hidden.0, slices.mappable) };
            let theirs = gvt.h2g(addr);
            if addr >= slices.total {
                prop_assert_eq!(theirs, Err(EACCES));
                prop_assert!(window.h2g(HostGma::new(addr)).is_err());
                continue;
            }
            prop_assert_eq!(theirs, Ok(first + (addr - gpus_first)));
            match window.h2g(HostGma::new(addr)) {
                Ok(guest) => {
                    prop_assert_eq!(window.g2h(guest).map(HostGma::get), Ok(addr));
                    prop_assert_eq!(theirs == Ok(guest.get()), first == gpus_first);
                    wrong.set(wrong.get() + u32::from(first != gpus_first));
                }
                Err(_) => foreign.set(foreign.get() + 1),
            }
        }
    });
    assert!(wrong.get() > 0 && foreign.get() > 0, "{wrong:?} wrong, {foreign:?} foreign");
}

/// GVT-g looks at no present bit here, and at no address bit above the GPU's.
#[test]
fn global_gtt_finds_the_addresses_that_gvt_finds() {
    if skipped() {
        return;
    }
    let entry = prop_oneof![3 => any::<u64>().prop_map(|entry| entry & !(0x3f << 46) | 1), 1 => any::<u64>()];
    let entries = proptest::collection::vec(entry, 512);
    proptest!(xengt_tests::cases(256), |(entries in entries, first in 0..500_u64, len in 1..12_u64)| {
        let mut gvt = gvt(&entries, Host::default());
        let aperture = (first * PAGE, len * PAGE);
        gvt.set_slices(Slices { aperture, hidden: (1 << 30, PAGE), mappable: 1 << 28, total: 1 << 32 });
        let ggtt = Ggtt::<GuestGma, _>::new(&entries[..], gen9::MMU);
        for va in (0..512 * PAGE).step_by(0x7ff) {
            let theirs = gvt.ggtt(va);
            if !(aperture.0..aperture.0 + aperture.1).contains(&va) {
                prop_assert_eq!(theirs, None, "not the vGPU's");
                continue;
            }
            let entry = entries[usize::try_from(va >> 12).unwrap()];
            prop_assert_eq!(theirs, Some(entry & 0x3fff_ffff_f000 | va & 0xfff));
            match ggtt.translate(GuestGma::new(va)) {
                Ok(page) => prop_assert_eq!(theirs, Some(page.addr.get())),
                Err(error) if entry & 1 == 0 => prop_assert_eq!(error.fault, Fault::NotPresent),
                Err(error) => {
                    let bits = entry & 0x3f << 46;
                    prop_assert!(bits != 0);
                    prop_assert_eq!(error.fault, Fault::BeyondHaw { bits, haw: 46 });
                }
            }
        }
    });
}
