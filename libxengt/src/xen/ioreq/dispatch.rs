//! A checked request is handed to the handler, one access at a time.
#![forbid(unsafe_code)]

use super::request::{Data, IoAccess, Place, Request, Size};
use super::{Handler, IoSpace};
use crate::addr::{Gfn, Gpa};

/// A guest's memory as an emulator needs it: bytes in, bytes out.
pub(super) trait Buffers {
    /// Copies bytes from `at`; `false` if they are not there.
    fn load(&mut self, at: Gpa, bytes: &mut [u8]) -> bool;
    /// Stores bytes at `at`; `false` if they cannot be.
    fn store(&mut self, at: Gpa, bytes: &[u8]) -> bool;
    /// The guest's memory has changed: what is mapped of it is stale.
    fn forget(&mut self);
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    /// The value to answer a read with.
    pub(super) value: Option<u64>,
    /// Accesses that could not be served: nobody's range, or nothing behind the guest's buffer.
    pub(super) lost: u32,
}

/// Serves `request` with `handler`. `is_ours` says whether the server has asked for an access: Xen may still send
/// what it no longer wants. Writes to frames that `is_tracked` are stored in memory first, which Xen leaves to us.
pub(super) fn dispatch(
    request: &Request,
    handler: &mut impl Handler,
    buffers: &mut impl Buffers,
    is_ours: impl Fn(IoSpace, u64, u8) -> bool,
    is_tracked: impl Fn(Gfn) -> bool,
) -> Outcome {
    let access = match request {
        Request::Invalidate => {
            buffers.forget();
            handler.invalidate();
            return Outcome::default();
        }
        Request::TimeOffset => return Outcome::default(),
        Request::Io(access) => access,
    };
    let mut outcome = Outcome::default();
    for n in 0..access.count {
        let served = one(access, n, handler, buffers, &is_ours, &is_tracked);
        if served.is_none() {
            outcome.lost += 1;
        }
        if access.data == Data::ReadValue {
            outcome.value = Some(served.unwrap_or(u64::MAX) & access.size.mask());
        }
    }
    outcome
}

/// Serves repetition `n`; the value that was read or written, or `None` if it was lost.
fn one(
    access: &IoAccess,
    n: u32,
    handler: &mut impl Handler,
    buffers: &mut impl Buffers,
    is_ours: &impl Fn(IoSpace, u64, u8) -> bool,
    is_tracked: &impl Fn(Gfn) -> bool,
) -> Option<u64> {
    let size = access.size;
    let value = match access.data {
        Data::ReadValue | Data::ReadTo(_) => None,
        Data::WriteValue(value) => Some(value),
        Data::WriteFrom(buffer) => Some(load(buffers, access.repetition(buffer, n)?, size)?),
    };
    let read = match (access.place, value) {
        (Place::Config { sbdf, register }, value) => {
            is_ours(IoSpace::Pci, sbdf.get().into(), 1).then(|| match value {
                Some(value) => {
                    handler.config_write(sbdf, register, size, value);
                    value
                }
                None => handler.config_read(sbdf, register, size),
            })
        }
        (Place::Port(port), value) => {
            is_ours(IoSpace::Port, port.into(), size.bytes()).then(|| match value {
                Some(value) => {
                    handler.port_write(port, size, value);
                    value
                }
                None => handler.port_read(port, size),
            })
        }
        (Place::Memory(first), value) => {
            let at = access.repetition(first, n)?;
            match value {
                Some(value) if is_tracked(at.frame()) => store(buffers, at, size, value).map(|()| {
                    handler.tracked_write(at, size, value);
                    value
                }),
                _ if !is_ours(IoSpace::Memory, at.get(), size.bytes()) => None,
                Some(value) => {
                    handler.memory_write(at, size, value);
                    Some(value)
                }
                None => Some(handler.memory_read(at, size)),
            }
        }
    };
    if let Data::ReadTo(buffer) = access.data {
        // Also what was lost: the guest sees all ones, not what was in its buffer before.
        store(buffers, access.repetition(buffer, n)?, size, read.unwrap_or(u64::MAX))?;
    }
    read
}

fn load(buffers: &mut impl Buffers, at: Gpa, size: Size) -> Option<u64> {
    let mut bytes = [0; 8];
    let part = bytes.get_mut(..size.bytes().into())?;
    buffers.load(at, part).then(|| u64::from_le_bytes(bytes))
}

fn store(buffers: &mut impl Buffers, at: Gpa, size: Size, value: u64) -> Option<()> {
    let bytes = value.to_le_bytes();
    buffers.store(at, bytes.get(..size.bytes().into())?).then_some(())
}

#[cfg(test)]
mod tests;
