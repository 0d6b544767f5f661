//! A functional model of a Kaby Lake GT2 GPU (8086:5916), served to QEMU over vfio-user.
//!
//! It exists so that i915, GVT-g and everything above them run on machines without such a GPU: registers,
//! translation, command streamers and scan-out are there; pixels are only drawn by the blitter and the CPU.
//!
//! | part | module |
//! |---|---|
//! | the client's side: messages, memory, interrupts' files | [`server`], [`memory`] |
//! | the PCI device and its regions | [`device`] |
//! | registers as tables | [`registers`] |
//! | execution lists, contexts, commands | [`engine`] |
//! | the monitor and what it shows | [`display`] |
//! | requests from beside | [`control`] |
#![forbid(unsafe_code)]

pub mod bits;
pub mod clock;
pub mod control;
pub mod device;
pub mod display;
pub mod engine;
pub mod global_gtt;
pub mod memory;
pub mod registers;
pub mod server;
