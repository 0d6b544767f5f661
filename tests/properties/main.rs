//! Properties that must hold for every input; proptest looks for the one where they do not.
//!
//! Every `proptest!` block starts with `#![proptest_config(xengt_tests::cases(N))]`, which counts what it runs.

mod addr;
mod capacity;
mod control;
mod fence;
mod gtt_audit;
mod gtt_shadow;
mod gtt_walk;
mod tiling;
mod window;
mod xen;
