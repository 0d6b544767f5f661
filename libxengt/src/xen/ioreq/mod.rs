//! Emulating devices of a running HVM domain: its requests, checked, go to a safe [`Handler`].
//!
//! Whatever a request says, it is answered: a vCPU waits for the answer, for ever. What cannot be served reads as all
//! ones, as from a bus where nobody answers, and is counted.
//!
//! A process that is killed cannot answer: Xen keeps its server, and vCPUs that wait for it go on waiting until a later
//! process calls [`destroy_orphans`], or the domain ends.
#![forbid(unsafe_code)]

mod dispatch;
mod orphans;
mod request;
mod server;
mod slot;

pub use orphans::{Orphan, destroy_orphans};
pub use request::{Data, InvalidRequest, IoAccess, Place, Request, Size};
pub use server::{IoreqServer, Stats};
pub use slot::RawRequest;

use super::device_model::{IoRange, Sbdf};
use crate::addr::Gpa;

/// The spaces that a server can serve ranges of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoSpace {
    /// Configuration spaces of PCI functions; the address is the function's number.
    Pci,
    /// I/O ports.
    Port,
    /// Guest memory that is not RAM.
    Memory,
}

/// A device. Values have the access's size: what is above it in a read's is dropped, and in a write's is 0.
///
/// What is not implemented reads as all ones, and takes writes without effect.
pub trait Handler {
    /// The guest reads a configuration register.
    fn config_read(&mut self, function: Sbdf, register: u16, size: Size) -> u64 {
        let _ = (function, register, size);
        u64::MAX
    }

    /// The guest writes a configuration register.
    fn config_write(&mut self, function: Sbdf, register: u16, size: Size, value: u64) {
        let _ = (function, register, size, value);
    }

    /// The guest reads a port.
    fn port_read(&mut self, port: u16, size: Size) -> u64 {
        let _ = (port, size);
        u64::MAX
    }

    /// The guest writes a port.
    fn port_write(&mut self, port: u16, size: Size, value: u64) {
        let _ = (port, size, value);
    }

    /// The guest reads memory that the device serves.
    fn memory_read(&mut self, at: Gpa, size: Size) -> u64 {
        let _ = (at, size);
        u64::MAX
    }

    /// The guest writes memory that the device serves.
    fn memory_write(&mut self, at: Gpa, size: Size, value: u64) {
        let _ = (at, size, value);
    }

    /// The guest has written RAM that is tracked. It is in memory already.
    fn tracked_write(&mut self, at: Gpa, size: Size, value: u64) {
        let _ = (at, size, value);
    }

    /// The guest has given up memory: what the device keeps mapped of it is stale.
    fn invalidate(&mut self) {}

    /// What the device serves from now on, if that has changed: a BAR was moved, or memory decoding switched.
    ///
    /// Asked after each request and before its answer, so that the guest's next access finds the new ranges.
    fn moved(&mut self) -> Option<Vec<IoRange>> {
        None
    }
}
