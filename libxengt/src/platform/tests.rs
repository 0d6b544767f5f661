//! Tests of the tables against the published list, and of the answers built on them.

use std::collections::BTreeMap;

use super::{
    Generation, INTEL, PciId, PlatformError, Support, lookup, require, supported, supported_ids, unsupported,
};
use crate::error::{Diagnose, ErrorKind};

fn intel(device: u16) -> PciId {
    PciId { vendor: INTEL, device }
}

/// The published list of what GVT-g supports, as it is printed: kept apart from the table it checks.
const PUBLISHED: [(&str, Generation, &str); 6] = [
    (
        "Broadwell",
        Generation::Gen8,
        "1602 1606 160A 160B 160D 160E 1612 1616 161A 161B 161D 161E 1622 1626 162A 162B 162D 162E \
         1632 1636 163A 163B 163D 163E",
    ),
    (
        "Skylake",
        Generation::Gen9,
        "1902 1906 190A 190B 190E 1913 1915 1917 1912 1916 191A 191B 191D 191E 1921 1923 1926 1927 \
         192A 192B 192D 1932 193A 193B 193D",
    ),
    ("Broxton", Generation::Gen9, "0A84 1A84 1A85 5A84 5A85"),
    (
        "Kaby Lake",
        Generation::Gen9,
        "5902 5906 5908 590A 590B 590E 5913 5915 5912 5916 5917 591A 591B 591D 591E 5921 5923 5926 \
         5927 593B 591C 87C0",
    ),
    (
        "Coffee Lake",
        Generation::Gen9,
        "3E90 3E93 3E99 3E91 3E92 3E94 3E96 3E98 3E9A 3E9B 3E9C 3EA5 3EA6 3EA7 3EA8 3EA9 3EA0 3EA1 \
         3EA2 3EA3 3EA4 87CA",
    ),
    (
        "Comet Lake",
        Generation::Gen9,
        "9BA2 9BA4 9BA5 9BA8 9BC2 9BC4 9BC5 9BC6 9BC8 9BE6 9BF6 9B21 9B41 9BAA 9BAC 9BCA 9BCC",
    ),
];

#[test]
fn every_published_id_is_supported_under_its_family_and_no_other_is() {
    let mut count = 0;
    for (name, generation, ids) in PUBLISHED {
        for text in ids.split_whitespace() {
            let id = intel(u16::from_str_radix(text, 16).unwrap());
            match lookup(id) {
                Support::Supported { family, generation: found, .. } => {
                    assert!(family.starts_with(name), "{id}: {family}");
                    assert_eq!(found, generation, "{id}");
                    assert_eq!(require(id), Ok(generation));
                }
                other => panic!("{id}: {other:?}"),
            }
            count += 1;
        }
    }
    assert_eq!(supported_ids().count(), count);
}

#[test]
fn no_id_is_in_two_families_or_twice_in_one() {
    let mut seen = BTreeMap::new();
    let all = supported::FAMILIES
        .iter()
        .flat_map(|f| f.ids.iter().map(|id| (*id, f.name)))
        .chain(unsupported::FAMILIES.iter().flat_map(|f| f.ids.iter().map(|id| (*id, f.name))));
    for (id, family) in all {
        if let Some(other) = seen.insert(id, family) {
            panic!("{id:04x} is in {family} and in {other}");
        }
    }
    assert!(seen.len() > supported_ids().count(), "both tables were looked at");
}

#[test]
fn unsupported_families_are_known_by_an_id_and_name_the_alternative() {
    for (device, name) in [
        (0x0412, "Haswell"),
        (0x22b1, "Cherryview (Braswell)"),
        (0x3185, "Gemini Lake"),
        (0x8a52, "Ice Lake"),
        (0x4571, "Elkhart Lake"),
        (0x4e61, "Jasper Lake"),
        (0x9a49, "Tiger Lake"),
        (0x4c8a, "Rocket Lake"),
        (0x4680, "Alder Lake"),
        (0x46d1, "Alder Lake"),
        (0xa780, "Raptor Lake"),
        (0x7d55, "Meteor Lake"),
    ] {
        let error = require(intel(device)).unwrap_err();
        assert!(matches!(error, PlatformError::Unsupported { family, .. } if family == name), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        // SR-IOV is promised to no graphics that lacks it.
        let hint = error.hint().unwrap();
        let starts_with_sriov = hint.starts_with("use SR-IOV");
        let has_it = ["Alder Lake", "Raptor Lake", "Meteor Lake"].contains(&name);
        assert_eq!(starts_with_sriov, has_it, "{name}: {hint}");
    }
}

#[test]
fn unknown_and_foreign_devices_are_told_apart() {
    let unknown = require(intel(0xffff)).unwrap_err();
    assert!(matches!(unknown, PlatformError::Unknown { .. }));
    assert_eq!(unknown.to_string(), "8086:ffff is no Intel graphics device that is known here");
    // The device id is a supported one of Intel's: only the vendor speaks against it.
    let foreign = require(PciId { vendor: 0x10de, device: 0x5916 }).unwrap_err();
    assert!(matches!(foreign, PlatformError::OtherVendor { .. }));
    assert!(foreign.to_string().starts_with("10de:5916 cannot host vGPUs"), "{foreign}");
    assert!(unknown.hint().is_some() && foreign.hint().is_some());
}

#[test]
fn sysfs_text_is_read_and_nonsense_refused() {
    assert_eq!(PciId::from_sysfs("0x8086\n", "0x1912\n"), Ok(intel(0x1912)));
    for (vendor, device) in
        [("", "0x1912"), ("0x8086", ""), ("0x8086", "0x11912"), ("0x8086", "wrong"), ("-1", "0x1912")]
    {
        assert!(PciId::from_sysfs(vendor, device).is_err(), "{vendor} {device}");
    }
}
