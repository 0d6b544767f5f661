//! `/dev/xen/evtchn`.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use libxengt_sys as sys;
use zerocopy::IntoBytes;

use super::super::driver::EventDriver;
use super::super::error::{Errno, SysResult, XenError};
use super::ioctl::{ioctl, poll};
use crate::addr::DomId;
use crate::root::Root;

/// A handle on the device; its ports end with it.
#[derive(Debug)]
pub(in crate::xen) struct Evtchn {
    file: File,
}

fn errno(error: std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

fn port(answer: u64) -> SysResult<u32> {
    u32::try_from(answer).map_err(|_| Errno(libc::ERANGE))
}

impl Evtchn {
    pub(in crate::xen) fn open(root: &Root) -> Result<Self, XenError> {
        Ok(Self { file: super::open(&root.join("dev/xen/evtchn"))?.into() })
    }
}

impl EventDriver for Evtchn {
    fn bind_interdomain(&self, domid: DomId, remote: u32) -> SysResult<u32> {
        let mut arg =
            sys::ioctl_evtchn_bind_interdomain { remote_domain: domid.get().into(), remote_port: remote };
        // SAFETY: the struct is the request's; it has no pointers.
        unsafe { ioctl(&self.file, sys::SYS_IOCTL_EVTCHN_BIND_INTERDOMAIN, &mut arg) }.and_then(port)
    }

    fn unbind(&self, port: u32) -> SysResult<()> {
        let mut arg = sys::ioctl_evtchn_unbind { port };
        // SAFETY: the struct is the request's; it has no pointers.
        unsafe { ioctl(&self.file, sys::SYS_IOCTL_EVTCHN_UNBIND, &mut arg) }.map(drop)
    }

    fn notify(&self, port: u32) -> SysResult<()> {
        let mut arg = sys::ioctl_evtchn_notify { port };
        // SAFETY: the struct is the request's; it has no pointers.
        unsafe { ioctl(&self.file, sys::SYS_IOCTL_EVTCHN_NOTIFY, &mut arg) }.map(drop)
    }

    fn wait(&self, timeout: Duration) -> SysResult<bool> {
        poll(&self.file, timeout)
    }

    fn take(&self, ports: &mut [u32]) -> SysResult<usize> {
        let bytes = (&self.file).read(ports.as_mut_bytes()).map_err(errno)?;
        Ok(bytes / size_of::<u32>())
    }

    fn unmask(&self, ports: &[u32]) -> SysResult<()> {
        (&self.file).write_all(ports.as_bytes()).map_err(errno)
    }

    fn restrict(&self, domid: DomId) -> SysResult<()> {
        let mut arg = sys::ioctl_evtchn_restrict_domid { domid: domid.get() };
        // SAFETY: the struct is the request's; it has no pointers.
        unsafe { ioctl(&self.file, sys::SYS_IOCTL_EVTCHN_RESTRICT_DOMID, &mut arg) }.map(drop)
    }
}
