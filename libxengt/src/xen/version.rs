//! Which Xen this is. Source: xen/include/public/version.h.
#![forbid(unsafe_code)]

use core::fmt;

use libxengt_sys as sys;

use super::Xen;
use super::driver::Hypercall;
use super::error::{SysResult, XenError};
use super::retry::retry;

const CALL: &str = "xen_version";

/// A version of Xen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// What the builder put behind it, such as `.7` or `.3-rc1`.
    pub extra: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{}", self.major, self.minor, self.extra)
    }
}

impl Xen {
    /// The version of Xen.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn version(&self) -> Result<Version, XenError> {
        let number = self.version_call(sys::XENVER_version, &mut []).map_err(XenError::of_call(CALL))?;
        let bad = || XenError::Answer { call: CALL, answer: number, expected: "16 bits each of two numbers" };
        let number = u32::try_from(number).map_err(|_| bad())?;
        // xen_extraversion_t is char[16].
        let extra = self.version_text::<16>(sys::XENVER_extraversion)?;
        Ok(Version { major: number >> 16, minor: number & 0xffff, extra })
    }

    /// What kinds of guests this Xen runs, such as `hvm-3.0-x86_64`, separated by spaces.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn capabilities(&self) -> Result<String, XenError> {
        self.version_text::<1024>(sys::XENVER_capabilities)
    }

    /// Xen's own command line.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn command_line(&self) -> Result<String, XenError> {
        self.version_text::<1024>(sys::XENVER_commandline)
    }

    fn version_text<const N: usize>(&self, cmd: u32) -> Result<String, XenError> {
        let mut out = [0; N];
        self.version_call(cmd, &mut out).map_err(XenError::of_call(CALL))?;
        // Xen truncates what is too long, and then need not end it.
        let text = out.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(text).trim().to_owned())
    }

    fn version_call(&self, cmd: u32, out: &mut [u8]) -> SysResult<u64> {
        retry(|| self.driver.hypercall(&mut Hypercall::Version { cmd, out: &mut *out }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::MockDriver;
    use crate::error::Diagnose;

    #[test]
    fn version_and_texts_are_read_whole_and_bounded() {
        let (xen, mock) = MockDriver::xen(0);
        assert_eq!(xen.version().unwrap().to_string(), "4.17.7");
        assert_eq!(xen.capabilities().unwrap(), "xen-3.0-x86_64 hvm-3.0-x86_64");
        mock.set(|state| state.extraversion = b"-a-very-long-one-that-is-not-ended".to_vec());
        assert_eq!(xen.version().unwrap().extra, "-a-very-long-one");
        mock.set(|state| state.extraversion = vec![0xff, 0xfe, 0]);
        assert_eq!(xen.version().unwrap().extra, "\u{fffd}\u{fffd}");
    }

    #[test]
    fn every_errno_comes_out_with_a_kind_and_interrupts_do_not() {
        let (xen, mock) = MockDriver::xen(0);
        for errno in 1..=133 {
            mock.set(|state| state.fail_always = Some(errno));
            let error = xen.version().unwrap_err();
            assert_eq!(error.errno(), Some(errno));
            let _kind = error.kind();
        }
        mock.set(|state| {
            state.fail_always = None;
            state.fail_next = vec![libc::EINTR, libc::EAGAIN, libc::EINTR];
        });
        assert!(xen.version().is_ok());
    }
}
