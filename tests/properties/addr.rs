//! Arithmetic on addresses: it goes there and back, or says that it cannot.

use libxengt::addr::{Gpa, HostGma, Maddr, PAGE_SIZE};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

/// Distances: most of them inside the space (any u64 would all but always leave it), some at and past its end.
fn distances(last: u64) -> impl Strategy<Value = u64> {
    prop_oneof![0..=8192_u64, 0..=last, last - 2..=last + 2, any::<u64>()]
}

proptest! {
    #![proptest_config(xengt_tests::cases(1024))]

    #[test]
    fn sum_is_the_exact_one_or_none(raw in any::<u32>(), bytes in distances(HostGma::MAX.get())) {
        let exact = u128::from(raw) + u128::from(bytes);
        let sum = HostGma::new(u64::from(raw)).checked_add(bytes);
        prop_assert_eq!(sum.map(|s| u128::from(s.get())), (exact <= u128::from(u32::MAX)).then_some(exact));
    }

    #[test]
    fn offset_undoes_sum(raw in 0..=Gpa::MAX.get(), bytes in distances(Gpa::MAX.get())) {
        let base = Gpa::new(raw);
        if let Some(sum) = base.checked_add(bytes) {
            prop_assert_eq!(sum.offset_from(base), Some(bytes));
            prop_assert_eq!(sum.checked_sub(bytes), Some(base));
        }
    }

    #[test]
    fn frame_and_offset_make_the_address(raw in 0..=Maddr::MAX.get()) {
        let address = Maddr::new(raw);
        prop_assert!(address.page_offset() < PAGE_SIZE);
        prop_assert_eq!(address.frame().addr().checked_add(address.page_offset()), Some(address));
    }

    #[test]
    fn printed_address_is_read_back(raw in any::<u32>()) {
        let address = HostGma::new(u64::from(raw));
        prop_assert_eq!(address.to_string().parse::<HostGma>(), Ok(address));
    }
}
