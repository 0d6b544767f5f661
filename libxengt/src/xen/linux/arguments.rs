//! A hypercall as numbers and bytes: what goes into the buffer, where, and what comes back.

use core::mem::offset_of;

use libxengt_sys as sys;

use super::super::driver::{DomainInfo, Hypercall, MFN_BATCH};
use super::super::error::{Errno, SysResult};
use super::super::map::PAGE;
use super::buffer::HypercallBuffer;

/// Where in the buffer the argument is.
const ARGUMENT: usize = 0;
/// Where in the buffer the list is that the argument points to.
const LIST: usize = PAGE;

/// Puts the call's input into `buffer`; answers with the hypercall's number and arguments.
pub(super) fn store(call: &Hypercall<'_>, buffer: &mut HypercallBuffer) -> SysResult<sys::privcmd_hypercall> {
    let argument = buffer.address(ARGUMENT);
    let (op, cmd) = match call {
        Hypercall::Version { cmd, out } => {
            // Xen writes as much as the command has, which is never more than a page; what it does not write
            // must not be what an earlier call left.
            if out.len() > PAGE {
                return Err(Errno(libc::E2BIG));
            }
            buffer.store(ARGUMENT, &[0; PAGE])?;
            (sys::__HYPERVISOR_xen_version, *cmd)
        }
        Hypercall::MaximumGpfn { domid } => {
            buffer.store(ARGUMENT, &domid.get().to_ne_bytes())?;
            (sys::__HYPERVISOR_memory_op, sys::XENMEM_maximum_gpfn)
        }
        Hypercall::ResourceFrames { domid, kind, id, .. } => {
            // No frames and no list ask for the resource's size.
            buffer.store(ARGUMENT, &[0; size_of::<sys::xen_mem_acquire_resource>()])?;
            buffer.store(offset_of!(sys::xen_mem_acquire_resource, domid), &domid.get().to_ne_bytes())?;
            buffer.store(offset_of!(sys::xen_mem_acquire_resource, type_), &kind.to_ne_bytes())?;
            buffer.store(offset_of!(sys::xen_mem_acquire_resource, id), &id.to_ne_bytes())?;
            (sys::__HYPERVISOR_memory_op, sys::XENMEM_acquire_resource)
        }
        Hypercall::MfnsOfGfns { domid, flags, frames } => {
            let count = u32::try_from(frames.len()).unwrap_or(u32::MAX) | *flags;
            if frames.len() > MFN_BATCH {
                return Err(Errno(libc::E2BIG));
            }
            let list = buffer.address(LIST);
            buffer.store(ARGUMENT, &[0; size_of::<sys::xen_get_mfn_from_pfn>()])?;
            buffer.store(offset_of!(sys::xen_get_mfn_from_pfn, pfn_list), &list.to_ne_bytes())?;
            buffer.store(offset_of!(sys::xen_get_mfn_from_pfn, nr_pfns), &count.to_ne_bytes())?;
            buffer.store(offset_of!(sys::xen_get_mfn_from_pfn, domid), &domid.to_ne_bytes())?;
            buffer.store(LIST, zerocopy::IntoBytes::as_bytes(&**frames))?;
            (sys::__HYPERVISOR_memory_op, sys::XENMEM_get_mfn_from_pfn)
        }
        Hypercall::DomainInfo { domid, interface, info } => {
            buffer.store(ARGUMENT, &[0; sys::XENGT_DOMCTL_BYTES])?;
            buffer.store(sys::XENGT_DOMCTL_CMD, &sys::XEN_DOMCTL_getdomaininfo.to_ne_bytes())?;
            buffer.store(sys::XENGT_DOMCTL_INTERFACE, &interface.to_ne_bytes())?;
            buffer.store(sys::XENGT_DOMCTL_DOMAIN, &domid.to_ne_bytes())?;
            buffer.store(sys::XENGT_DOMCTL_INFO_DOMAIN, &info.domain.to_ne_bytes())?;
            buffer.store(sys::XENGT_DOMCTL_INFO_FLAGS, &info.flags.to_ne_bytes())?;
            // Alone among these it has no number of a subcall: that is in the argument.
            return Ok(sys::privcmd_hypercall {
                op: sys::__HYPERVISOR_domctl.into(),
                arg: [argument, 0, 0, 0, 0],
            });
        }
    };
    // Without a place to write to, xen_version only answers.
    let argument =
        if matches!(call, Hypercall::Version { out, .. } if out.is_empty()) { 0 } else { argument };
    Ok(sys::privcmd_hypercall { op: op.into(), arg: [cmd.into(), argument, 0, 0, 0] })
}

/// Takes the call's output from `buffer`.
pub(super) fn load(call: &mut Hypercall<'_>, buffer: &HypercallBuffer) -> SysResult<()> {
    match call {
        Hypercall::Version { out, .. } => buffer.load(ARGUMENT, out),
        Hypercall::MaximumGpfn { .. } => Ok(()),
        Hypercall::ResourceFrames { frames, .. } => {
            let mut count = [0; 4];
            buffer.load(offset_of!(sys::xen_mem_acquire_resource, nr_frames), &mut count)?;
            **frames = u32::from_ne_bytes(count);
            Ok(())
        }
        Hypercall::MfnsOfGfns { frames, .. } => {
            buffer.load(LIST, zerocopy::IntoBytes::as_mut_bytes(&mut **frames))
        }
        Hypercall::DomainInfo { info, .. } => {
            let (mut domain, mut flags) = ([0; 2], [0; 4]);
            buffer.load(sys::XENGT_DOMCTL_INFO_DOMAIN, &mut domain)?;
            buffer.load(sys::XENGT_DOMCTL_INFO_FLAGS, &mut flags)?;
            **info = DomainInfo { domain: u16::from_ne_bytes(domain), flags: u32::from_ne_bytes(flags) };
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DomainInfo, Hypercall, HypercallBuffer, load, store};
    use crate::addr::DomId;

    fn bytes<const N: usize>(buffer: &HypercallBuffer, at: usize) -> [u8; N] {
        let mut out = [0; N];
        buffer.load(at, &mut out).unwrap();
        out
    }

    #[test]
    fn the_mfn_call_is_laid_out_as_the_extension_has_it() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        let mut frames = [0x1234, 0x5678];
        let mut call = Hypercall::MfnsOfGfns { domid: 7, flags: 0, frames: &mut frames };
        let made = store(&call, &mut buffer).unwrap();
        assert_eq!((made.op, made.arg), (12, [29, buffer.address(0), 0, 0, 0]));
        assert_eq!(u64::from_ne_bytes(bytes(&buffer, 0)), buffer.address(4096));
        assert_eq!(u32::from_ne_bytes(bytes(&buffer, 8)), 2);
        assert_eq!(u16::from_ne_bytes(bytes(&buffer, 12)), 7);
        assert_eq!(u64::from_ne_bytes(bytes(&buffer, 4096 + 8)), 0x5678);
        buffer.store(4096, &0xabcd_u64.to_ne_bytes()).unwrap();
        load(&mut call, &buffer).unwrap();
        assert_eq!(frames, [0xabcd, 0x5678]);
    }

    #[test]
    fn flags_of_the_mfn_call_are_in_its_count() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        let mut frames = [1; 3];
        let flags = libxengt_sys::XENMEM_get_mfn_allow_holes;
        store(&Hypercall::MfnsOfGfns { domid: 7, flags, frames: &mut frames }, &mut buffer).unwrap();
        assert_eq!(u32::from_ne_bytes(bytes(&buffer, 8)), 0x8000_0003);
        store(&Hypercall::MfnsOfGfns { domid: 7, flags: u32::MAX, frames: &mut [] }, &mut buffer).unwrap();
        assert_eq!(u32::from_ne_bytes(bytes(&buffer, 8)), u32::MAX);
    }

    #[test]
    fn lists_longer_than_the_extension_takes_are_refused() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        let mut frames = [0; 2049];
        assert!(
            store(&Hypercall::MfnsOfGfns { domid: 7, flags: 0, frames: &mut frames }, &mut buffer).is_err()
        );
        assert!(
            store(&Hypercall::MfnsOfGfns { domid: 7, flags: 0, frames: &mut frames[1..] }, &mut buffer)
                .is_ok()
        );
    }

    #[test]
    fn the_resource_call_asks_for_a_size() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        buffer.store(0, &[0xff; 64]).unwrap();
        let mut frames = 99;
        let mut call =
            Hypercall::ResourceFrames { domid: DomId::new(7), kind: 0, id: 3, frames: &mut frames };
        let made = store(&call, &mut buffer).unwrap();
        assert_eq!((made.op, made.arg[0]), (12, 28));
        // domid, type, id, nr_frames, pad, frame, list
        let expected = [&7_u16.to_ne_bytes()[..], &[0; 2], &3_u32.to_ne_bytes(), &[0; 24]].concat();
        assert_eq!(bytes::<32>(&buffer, 0).as_slice(), expected);
        buffer.store(8, &2_u32.to_ne_bytes()).unwrap();
        load(&mut call, &buffer).unwrap();
        assert_eq!(frames, 2);
    }

    #[test]
    fn the_domain_call_names_its_interface_and_takes_only_what_leads() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        buffer.store(0, &[0xff; 4096]).unwrap();
        let mut info = DomainInfo { domain: 0x7ff4, flags: 0 };
        let mut call = Hypercall::DomainInfo { domid: 7, interface: 0x15, info: &mut info };
        let made = store(&call, &mut buffer).unwrap();
        assert_eq!((made.op, made.arg), (36, [buffer.address(0), 0, 0, 0, 0]));
        // cmd, interface, domain and pads, then the answer's domain, pad, flags
        let words = [5_u32, 0x15, 7, 0, 0x7ff4, 0].map(u32::to_ne_bytes).concat();
        assert_eq!(bytes::<24>(&buffer, 0).as_slice(), words);
        assert_eq!(bytes::<120>(&buffer, 24), [0; 120]);
        buffer.store(16, &[7_u32, 0x102].map(u32::to_ne_bytes).concat()).unwrap();
        load(&mut call, &buffer).unwrap();
        assert_eq!(info, DomainInfo { domain: 7, flags: 0x102 });
    }

    #[test]
    fn version_calls_see_nothing_of_earlier_ones() {
        let mut buffer = HypercallBuffer::new(None).unwrap();
        buffer.store(0, &[0xff; 4096]).unwrap();
        let mut out = [1; 16];
        let mut call = Hypercall::Version { cmd: 1, out: &mut out };
        assert_eq!(store(&call, &mut buffer).unwrap().op, 17);
        load(&mut call, &buffer).unwrap();
        assert_eq!(out, [0; 16]);
        let made = store(&Hypercall::Version { cmd: 0, out: &mut [] }, &mut buffer).unwrap();
        assert_eq!(made.arg, [0; 5]);
        let domid = DomId::new(0x1234);
        assert_eq!(store(&Hypercall::MaximumGpfn { domid }, &mut buffer).unwrap().arg[0], 14);
        assert_eq!(bytes(&buffer, 0), 0x1234_u16.to_ne_bytes());
    }
}
