//! The vfio-user server: one client at a time, every byte of it checked.
#![forbid(unsafe_code)]

pub mod error;
mod info;
mod listen;
pub mod protocol;
mod session;
mod wire;

pub use listen::{Options, Server, ServerError};
pub use session::Session;
