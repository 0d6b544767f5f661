//! Requests, checked: what a guest can make Xen say is not what an emulator may believe.
#![forbid(unsafe_code)]

use libxengt_sys as sys;

use super::super::device_model::Sbdf;
use super::slot::RawRequest;
use crate::addr::{Gpa, PAGE_SIZE};

/// The bytes of one access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// 1 byte.
    One,
    /// 2 bytes.
    Two,
    /// 4 bytes.
    Four,
    /// 8 bytes.
    Eight,
}

impl Size {
    fn try_new(bytes: u32) -> Option<Self> {
        match bytes {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The bits of a value of this size; also what a read of nothing gives.
    #[must_use]
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// Where an access goes, the first of a repeated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A register of a PCI function's configuration space; each repetition goes to the same.
    Config {
        /// The function.
        sbdf: Sbdf,
        /// The byte in its configuration space.
        register: u16,
    },
    /// An I/O port; each repetition goes to the same.
    Port(u16),
    /// Guest memory; repetitions go on up or down.
    Memory(Gpa),
}

/// What is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// The guest reads into a register: the answer carries the value.
    ReadValue,
    /// The guest writes this.
    WriteValue(u64),
    /// The guest reads into its memory, from this address on.
    ReadTo(Gpa),
    /// The guest writes what is in its memory, from this address on.
    WriteFrom(Gpa),
}

impl Data {
    /// Whether the guest reads.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::ReadValue | Self::ReadTo(_))
    }
}

/// An access of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoAccess {
    /// Where.
    pub place: Place,
    /// Bytes of each repetition.
    pub size: Size,
    /// How often: 1, or more where the data are in memory.
    pub count: u32,
    /// Whether addresses in memory go down.
    pub backwards: bool,
    /// What.
    pub data: Data,
}

/// A request that can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// An access.
    Io(IoAccess),
    /// The guest has given up memory: what is mapped of it is stale.
    Invalidate,
    /// The guest has set its clock.
    TimeOffset,
}

/// A request that cannot be served. It is answered all the same: reads with all ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// A type that no server was promised.
    #[error("request of type {kind}, expected 0, 1, 2, 7 or 8")]
    Type {
        /// `IOREQ_TYPE_*`.
        kind: u8,
    },
    /// A size that this space does not have.
    #[error("access of {size} bytes in the space of type {kind}")]
    Size {
        /// In bytes.
        size: u32,
        /// `IOREQ_TYPE_*`.
        kind: u8,
    },
    /// No repetition, more than one for a single value, or more than a page of them.
    #[error(
        "{count} accesses of {size} bytes (in memory: {in_memory}), expected 1, or up to a page in memory"
    )]
    Count {
        /// How often.
        count: u32,
        /// Bytes of each.
        size: u32,
        /// Whether the data are in memory.
        in_memory: bool,
    },
    /// An address outside its space, there or on the way.
    #[error("address {addr:#x} or one of the {count} accesses from it is outside its space")]
    Address {
        /// The first address.
        addr: u64,
        /// How many accesses.
        count: u32,
    },
}

impl RawRequest {
    /// The request, if it can be served.
    ///
    /// # Errors
    /// [`InvalidRequest`].
    pub fn check(&self) -> Result<Request, InvalidRequest> {
        match u32::from(self.kind) {
            sys::IOREQ_TYPE_INVALIDATE => Ok(Request::Invalidate),
            sys::IOREQ_TYPE_TIMEOFFSET => Ok(Request::TimeOffset),
            sys::IOREQ_TYPE_PCI_CONFIG | sys::IOREQ_TYPE_PIO | sys::IOREQ_TYPE_COPY => {
                self.check_access().map(Request::Io)
            }
            _ => Err(InvalidRequest::Type { kind: self.kind }),
        }
    }

    /// What a read that cannot be served gives.
    pub(super) fn all_ones(&self) -> u64 {
        Size::try_new(self.size).map_or(u64::MAX, Size::mask)
    }

    fn check_access(&self) -> Result<IoAccess, InvalidRequest> {
        let in_memory = self.kind == 1; // IOREQ_TYPE_COPY
        let size = Size::try_new(self.size)
            .filter(|size| in_memory || *size != Size::Eight)
            .ok_or(InvalidRequest::Size { size: self.size, kind: self.kind })?;
        let total = u64::from(self.count) * u64::from(size.bytes());
        let once = !self.data_is_pointer && self.count == 1;
        let repeated = self.data_is_pointer && self.count >= 1 && total <= PAGE_SIZE;
        if !once && !repeated {
            let (count, size, in_memory) = (self.count, self.size, self.data_is_pointer);
            return Err(InvalidRequest::Count { count, size, in_memory });
        }
        let access = IoAccess {
            place: self.place(size)?,
            size,
            count: self.count,
            backwards: self.backwards,
            data: match (self.data_is_pointer, self.read) {
                (false, true) => Data::ReadValue,
                (false, false) => Data::WriteValue(self.data & size.mask()),
                (true, true) => Data::ReadTo(self.gpa(self.data, size)?),
                (true, false) => Data::WriteFrom(self.gpa(self.data, size)?),
            },
        };
        Ok(access)
    }

    fn place(&self, size: Size) -> Result<Place, InvalidRequest> {
        let bad = || InvalidRequest::Address { addr: self.addr, count: self.count };
        match u32::from(self.kind) {
            sys::IOREQ_TYPE_PCI_CONFIG => {
                let [s0, s1, bus, devfn, register @ ..] = self.addr.to_be_bytes();
                let register = u32::from_be_bytes(register);
                let last = register.checked_add(u32::from(size.bytes())).filter(|end| *end <= 4096);
                let sbdf = Sbdf::from_number(u32::from_be_bytes([s0, s1, bus, devfn]));
                let register = u16::try_from(register).map_err(|_| bad())?;
                last.map(|_| Place::Config { sbdf, register }).ok_or_else(bad)
            }
            sys::IOREQ_TYPE_PIO => {
                let first = u16::try_from(self.addr).map_err(|_| bad())?;
                first.checked_add(u16::from(size.bytes()) - 1).map(|_| Place::Port(first)).ok_or_else(bad)
            }
            _ => self.gpa(self.addr, size).map(Place::Memory),
        }
    }

    /// `addr`, if all repetitions from there on are addresses of guest memory.
    fn gpa(&self, addr: u64, size: Size) -> Result<Gpa, InvalidRequest> {
        let bad = InvalidRequest::Address { addr, count: self.count };
        let first = Gpa::try_new(addr).map_err(|_| bad)?;
        let size = u64::from(size.bytes());
        let way = u64::from(self.count.saturating_sub(1)) * size;
        let last = if self.backwards { first.checked_sub(way) } else { first.checked_add(way) };
        let inside = |at: Gpa| at.checked_add(size - 1).is_some();
        last.filter(|last| inside(*last) && inside(first)).map(|_| first).ok_or(bad)
    }
}

impl IoAccess {
    /// The address of repetition `n` from `first`, where addresses go on.
    #[must_use]
    pub fn repetition(&self, first: Gpa, n: u32) -> Option<Gpa> {
        let way = u64::from(n) * u64::from(self.size.bytes());
        if self.backwards { first.checked_sub(way) } else { first.checked_add(way) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, InvalidRequest, IoAccess, Place, Request, Size};
    use crate::addr::Gpa;
    use crate::xen::Sbdf;
    use crate::xen::ioreq::RawRequest;

    fn copy() -> RawRequest {
        RawRequest { kind: 1, addr: 0xf000_0000, count: 1, size: 4, read: true, ..RawRequest::default() }
    }

    #[test]
    fn accesses_of_each_space_are_understood() {
        let io = |place, size, data| Request::Io(IoAccess { place, size, count: 1, backwards: false, data });
        assert_eq!(copy().check(), Ok(io(Place::Memory(Gpa::new(0xf000_0000)), Size::Four, Data::ReadValue)));
        let config =
            RawRequest { kind: 2, addr: 0x10 << 32 | 0x3c, size: 2, read: false, data: 0xa_bcde, ..copy() };
        let sbdf = Sbdf { segment: 0, bus: 0, devfn: 0x10 };
        let place = Place::Config { sbdf, register: 0x3c };
        assert_eq!(config.check(), Ok(io(place, Size::Two, Data::WriteValue(0xbcde))));
        let port = RawRequest { kind: 0, addr: 0xffff, size: 1, ..copy() };
        assert_eq!(port.check(), Ok(io(Place::Port(0xffff), Size::One, Data::ReadValue)));
        assert_eq!(RawRequest { kind: 8, ..copy() }.check(), Ok(Request::Invalidate));
        assert_eq!(RawRequest { kind: 7, ..copy() }.check(), Ok(Request::TimeOffset));
    }

    #[test]
    fn every_field_is_checked() {
        for kind in (0..=255).filter(|kind| ![0, 1, 2, 7, 8].contains(kind)) {
            assert_eq!(RawRequest { kind, ..copy() }.check(), Err(InvalidRequest::Type { kind }));
        }
        for size in (0..=64).chain([u32::MAX, 1 << 31]) {
            for kind in [0, 1, 2] {
                let good = [1, 2, 4].contains(&size) || size == 8 && kind == 1;
                assert_eq!(
                    RawRequest { kind, size, addr: 0, ..copy() }.check().is_ok(),
                    good,
                    "{kind} {size}"
                );
            }
        }
        for count in [0, 2, u32::MAX] {
            assert!(matches!(RawRequest { count, ..copy() }.check(), Err(InvalidRequest::Count { .. })));
        }
        for (count, good) in
            [(0, false), (1, true), (1024, true), (1025, false), (u32::MAX, false), (1 << 30, false)]
        {
            let many = RawRequest { count, data_is_pointer: true, data: 0x5000, ..copy() };
            assert_eq!(many.check().is_ok(), good, "{count}");
        }
        for (kind, addr) in [(0, 0x1_0000), (0, 0xffff), (2, 4093), (2, 4096), (1, 1 << 52), (1, u64::MAX)] {
            assert!(matches!(
                RawRequest { kind, addr, ..copy() }.check(),
                Err(InvalidRequest::Address { .. })
            ));
        }
    }

    #[test]
    fn repetitions_do_not_wrap() {
        let many = RawRequest { count: 4, data_is_pointer: true, data: 0x5000, ..copy() };
        let backwards = RawRequest { backwards: true, ..many };
        assert!(RawRequest { data: 12, ..backwards }.check().is_ok());
        assert!(RawRequest { data: 8, ..backwards }.check().is_err());
        assert!(RawRequest { addr: 8, ..backwards }.check().is_err());
        assert!(RawRequest { addr: Gpa::MAX.get() - 15, ..many }.check().is_ok());
        assert!(RawRequest { addr: Gpa::MAX.get() - 14, ..many }.check().is_err());
        assert!(RawRequest { data: Gpa::MAX.get() - 2, ..backwards }.check().is_err());
    }

    #[test]
    fn what_a_failed_read_gives_fits_its_size() {
        for (size, ones) in [(1, 0xff), (2, 0xffff), (4, 0xffff_ffff), (8, u64::MAX), (3, u64::MAX)] {
            assert_eq!(RawRequest { size, ..copy() }.all_ones(), ones);
        }
    }
}
