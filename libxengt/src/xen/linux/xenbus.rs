//! `/dev/xen/xenbus`: the kernel's connection to xenstore, shared among its readers by the kernel.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use super::super::driver::StoreDriver;
use super::super::error::{Errno, SysResult, XenError};
use super::ioctl::poll;
use crate::root::Root;

/// A handle on the device; its watches and transactions end with it.
#[derive(Debug)]
pub(in crate::xen) struct Xenbus {
    file: File,
}

fn errno(error: std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

impl Xenbus {
    pub(in crate::xen) fn open(root: &Root) -> Result<Self, XenError> {
        Ok(Self { file: super::open(&root.join("dev/xen/xenbus"))?.into() })
    }
}

impl StoreDriver for Xenbus {
    fn send(&mut self, bytes: &[u8]) -> SysResult<usize> {
        self.file.write(bytes).map_err(errno)
    }

    fn wait(&mut self, timeout: Duration) -> SysResult<bool> {
        poll(&self.file, timeout)
    }

    fn receive(&mut self, bytes: &mut [u8]) -> SysResult<usize> {
        self.file.read(bytes).map_err(errno)
    }
}
