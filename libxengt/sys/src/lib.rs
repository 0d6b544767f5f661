// SPDX-License-Identifier: MIT
//! The public ABI of Xen and of Linux's Xen devices: types and numbers, no logic.
//!
//! `bindings.rs` is what `generate.sh` writes; its head names the headers. Those of Xen are stable: they do not
//! change between releases, unlike those of `domctl` and `sysctl`: of these only the fields that a probe of one
//! `domctl` reads are here.
#![no_std]
#![forbid(unsafe_code)]
#![expect(
    missing_docs,
    missing_debug_implementations,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "generated: the names are those of the headers, which document them"
)]

include!("bindings.rs");

/// Subop 29 of the memory hypercall: guest frames to machine frames. Not in Xen: Qubes adds it (patch
/// 1200-hypercall-XENMEM_get_mfn_from_pfn), so no header can be read or checked for it.
pub const XENMEM_get_mfn_from_pfn: u32 = 29;
/// The most frames that one call takes.
pub const XENMEM_get_mfn_max_pfns: u32 = 2048;
/// Or'ed into the number of frames: what has nothing behind it becomes all ones, and the call goes on. Only the
/// patch in this repository knows it; without it, the number is one that is too large.
pub const XENMEM_get_mfn_allow_holes: u32 = 1 << 31;

/// The argument of [`XENMEM_get_mfn_from_pfn`].
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct xen_get_mfn_from_pfn {
    /// In: guest frames; out: machine frames.
    pub pfn_list: *mut u64,
    /// How many, at most 2048.
    pub nr_pfns: u32,
    /// Whose.
    pub domid: domid_t,
}

/// The hypercall of the domain builder and of tools. Not a stable ABI: every call names the version of the interface.
pub const __HYPERVISOR_domctl: u32 = 36;
/// Asks what a domain is.
pub const XEN_DOMCTL_getdomaininfo: u32 = 5;
/// The domain is being destroyed.
pub const XEN_DOMINF_dying: u32 = 1 << 0;
/// It is HVM.
pub const XEN_DOMINF_hvm_guest: u32 = 1 << 1;
/// It has hardware-assisted paging.
pub const XEN_DOMINF_hap: u32 = 1 << 8;

/// Bytes of `struct xen_domctl`, in every version so far.
pub const XENGT_DOMCTL_BYTES: usize = 144;
/// Offset of `cmd`, of 32 bits.
pub const XENGT_DOMCTL_CMD: usize = 0;
/// Offset of `interface_version`, of 32 bits.
pub const XENGT_DOMCTL_INTERFACE: usize = 4;
/// Offset of `domain`.
pub const XENGT_DOMCTL_DOMAIN: usize = 8;
/// Offset of `u.getdomaininfo.domain`.
pub const XENGT_DOMCTL_INFO_DOMAIN: usize = 16;
/// Offset of `u.getdomaininfo.flags`, of 32 bits.
pub const XENGT_DOMCTL_INFO_FLAGS: usize = 20;

/// A request in the page that Xen shares with an emulator (`struct ioreq`, xen/hvm/ioreq.h).
///
/// By hand: bindgen makes thousands of lines of the bit field, which is one byte.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ioreq {
    pub addr: u64,
    pub data: u64,
    pub count: u32,
    pub size: u32,
    pub vp_eport: u32,
    pub _pad0: u16,
    /// Bits 0-3 `state`, 4 `data_is_ptr`, 5 `dir` (1: read), 6 `df`.
    pub bits: u8,
    pub r#type: u8,
}
