//! How many machines the host can run at a time.

use std::fs;
use std::num::NonZero;
use std::thread;

use crate::qemu::MEGABYTES_ON_HOST;

/// One for each core, as far as there is memory for them: with less, the kernel kills one, which shows as a QEMU that
/// ended. At least one.
pub(crate) fn there_is_room_for() -> NonZero<usize> {
    let cores = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    limit(cores, &fs::read_to_string("/proc/meminfo").unwrap_or_default())
}

/// Memory that is not told is no limit.
fn limit(cores: NonZero<usize>, meminfo: &str) -> NonZero<usize> {
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.strip_suffix("kB"));
    let Some(kilobytes) = available.and_then(|number| number.trim().parse::<u64>().ok()) else {
        return cores;
    };
    let machines = kilobytes / 1024 / u64::from(MEGABYTES_ON_HOST);
    let machines = usize::try_from(machines).ok().and_then(NonZero::new).unwrap_or(NonZero::<usize>::MIN);
    cores.min(machines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit_of(cores: usize, megabytes: u64) -> usize {
        let meminfo = format!(
            "MemTotal:       99999999 kB\nMemFree:            1024 kB\nMemAvailable:   {} kB\n",
            megabytes * 1024
        );
        limit(NonZero::new(cores).unwrap(), &meminfo).get()
    }

    #[test]
    fn limit_is_the_lesser_of_cores_and_memory() {
        let machine = u64::from(MEGABYTES_ON_HOST);
        assert_eq!(limit_of(16, 6 * machine), 6);
        assert_eq!(limit_of(16, 6 * machine - 1), 5);
        assert_eq!(limit_of(2, 6 * machine), 2);
    }

    #[test]
    fn limit_too_little_memory_is_one_and_unknown_memory_is_the_cores() {
        assert_eq!(limit_of(16, 100), 1);
        assert_eq!(limit(NonZero::new(16).unwrap(), "").get(), 16);
        assert_eq!(limit(NonZero::new(16).unwrap(), "MemAvailable: many kB\n").get(), 16);
    }

    #[test]
    fn there_is_room_for_no_more_than_the_cores() {
        assert!(there_is_room_for() <= thread::available_parallelism().unwrap());
    }
}
