//! Mixing address spaces must not compile: each file here is such a mistake, with the compiler's answer.
//!
//! The answers are those of the `rust-version` in the workspace's Cargo.toml, 1.95. A newer compiler may word
//! them otherwise: read the difference, then `TRYBUILD=overwrite cargo test -p xengt-compile-fail`.

#![forbid(unsafe_code)]

#[cfg(test)]
#[test]
fn mixing_address_spaces_does_not_compile() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
