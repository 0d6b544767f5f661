//! Tests of windows at their edges; the properties over all windows are in the tests crate.

use super::{Layout, OutOfWindow, Space, Window, WindowError, disjoint};
use crate::addr::{GuestGma, HostGma, MB};
use crate::error::{Diagnose, ErrorKind};

const APERTURE: (HostGma, u64) = (HostGma::new(0x0800_0000), 64 * MB);
const HIDDEN: (HostGma, u64) = (HostGma::new(0x4000_0000), 384 * MB);

fn zero_based() -> Window {
    Window::zero_based(APERTURE, HIDDEN, GuestGma::new(0x1000_0000)).unwrap()
}

#[test]
fn ballooned_guest_uses_the_hosts_numbers() {
    let window = Window::ballooned(APERTURE, HIDDEN).unwrap();
    assert_eq!(window.layout(), Layout::Ballooned);
    for raw in [0x0800_0000, 0x0bff_ffff, 0x4000_0000, 0x57ff_ffff] {
        assert_eq!(window.g2h(GuestGma::new(raw)), Ok(HostGma::new(raw)));
        assert_eq!(window.h2g(HostGma::new(raw)), Ok(GuestGma::new(raw)));
    }
    for raw in [0, 0x07ff_ffff, 0x0c00_0000, 0x3fff_ffff, 0x5800_0000, 0xffff_ffff] {
        assert!(window.g2h(GuestGma::new(raw)).is_err(), "{raw:#x}");
        assert!(window.h2g(HostGma::new(raw)).is_err(), "{raw:#x}");
    }
}

#[test]
fn zero_based_guest_sees_its_aperture_at_zero_and_its_hidden_slice_where_told() {
    let window = zero_based();
    assert_eq!(window.layout(), Layout::ZeroBased);
    for (guest, host) in
        [(0, 0x0800_0000), (0x03ff_ffff, 0x0bff_ffff), (0x1000_0000, 0x4000_0000), (0x27ff_ffff, 0x57ff_ffff)]
    {
        assert_eq!(window.g2h(GuestGma::new(guest)), Ok(HostGma::new(host)));
        assert_eq!(window.h2g(HostGma::new(host)), Ok(GuestGma::new(guest)));
        assert_eq!(window.is_aperture(GuestGma::new(guest)), guest < 64 * MB);
        assert!(window.contains_guest(GuestGma::new(guest)) && window.contains_host(HostGma::new(host)));
    }
    for guest in [0x0400_0000, 0x0fff_ffff, 0x2800_0000] {
        assert!(window.g2h(GuestGma::new(guest)).is_err(), "{guest:#x}");
        assert!(!window.contains_guest(GuestGma::new(guest)), "{guest:#x}");
    }
    assert!(!window.contains_host(HostGma::new(0)), "the host's own address 0 is no guest's");
}

#[test]
fn overlapping_slices_are_refused_in_either_space() {
    let touching = (HostGma::new(0x0c00_0000), 4096);
    assert!(Window::ballooned(APERTURE, touching).is_ok());
    let host = (HostGma::new(0x0bff_f000), 4096);
    let error = Window::zero_based(APERTURE, host, GuestGma::new(0x1000_0000)).unwrap_err();
    assert!(matches!(error, WindowError::Overlap { space: Space::Host, .. }), "{error}");
    let error = Window::zero_based(APERTURE, HIDDEN, GuestGma::new(0x03ff_f000)).unwrap_err();
    assert!(matches!(error, WindowError::Overlap { space: Space::Guest, .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn range_lies_in_one_slice_entirely_or_is_refused() {
    // The slices touch in the guest's numbers but not in the host's.
    let window = Window::zero_based(APERTURE, HIDDEN, GuestGma::new(64 * MB)).unwrap();
    let g2h = |at, len| window.g2h_range(GuestGma::new(at), len).ok().map(HostGma::get);
    assert_eq!(g2h(0, 64 * MB), Some(0x0800_0000));
    assert_eq!(g2h(64 * MB - 1, 1), Some(0x0bff_ffff));
    assert_eq!(g2h(64 * MB, 384 * MB), Some(0x4000_0000));
    for (at, len) in
        [(0, 0), (0, 64 * MB + 1), (64 * MB - 1, 2), (448 * MB - 1, 2), (0, u64::MAX), (1, u64::MAX)]
    {
        assert_eq!(g2h(at, len), None, "{at:#x} {len:#x}");
    }
    let h2g = |at, len| window.h2g_range(HostGma::new(at), len).ok().map(GuestGma::get);
    assert_eq!(h2g(0x4000_0000, 384 * MB), Some(64 * MB));
    assert_eq!(h2g(0x4000_0000, 384 * MB + 1), None);
    assert_eq!(h2g(0x0800_0000, 0), None);
}

#[test]
fn error_states_the_address_and_both_ranges_in_hex() {
    let error = zero_based().g2h(GuestGma::new(0x0400_0000)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "guest graphics address 0x4000000 is outside the vGPU's window \
         (aperture 0x0-0x3ffffff, hidden 0x10000000-0x27ffffff)"
    );
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let empty = zero_based().h2g_range(HostGma::new(0x4000_0000), 0).unwrap_err();
    assert!(empty.to_string().contains("host graphics address 0x40000000 is empty"), "{empty}");
    assert_eq!(empty.kind(), ErrorKind::InvalidInput);
}

#[test]
fn batch_equals_singles_and_reports_the_first_bad_address() {
    let window = zero_based();
    let mut guest: Vec<_> = (0..4000_u64)
        .map(|i| GuestGma::new(if i % 2 == 0 { i * 0x4000 } else { 0x1000_0000 + i * 0x1_8000 }))
        .collect();
    let mut host = vec![HostGma::ZERO; guest.len()];
    assert_eq!(window.g2h_batch(&guest, &mut host), Ok(guest.len()));
    for (from, to) in guest.iter().zip(&host) {
        assert_eq!(window.g2h(*from), Ok(*to));
    }
    guest[1000] = GuestGma::new(0x0400_0000);
    guest[2000] = GuestGma::MAX;
    let error = window.g2h_batch(&guest, &mut host).unwrap_err();
    assert!(matches!(error, OutOfWindow { addr: 0x0400_0000, .. }));
    assert!(
        host.iter().all(|address| window.contains_host(*address)),
        "a bad batch leaks no foreign address"
    );
    // The bad address is past the shorter side, so nobody asked for it.
    assert_eq!(window.g2h_batch(&guest, &mut host[..1000]), Ok(1000));
}

#[test]
fn windows_that_share_one_page_are_not_disjoint() {
    let a = zero_based();
    let next =
        Window::ballooned((HostGma::new(0x0c00_0000), 4096), (HostGma::new(0x5800_0000), 4096)).unwrap();
    assert!(disjoint(&a, &next) && disjoint(&next, &a));
    for (aperture, hidden) in
        [(0x0bff_f000, 0x5800_0000), (0x0c00_0000, 0x57ff_f000), (0x4000_0000, 0x5800_0000)]
    {
        let clash = Window::ballooned((HostGma::new(aperture), 4096), (HostGma::new(hidden), 4096)).unwrap();
        assert!(!disjoint(&a, &clash) && !disjoint(&clash, &a));
    }
}

/// What Linux 6.1 computes for "host to guest" (`gvt/gtt.c`), in our words: it adds the offset from the
/// *GPU's* aperture, which starts at 0, to the vGPU's own base.
fn kernels_h2g(window: &Window, host: HostGma) -> u64 {
    let gpu_aperture_base = 0;
    window.aperture().guest_base().get() + (host.get() - gpu_aperture_base)
}

#[test]
fn kernels_formula_is_refuted_by_the_inverse_property() {
    let window = Window::ballooned(APERTURE, HIDDEN).unwrap();
    let guest = GuestGma::new(0x0800_1000);
    let host = window.g2h(guest).unwrap();
    assert_eq!(window.h2g(host), Ok(guest), "ours comes back");
    assert_ne!(kernels_h2g(&window, host), guest.get(), "theirs does not");
    // It is right only for the one window that starts at 0, which is why nobody noticed.
    let first = Window::ballooned((HostGma::ZERO, 64 * MB), HIDDEN).unwrap();
    assert_eq!(kernels_h2g(&first, HostGma::new(0x1000)), 0x1000);
}
