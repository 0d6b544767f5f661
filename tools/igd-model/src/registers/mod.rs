//! The registers, as tables: one file per block, one line per register.
//!
//! To find a register, search its i915 name here.
#![forbid(unsafe_code)]

pub mod display;
pub mod engine;
mod file;
mod fuses;
mod gmbus;
pub mod gt;
pub mod interrupts;
pub mod power;
mod register;

pub use file::{REGISTER_BYTES, RegisterFile};
pub use register::{Behaviour, Declared, Register, Special};
