//! Tests of the page against the header's offsets; the round trip is a property in the tests crate.

use super::{Caps, G2v, MAGIC, PAGE_BYTES, Pvinfo, PvinfoError};
use crate::addr::{Gpa, GuestGma, HostGma, MB};
use crate::error::{Diagnose, ErrorKind};
use crate::window::Window;

fn page() -> Pvinfo {
    let window = Window::zero_based(
        (HostGma::new(0x0800_0000), 64 * MB),
        (HostGma::new(0x4000_0000), 384 * MB),
        GuestGma::new(0x1000_0000),
    );
    Pvinfo::from_window(&window.unwrap(), 4)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn page_of_a_new_vgpu_has_the_kernels_values_at_the_headers_offsets() {
    let bytes = Pvinfo { id: 3, ..page() }.to_bytes();
    assert_eq!(&bytes[..8], b"vGTvGTvG");
    let stated: Vec<_> = (0..PAGE_BYTES / 4)
        .map(|i| (i * 4, word(&bytes, i * 4)))
        .filter(|(at, value)| *at >= 8 && *value != 0)
        .collect();
    assert_eq!(
        stated,
        [
            (0x08, 1),
            (0x0c, 3),
            (0x10, 0x1c),
            (0x44, 64 << 20),
            (0x48, 0x1000_0000),
            (0x4c, 384 << 20),
            (0x50, 4),
            (0x830, u32::MAX),
            (0x834, u32::MAX),
        ]
    );
}

#[test]
fn drivers_half_is_read_from_the_headers_offsets() {
    let mut bytes = page().to_bytes();
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    put(0x804, 1);
    put(0x818, 4);
    put(0x838, 0x1234_5000);
    put(0x83c, 0x0000_0001);
    put(0x850, 7);
    put(0x854, 0xfff0_0000);
    put(0x858, 0xaaaa_aaaa);
    put(0x85c, 0xbbbb_bbbb);
    let read = Pvinfo::parse(&bytes).unwrap();
    assert_eq!(read.display_ready, 1);
    assert_eq!(read.notification(), Ok(G2v::PpgttL4Create));
    assert_eq!(read.pdps()[0], Gpa::new(0x1_1234_5000));
    assert_eq!(read.pdps()[3], Gpa::new(7), "bits above 52 are dropped");
    assert_eq!(read.pdp_registers[3], 0xfff0_0000_0000_0007, "and still to be seen");
    assert_eq!(read.context_descriptor, 0xbbbb_bbbb_aaaa_aaaa);
}

#[test]
fn short_foreign_and_newer_pages_are_refused_with_the_reason() {
    let good = page().to_bytes();
    for len in [0, 1, PAGE_BYTES - 1] {
        assert_eq!(Pvinfo::parse(&good[..len]), Err(PvinfoError::Short { len }));
    }
    let mut longer = good.to_vec();
    longer.push(0xff);
    assert_eq!(Pvinfo::parse(&longer), Ok(page()));

    let mut foreign = good;
    foreign[0] ^= 1;
    let error = Pvinfo::parse(&foreign).unwrap_err();
    assert_eq!(error, PvinfoError::BadMagic { found: MAGIC ^ 1 });
    assert!(error.to_string().contains("0x4776544776544777, not 0x4776544776544776"), "{error}");

    for major in [0, 2, u16::MAX] {
        let mut other = good;
        other[8..10].copy_from_slice(&major.to_le_bytes());
        let error = Pvinfo::parse(&other).unwrap_err();
        assert_eq!(error, PvinfoError::UnsupportedVersion { major, minor: 0 });
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn ballooned_page_leads_back_to_its_window_and_hostile_ranges_do_not() {
    let window =
        Window::ballooned((HostGma::new(0x0800_0000), 64 * MB), (HostGma::new(0x4000_0000), 384 * MB))
            .unwrap();
    let mut page = Pvinfo::from_window(&window, 4);
    assert_eq!(page.ballooned_window(), Ok(window));
    page.ranges.hidden = (GuestGma::new(0xffff_f000), 0x2000);
    assert!(page.ballooned_window().is_err(), "beyond the GGTT");
    page.ranges.hidden = (GuestGma::new(0x0800_0000), 0x1000);
    assert!(page.ballooned_window().is_err(), "inside the aperture slice");
}

#[test]
fn every_number_up_to_max_is_a_notification_but_0_and_1() {
    for number in 2..G2v::MAX {
        assert_eq!(G2v::of(number).unwrap().number(), number);
    }
    for number in [0, 1, G2v::MAX, u32::MAX] {
        assert!(G2v::of(number).unwrap_err().to_string().contains("2 to 7"));
    }
}

#[test]
fn caps_are_shown_by_name_and_the_nameless_in_hex() {
    assert_eq!(Caps::GVT.to_string(), "full-ppgtt,hwsp-emulation,huge-gtt");
    assert_eq!(Caps(0x24).to_string(), "full-ppgtt,0x20");
    assert_eq!(Caps(0x20).to_string(), "0x20");
    assert_eq!(Caps(0).to_string(), "none");
    assert!(Caps::GVT.contains(Caps::HUGE_GTT) && !Caps::FULL_PPGTT.contains(Caps::GVT));
}
