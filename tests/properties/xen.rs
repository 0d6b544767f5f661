//! What comes from guests through Xen: requests are checked whole, and messages are bounded.

use libxengt::addr::{Gpa, PAGE_SIZE};
use libxengt::xen::ioreq::{Data, Place, RawRequest, Request};
use libxengt::xen::xenstore::wire;
use proptest::prelude::*;

/// Numbers near the edges that matter, and any.
fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0..64_u32, any::<i8>()).prop_map(|(bit, near)| (1_u64 << bit).wrapping_add_signed(near.into())),
        (0..0x1_0000_u64),
    ]
}

fn raw() -> impl Strategy<Value = RawRequest> {
    let kind = prop_oneof![Just(0), Just(1), Just(2), Just(7), Just(8), any::<u8>()];
    let size = prop_oneof![Just(1), Just(2), Just(4), Just(8), any::<u32>()];
    let count = prop_oneof![Just(1), 0..5000_u32, any::<u32>()];
    let bits = (any::<bool>(), any::<bool>(), any::<bool>());
    (edge(), edge(), count, size, kind, bits).prop_map(|(addr, data, count, size, kind, bits)| RawRequest {
        addr,
        data,
        count,
        size,
        kind,
        data_is_pointer: bits.0,
        read: bits.1,
        backwards: bits.2,
    })
}

proptest! {
    #![proptest_config(xengt_tests::cases(4096))]

    /// A request that passes names only addresses that exist, and at most a page of them.
    #[test]
    fn checked_requests_stay_in_their_spaces(raw in raw()) {
        let Ok(Request::Io(access)) = raw.check() else { return Ok(()) };
        let size = u64::from(access.size.bytes());
        prop_assert!(access.count >= 1 && u64::from(access.count) * size <= PAGE_SIZE);
        let inside = |first: Gpa| {
            (0..access.count).all(|n| {
                let at = access.repetition(first, n);
                at.is_some_and(|at| at.checked_add(size - 1).is_some())
            })
        };
        match access.place {
            Place::Config { register, .. } => prop_assert!(u64::from(register) + size <= 4096),
            Place::Port(port) => prop_assert!(u64::from(port) + size <= 0x1_0000),
            Place::Memory(first) => prop_assert!(inside(first)),
        }
        match access.data {
            Data::ReadTo(buffer) | Data::WriteFrom(buffer) => prop_assert!(inside(buffer)),
            Data::WriteValue(value) => prop_assert!(value <= access.size.mask() && access.count == 1),
            Data::ReadValue => prop_assert_eq!(access.count, 1),
        }
    }

    /// A request that could be served is: what the checks refuse has a reason in the request.
    #[test]
    fn plain_requests_pass(addr in 0..Gpa::MAX.get() - 8, read in any::<bool>(), shift in 0..4_u32) {
        let raw = RawRequest { kind: 1, addr, count: 1, size: 1 << shift, read, ..RawRequest::default() };
        prop_assert!(raw.check().is_ok());
    }

    /// Any bytes are a message that is inside them, none yet, or an error.
    #[test]
    fn messages_are_taken_from_what_came(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), len in edge()) {
        if let Some(field) = bytes.get_mut(12..16) {
            field.copy_from_slice(&u32::try_from(len & 0xffff_ffff).unwrap().to_le_bytes());
        }
        if let Ok(Some((message, used))) = wire::decode(&bytes) {
            prop_assert_eq!(used, 16 + message.payload.len());
            prop_assert_eq!(&bytes[16..used], &message.payload);
            prop_assert!(wire::words(&message.payload).count() <= message.payload.len());
        }
    }

    /// What is sent is what is received.
    #[test]
    fn requests_survive_the_wire(kind in any::<u32>(), id in any::<u32>(), words in proptest::collection::vec("[^\0]{1,40}", 1..6)) {
        let borrowed: Vec<&str> = words.iter().map(String::as_str).collect();
        let bytes = wire::encode(kind, id, &borrowed).unwrap();
        let (message, used) = wire::decode(&bytes).unwrap().unwrap();
        prop_assert_eq!((message.kind, message.id, used), (kind, id, bytes.len()));
        prop_assert_eq!(wire::words(&message.payload).collect::<Vec<_>>(), words);
    }
}
