//! Event channels: one-bit signals between domains, over `/dev/xen/evtchn`.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::driver::EventDriver;
use super::error::{Errno, XenError};
use super::linux;
use super::retry::retry;
use crate::addr::DomId;
use crate::root::Root;

/// A port of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalPort(u32);

impl LocalPort {
    #[cfg(test)]
    pub(super) const fn for_tests(port: u32) -> Self {
        Self(port)
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A handle on the device. Its ports end with it.
#[derive(Debug)]
pub struct EventChannels {
    driver: Box<dyn EventDriver>,
}

/// How many pending ports are taken at a time.
const TAKEN: usize = 128;

impl EventChannels {
    /// Opens the device under `root`.
    ///
    /// # Errors
    /// [`XenError::Open`].
    pub fn open(root: &Root) -> Result<Self, XenError> {
        Ok(Self::new(Box::new(linux::Evtchn::open(root)?)))
    }

    pub(super) fn new(driver: Box<dyn EventDriver>) -> Self {
        Self { driver }
    }

    /// Gives up the right to bind ports of other domains than `domid`, for good. Kernels before Linux 4.12 cannot
    /// do that, which is no error.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn restrict(&self, domid: DomId) -> Result<(), XenError> {
        match retry(|| self.driver.restrict(domid)) {
            Ok(()) | Err(Errno(libc::ENOTTY | libc::ENOSYS)) => Ok(()),
            Err(error) => Err(XenError::of_domain("restricting evtchn", domid)(error)),
        }
    }

    /// Binds a new port to the port `remote` that `domid` (or Xen, for it) has offered to us.
    ///
    /// # Errors
    /// [`XenError`]; `EINVAL` if no such port is offered.
    pub fn bind_interdomain(&self, domid: DomId, remote: u32) -> Result<LocalPort, XenError> {
        retry(|| self.driver.bind_interdomain(domid, remote))
            .map(LocalPort)
            .map_err(XenError::of_domain("EVTCHNOP_bind_interdomain", domid))
    }

    /// Gives up a port.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn unbind(&self, port: LocalPort) -> Result<(), XenError> {
        retry(|| self.driver.unbind(port.0)).map_err(XenError::of_port("unbinding event channel", port.0))
    }

    /// Signals the other end.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn notify(&self, port: LocalPort) -> Result<(), XenError> {
        retry(|| self.driver.notify(port.0)).map_err(XenError::of_port("EVTCHNOP_send", port.0))
    }

    /// The ports that are pending, at most 128, after waiting `timeout` for the first. They can be pending again at
    /// once, so look after what they signal *after* this.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn wait(&self, timeout: Duration) -> Result<Vec<LocalPort>, XenError> {
        let fail = || XenError::of_call("reading /dev/xen/evtchn");
        match self.driver.wait(timeout) {
            Ok(true) => {}
            // A signal ends the wait early: whoever waits looks and waits again.
            Ok(false) | Err(Errno(libc::EINTR)) => return Ok(Vec::new()),
            Err(error) => return Err(fail()(error)),
        }
        let mut ports = [0; TAKEN];
        let taken = match retry(|| self.driver.take(&mut ports)) {
            Ok(taken) => taken,
            // Somebody else took it.
            Err(Errno(libc::EAGAIN)) => 0,
            Err(error) => return Err(fail()(error)),
        };
        let pending = ports.get(..taken).unwrap_or_default();
        if !pending.is_empty() {
            retry(|| self.driver.unmask(pending)).map_err(fail())?;
        }
        Ok(pending.iter().copied().map(LocalPort).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::mock::DOMID;
    use super::super::mock_events::MockEvents;
    use super::{EventChannels, LocalPort};
    use crate::root::Root;

    #[test]
    fn ports_are_bound_signalled_and_unmasked() {
        let (events, mock) = MockEvents::channels();
        events.restrict(DOMID).unwrap();
        let port = events.bind_interdomain(DOMID, 40).unwrap();
        assert_eq!(port, LocalPort(1040));
        assert!(events.wait(Duration::ZERO).unwrap().is_empty());
        mock.signal(1040);
        assert_eq!(events.wait(Duration::ZERO).unwrap(), [port]);
        assert_eq!(mock.get(|state| state.unmasked.clone()), [1040]);
        events.notify(port).unwrap();
        events.unbind(port).unwrap();
        assert_eq!(mock.get(|state| (state.notified.clone(), state.bound.len())), (vec![1040], 0));
    }

    #[test]
    fn errors_come_out_and_interrupted_waits_are_empty() {
        let (events, mock) = MockEvents::channels();
        for errno in 1..=133 {
            mock.set(|state| state.fail_always = Some(errno));
            for error in [
                events.bind_interdomain(DOMID, 1).unwrap_err(),
                events.notify(LocalPort(1)).unwrap_err(),
                events.unbind(LocalPort(1)).unwrap_err(),
            ] {
                assert_eq!(error.errno(), Some(errno));
            }
            match events.wait(Duration::ZERO) {
                Ok(ports) => assert!(ports.is_empty() && errno == libc::EINTR),
                Err(error) => assert_eq!(error.errno(), Some(errno)),
            }
            assert_eq!(events.restrict(DOMID).is_ok(), [libc::ENOTTY, libc::ENOSYS].contains(&errno));
        }
    }

    #[test]
    fn a_host_without_the_device_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            EventChannels::open(&Root::at(dir.path())).unwrap_err().to_string().contains("dev/xen/evtchn")
        );
    }
}
