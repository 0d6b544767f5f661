//! Capacity: what is promised is admitted one by one, and nothing more.

use libxengt::addr::MB;
use libxengt::capacity::{CapacityError, Demand, HostResources, MAX_INSTANCES, TypeAvailability, Usage};
use libxengt::vgpu_type::VgpuType;
use proptest::prelude::*;

fn host() -> impl Strategy<Value = HostResources> {
    let mb = prop_oneof![
        (prop::sample::select(vec![128, 256, 512, 1024, 2048]), prop::sample::select(vec![2048, 4096])),
        (0..5000_u64, 0..9000_u64),
    ];
    (mb, prop_oneof![Just(32), 0..40_u32]).prop_map(|((aperture, ggtt), fences)| HostResources {
        aperture: aperture * MB,
        ggtt: ggtt * MB,
        fences,
    })
}

fn demand() -> impl Strategy<Value = Demand> {
    prop_oneof![
        prop::sample::select(VgpuType::ALL.to_vec()).prop_map(|t| Demand::from(&t)),
        (1..600_u64, 1..3000_u64, 1..9_u32).prop_map(|(l, h, fences)| Demand {
            low_gm: l * MB,
            high_gm: h * MB,
            fences
        }),
    ]
}

/// The kernel's check at creation, in its order and in numbers that cannot wrap.
fn kernel_admits(host: &HostResources, used: &[Demand], next: Demand) -> bool {
    let sum = |part: fn(&Demand) -> u64| used.iter().map(|d| i128::from(part(d))).sum::<i128>();
    let low = i128::from(host.aperture) - i128::from(128 * MB) - sum(|d| d.low_gm);
    let high = (i128::from(host.ggtt) - i128::from(host.aperture)).max(0)
        - i128::from(384 * MB)
        - sum(|d| d.high_gm);
    let fences = i128::from(host.fences) - 4 - sum(|d| d.fences.into());
    used.len() < 7
        && i128::from(next.low_gm) <= low
        && i128::from(next.high_gm) <= high
        && i128::from(next.fences) <= fences
}

proptest! {
    #![proptest_config(xengt_tests::cases(2048))]

    #[test]
    fn mixed_vgpus_are_admitted_exactly_as_the_kernel_does(
        host in host(), wishes in prop::collection::vec(demand(), 0..12),
    ) {
        let mut made: Vec<Demand> = Vec::new();
        for wish in wishes {
            let used = Usage::from_iter(made.iter().copied());
            let answer = host.admit(&used, wish);
            prop_assert_eq!(answer.is_ok(), kernel_admits(&host, &made, wish), "{:?}", answer);
            if answer.is_ok() {
                made.push(wish);
            }
        }
        prop_assert!(made.len() <= 7);
    }

    #[test]
    fn fit_is_what_creating_one_by_one_reaches_and_the_limit_is_what_stops_the_next(
        host in host(), beside in prop::collection::vec(demand(), 0..3), wish in demand(),
    ) {
        let mut used = Usage::default();
        for other in beside {
            if host.admit(&used, other).is_ok() {
                used = used.plus(other);
            }
        }
        let fit = host.remaining(&used, wish);
        prop_assert!(fit.count <= MAX_INSTANCES - used.instances);
        for _ in 0..fit.count {
            prop_assert_eq!(host.admit(&used, wish), Ok(()));
            used = used.plus(wish);
        }
        match host.admit(&used, wish) {
            Ok(()) => prop_assert!(false, "one more than promised"),
            Err(CapacityError::Full { resource, left, needs }) => {
                prop_assert_eq!(resource, fit.limit);
                prop_assert!(left < needs);
            }
            Err(error) => {
                prop_assert_eq!(fit.count, 0);
                prop_assert_eq!(error, CapacityError::Absent { needs: wish.low_gm, has: host.low_gm() });
            }
        }
    }

    #[test]
    fn absent_types_stay_absent_whatever_is_destroyed(host in host(), wish in demand(), n in 0..7_u32) {
        let used = Usage { low_gm: 64 * MB * u64::from(n), instances: n, ..Usage::default() };
        let absent = |used: Usage| matches!(host.availability(&used, wish), TypeAvailability::Absent { .. });
        prop_assert_eq!(absent(used), absent(Usage::default()));
        prop_assert_eq!(absent(used), wish.low_gm > host.aperture.saturating_sub(128 * MB));
    }
}
