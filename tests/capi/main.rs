//! The C ABI as its users meet it: the committed header, the library as `cargo cinstall` puts it on a
//! system, and C programs that are compiled against both and run under valgrind.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests with their helpers, and nothing else"
)]

mod header;
mod install;
mod programs;
mod symbols;
