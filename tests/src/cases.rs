//! Counts the cases that proptest ran, for the summary that `./test` prints.

use proptest::test_runner::{Config, ResultCache, ResultCacheKey, TestCaseResult};
use std::fs::OpenOptions;
use std::io::Write;

/// The configuration of a property with `count` cases: `#![proptest_config(xengt_tests::cases(256))]`.
///
/// `PROPTEST_CASES` in the environment overrides the count.
#[must_use]
pub fn cases(count: u32) -> Config {
    let count = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(count);
    Config {
        cases: count,
        result_cache: || Box::new(Counter(0)),
        failure_persistence: None,
        ..Config::default()
    }
}

/// Sees every case of one property, and remembers nothing of them but how many there were.
struct Counter(u64);

impl ResultCache for Counter {
    fn key(&self, _case: &ResultCacheKey<'_>) -> u64 {
        0
    }

    fn put(&mut self, _key: u64, _result: &TestCaseResult) {
        self.0 += 1;
    }

    fn get(&self, _key: u64) -> Option<&TestCaseResult> {
        None
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let Some(path) = std::env::var_os("XENGT_CASES_LOG") else { return };
        // One short write to a file opened for appending: properties that end together do not mix their lines.
        if let Ok(mut log) = OpenOptions::new().append(true).create(true).open(path) {
            // A count that cannot be written is missing from a summary; the property has its own result.
            let _unwritten = log.write_all(format!("property {}\n", self.0).as_bytes());
        }
    }
}
