//! The `vgtctl` command.
fn main() {}
