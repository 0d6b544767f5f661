//! Fence registers: what is encoded decodes to itself, and what decodes encodes to itself.

use libxengt::addr::{GuestGma, HostGma};
use libxengt::fence::{Fence, FenceError, FenceReg};
use libxengt::tiling::Tiling;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn tilings() -> impl Strategy<Value = Tiling> {
    prop_oneof![Just(Tiling::X), Just(Tiling::Y)]
}

/// Registers that are valid, with a fair share of decodable ones among them.
fn valid_registers() -> impl Strategy<Value = u64> {
    let plausible = any::<u64>().prop_map(|raw| raw & !0x0000_0800_0000_0ffc | 1);
    prop_oneof![plausible, any::<u64>().prop_map(|raw| raw | 1)]
}

proptest! {
    #![proptest_config(xengt_tests::cases(256))]

    #[test]
    fn encoded_fence_decodes_to_itself(
        (first, last) in (0..1_u64 << 20).prop_flat_map(|first| (Just(first), first..1 << 20)),
        tiling in tilings(),
        tiles in 1..=2048_u64,
    ) {
        let start = first << 12;
        let len = (last - first + 1) << 12;
        let pitch = tiles * tiling.width();
        let fence = Fence { start: GuestGma::new(start), len, pitch, tiling };
        match fence.encode() {
            Ok(register) => prop_assert_eq!(Fence::decode(register), Ok(Some(fence))),
            Err(error) => {
                prop_assert!(pitch > 256 * 1024, "{error}");
                prop_assert_eq!(error, FenceError::Pitch { pitch, tiling });
            }
        }
    }

    #[test]
    fn decoded_register_encodes_to_itself(raw in valid_registers()) {
        match Fence::<HostGma>::decode(FenceReg::from(raw)) {
            Ok(fence) => {
                let fence = fence.expect("the valid bit is set");
                prop_assert_eq!(fence.encode().map(u64::from), Ok(raw));
                prop_assert!(fence.contains(fence.start) && fence.contains(fence.last()));
                prop_assert_eq!(fence.last().get() - fence.start.get() + 1, fence.len);
            }
            Err(FenceError::Reserved { set, .. }) => prop_assert!(set != 0 && raw & set == set),
            Err(FenceError::Reversed { first, last }) => {
                prop_assert!(last < first);
                prop_assert_eq!((first, last), (raw & 0xffff_f000, raw >> 44 << 12));
            }
            Err(FenceError::Pitch { pitch, tiling }) => {
                prop_assert_eq!(tiling, Tiling::X);
                prop_assert!(pitch % 512 != 0 && pitch == ((raw >> 32 & 0x7ff) + 1) * 128);
            }
            Err(other) => prop_assert!(false, "a register cannot be wrong like this: {other}"),
        }
    }

    #[test]
    fn any_fence_at_all_encodes_or_is_refused(
        start in 0..=u64::from(u32::MAX),
        len in any::<u64>(),
        pitch in any::<u64>(),
        tiling in tilings(),
    ) {
        let fence = Fence { start: HostGma::new(start), len, pitch, tiling };
        if let Ok(register) = fence.encode() {
            prop_assert_eq!(Fence::decode(register), Ok(Some(fence)));
        }
    }
}
