//! One vCPU's slot in the page that Xen shares with an ioreq server. Source: xen/include/public/hvm/ioreq.h.
//!
//! Xen writes the slot and says READY; the server takes it, and says when it is done. The page never is in the
//! guest's memory, but what Xen copies there is the guest's choice.
#![forbid(unsafe_code)]

use core::mem::offset_of;

use libxengt_sys as sys;

use super::super::error::SysResult;
use super::super::map::{Mapping, PAGE};

/// Bytes of a slot.
const SLOT: usize = size_of::<sys::ioreq>();
const _: () = assert!(SLOT == 32);
/// How many vCPUs a page has slots for.
pub(super) const SLOTS: usize = PAGE / SLOT;

const STATE_MASK: u8 = 0xf;
const DATA_IS_POINTER: u8 = 1 << 4;
const READ: u8 = 1 << 5;
const BACKWARDS: u8 = 1 << 6;

/// States of a slot: the STATE_* of the header, which are four bits.
const READY: u8 = 1;
const IN_PROCESS: u8 = 2;
const ANSWERED: u8 = 3;
const _: () =
    assert!(sys::STATE_IOREQ_READY == 1 && sys::STATE_IOREQ_INPROCESS == 2 && sys::STATE_IORESP_READY == 3);

/// What a slot holds, copied once: Xen does not change it while we have it, and if it did, nothing here would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawRequest {
    /// An address in the space that `kind` means.
    pub addr: u64,
    /// The data, or where in the guest's memory they are.
    pub data: u64,
    /// How often.
    pub count: u32,
    /// Bytes of each.
    pub size: u32,
    /// `IOREQ_TYPE_*`.
    pub kind: u8,
    /// Whether `data` is an address.
    pub data_is_pointer: bool,
    /// Whether the guest reads.
    pub read: bool,
    /// Whether addresses go down from one to the next.
    pub backwards: bool,
}

impl RawRequest {
    fn from_bits(bits: u8, request: Self) -> Self {
        Self {
            data_is_pointer: bits & DATA_IS_POINTER != 0,
            read: bits & READ != 0,
            backwards: bits & BACKWARDS != 0,
            ..request
        }
    }
}

/// The slot of a vCPU.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'a> {
    page: &'a Mapping,
    base: usize,
}

impl<'a> Slot<'a> {
    /// The slot of `vcpu`, or `None` if the page has none for it.
    pub(super) fn new(page: &'a Mapping, vcpu: usize) -> Option<Self> {
        (vcpu < SLOTS).then_some(Self { page, base: vcpu * SLOT })
    }

    /// The port that Xen offers for this vCPU; 0 before the server is enabled.
    pub(super) fn port(self) -> SysResult<u32> {
        self.page.read(self.base + offset_of!(sys::ioreq, vp_eport))
    }

    /// Takes the request, if there is one: it is ours until [`Self::answer`].
    pub(super) fn take(self) -> SysResult<Option<RawRequest>> {
        self.take_in(&[READY])
    }

    /// As [`Self::take`], and also what a server that is gone had taken and not answered.
    pub(super) fn take_over(self) -> SysResult<Option<RawRequest>> {
        self.take_in(&[READY, IN_PROCESS])
    }

    fn take_in(self, states: &[u8]) -> SysResult<Option<RawRequest>> {
        let bits_at = self.base + offset_of!(sys::ioreq, bits);
        let bits: u8 = self.page.read(bits_at)?;
        if !states.contains(&(bits & STATE_MASK)) {
            return Ok(None);
        }
        // What Xen wrote before it said READY is read after.
        core::sync::atomic::fence(core::sync::atomic::Ordering::Acquire);
        self.page.write(bits_at, bits & !STATE_MASK | IN_PROCESS)?;
        self.request(bits).map(Some)
    }

    fn request(self, bits: u8) -> SysResult<RawRequest> {
        let request = RawRequest {
            addr: self.page.read(self.base + offset_of!(sys::ioreq, addr))?,
            data: self.page.read(self.base + offset_of!(sys::ioreq, data))?,
            count: self.page.read(self.base + offset_of!(sys::ioreq, count))?,
            size: self.page.read(self.base + offset_of!(sys::ioreq, size))?,
            kind: self.page.read(self.base + offset_of!(sys::ioreq, r#type))?,
            ..RawRequest::default()
        };
        Ok(RawRequest::from_bits(bits, request))
    }

    /// Gives the request back, with `data` for the guest if it reads.
    pub(super) fn answer(self, data: Option<u64>) -> SysResult<()> {
        if let Some(data) = data {
            self.page.write(self.base + offset_of!(sys::ioreq, data), data)?;
        }
        // What we wrote before we say so is seen before.
        core::sync::atomic::fence(core::sync::atomic::Ordering::Release);
        let bits_at = self.base + offset_of!(sys::ioreq, bits);
        let bits: u8 = self.page.read(bits_at)?;
        self.page.write(bits_at, bits & !STATE_MASK | ANSWERED)
    }
}
