//! Windows: both directions are inverses, and nothing leaves its window.

use libxengt::addr::{GuestGma, HostGma};
use libxengt::pvinfo::{Caps, Pvinfo, Ranges};
use libxengt::window::{Window, disjoint};
use proptest::prelude::*;

const PAGE: u64 = 4096;
const GGTT: u64 = 1 << 32;

/// Two runs of pages that do not overlap, in either order, as (base, size) in bytes. They may touch each other
/// and both ends of the GGTT.
fn two_runs(sizes: (u64, u64)) -> impl Strategy<Value = (u64, u64)> {
    let (a, b) = sizes;
    let free = (GGTT - a - b) / PAGE;
    (0..=free, any::<bool>()).prop_flat_map(move |(before, a_first)| {
        (0..=free - before).prop_map(move |between| {
            let first = before * PAGE;
            let second = first + if a_first { a } else { b } + between * PAGE;
            if a_first { (first, second) } else { (second, first) }
        })
    })
}

/// Few pages as often as many, so that edges are met.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![1..=4_u64, 1..=1_u64 << 18].prop_map(|pages| pages * PAGE)
}

/// A window of either layout.
#[expect(clippy::expect_used, reason = "a strategy that makes no window is a defect of the test")]
fn window() -> impl Strategy<Value = Window> {
    (size(), size()).prop_flat_map(|sizes| {
        let guest_hidden = (GGTT - sizes.0 - sizes.1) / PAGE;
        (two_runs(sizes), proptest::option::of(0..=guest_hidden)).prop_map(move |((low, high), zero)| {
            let aperture = (HostGma::new(low), sizes.0);
            let hidden = (HostGma::new(high), sizes.1);
            match zero {
                None => Window::ballooned(aperture, hidden),
                Some(gap) => Window::zero_based(aperture, hidden, GuestGma::new(sizes.0 + gap * PAGE)),
            }
            .expect("the strategy makes sound windows")
        })
    })
}

/// Addresses that matter to `window`: its edges and their neighbours, as often as any address at all.
fn address(window: Window) -> impl Strategy<Value = u64> {
    let edges: Vec<u64> = [window.aperture(), window.hidden()]
        .into_iter()
        .flat_map(|s| [s.guest_span(), s.host_span()])
        .flat_map(|span| {
            [
                span.first,
                span.first.wrapping_sub(1),
                span.last,
                span.last + 1,
                span.first + (span.last - span.first) / 2,
            ]
        })
        .filter(|raw| *raw < GGTT)
        .collect();
    prop_oneof![proptest::sample::select(edges), 0..GGTT]
}

/// What the rules say, counted out: in which slice, and how far from its start.
fn slow_g2h(window: &Window, guest: u64) -> Option<u64> {
    for slice in [window.aperture(), window.hidden()] {
        let (from, to) = (u128::from(slice.guest_base().get()), u128::from(slice.host_base().get()));
        if (from..from + u128::from(slice.size())).contains(&u128::from(guest)) {
            return u64::try_from(to + (u128::from(guest) - from)).ok();
        }
    }
    None
}

proptest! {
    #![proptest_config(xengt_tests::cases(2048))]

    #[test]
    fn guest_to_host_follows_the_rules_and_host_to_guest_undoes_it(
        (window, raw) in window().prop_flat_map(|w| (Just(w), address(w))),
    ) {
        let guest = GuestGma::new(raw);
        match (window.g2h(guest), slow_g2h(&window, raw)) {
            (Ok(host), Some(expected)) => {
                prop_assert_eq!(host.get(), expected);
                prop_assert_eq!(window.h2g(host), Ok(guest));
                prop_assert!(window.contains_host(host) && window.contains_guest(guest));
                prop_assert_eq!(window.is_aperture(guest), window.aperture().h2g(host).is_some());
            }
            (Err(error), None) => {
                prop_assert_eq!(error.addr, raw);
                prop_assert!(!window.contains_guest(guest) && !window.is_aperture(guest));
            }
            (got, expected) => prop_assert!(false, "{:?} for {:?}", got, expected),
        }
        // And from the other end: what host_to_guest accepts, guest_to_host undoes.
        let host = HostGma::new(raw);
        match window.h2g(host) {
            Ok(guest) => prop_assert_eq!(window.g2h(guest), Ok(host)),
            Err(_) => prop_assert!(!window.contains_host(host)),
        }
    }

    #[test]
    fn range_is_accepted_exactly_if_every_step_of_it_is_one_run(
        (window, raw) in window().prop_flat_map(|w| (Just(w), address(w))),
        len in prop_oneof![0..=3_u64, 0..=2 * GGTT, Just(u64::MAX)],
    ) {
        let guest = GuestGma::new(raw);
        let last = u128::from(raw) + u128::from(len) - u128::from(len != 0);
        let inside = [window.aperture(), window.hidden()].into_iter().any(|s| {
            let span = s.guest_span();
            len != 0 && span.first <= raw && last <= u128::from(span.last)
        });
        let range = window.g2h_range(guest, len);
        prop_assert_eq!(range.is_ok(), inside);
        if let Ok(host) = range {
            prop_assert_eq!(window.g2h(guest), Ok(host));
            let end = GuestGma::new(raw + len - 1);
            prop_assert_eq!(window.g2h(end).ok(), host.checked_add(len - 1));
            prop_assert_eq!(window.h2g_range(host, len), Ok(guest));
        }
    }

    #[test]
    fn batch_is_the_singles_or_their_first_error(
        (window, raws) in window().prop_flat_map(|w| (Just(w), prop::collection::vec(address(w), 0..40))),
        short in 0..50_usize,
    ) {
        let guest: Vec<_> = raws.into_iter().map(GuestGma::new).collect();
        let mut host = vec![HostGma::MAX; short];
        let n = short.min(guest.len());
        let singles: Result<Vec<_>, _> = guest.iter().take(n).map(|g| window.g2h(*g)).collect();
        match window.g2h_batch(&guest, &mut host) {
            Ok(done) => {
                prop_assert_eq!(done, n);
                prop_assert_eq!(Ok(host.get(..n).unwrap_or(&[]).to_vec()), singles);
            }
            Err(error) => {
                prop_assert_eq!(Err(error), singles);
                prop_assert!(host.iter().take(n).all(|h| window.contains_host(*h)));
            }
        }
    }

    #[test]
    fn address_of_a_disjoint_window_never_resolves(
        (a, b, raw) in (window(), window()).prop_flat_map(|(a, b)| (Just(a), Just(b), address(a))),
    ) {
        prop_assert_eq!(disjoint(&a, &b), disjoint(&b, &a));
        prop_assert!(!disjoint(&a, &a));
        if disjoint(&a, &b) {
            if let Ok(host) = a.g2h(GuestGma::new(raw)) {
                prop_assert!(b.h2g(host).is_err());
            }
        } else {
            // Overlapping runs share the start of one of them.
            let shared = [(&a, &b), (&b, &a)].into_iter().any(|(x, y)| {
                [x.aperture(), x.hidden()].into_iter().any(|s| y.contains_host(s.host_base()))
            });
            prop_assert!(shared);
        }
    }

    #[test]
    fn pvinfo_page_reads_back_as_it_was_written(
        window in window(),
        (minor, id, fences, caps) in any::<(u16, u32, u32, u32)>(),
        (ready, notify, x, y) in any::<(u32, u32, u32, u32)>(),
        (pdp_registers, context_descriptor) in any::<([u64; 4], u64)>(),
        low in any::<u32>(), high in any::<u32>(), forged in any::<bool>(),
    ) {
        let mut page = Pvinfo::from_window(&window, fences);
        prop_assert_eq!(Pvinfo::parse(&page.to_bytes()), Ok(page));
        page.version_minor = minor;
        page.id = id;
        page.caps = Caps(caps);
        page.display_ready = ready;
        page.g2v_notify = notify;
        page.cursor_hot = (x, y);
        page.pdp_registers = pdp_registers;
        page.context_descriptor = context_descriptor;
        if forged {
            let base = |raw: u32| GuestGma::new(raw.into());
            page.ranges = Ranges { aperture: (base(low), high), hidden: (base(high), low) };
        }
        prop_assert_eq!(Pvinfo::parse(&page.to_bytes()), Ok(page));
    }

    #[test]
    fn pvinfo_parser_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        prop_assert!(Pvinfo::parse(&bytes).is_err(), "random bytes do not carry the magic");
        let mut page = bytes;
        page.resize(4096, 0);
        for (to, from) in page.iter_mut().zip(b"vGTvGTvG\x01\x00") {
            *to = *from;
        }
        let read = Pvinfo::parse(&page).expect("magic and version are right");
        // Whatever the ranges are, asking for the window answers.
        let _ = read.ballooned_window();
        prop_assert_eq!(Pvinfo::parse(&read.to_bytes()), Ok(read));
    }
}
