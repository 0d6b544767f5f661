//! The GPU's clock: 12 MHz since the process started.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// Ticks per microsecond (Skylake: the crystal's 24 MHz, halved).
const TICKS_PER_MICROSECOND: u128 = 12;

/// A clock; tests can turn it on.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    ahead: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now(), ahead: Duration::ZERO }
    }
}

impl Clock {
    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.start.elapsed() + self.ahead
    }

    /// The same in ticks of 12 MHz.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        let ticks = self.now().as_nanos() * TICKS_PER_MICROSECOND / 1000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Turns it on.
    pub fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }
}
