//! What must hold when something goes wrong: others at work, death at any moment, kernels and files that lie.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests with their helpers, and nothing else")]

mod concurrency;
mod crash;
mod damaged_sim;
mod hostile_gpu;
mod hostile_nodes;
mod refusals;
mod tree;
