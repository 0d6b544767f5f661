//! Event channels for tests.
#![expect(clippy::unwrap_used, reason = "a mock that cannot do its work has no other way to say so")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::driver::EventDriver;
use super::error::{Errno, SysResult};
use super::event_channels::EventChannels;
use crate::addr::DomId;

#[derive(Debug, Default)]
pub(crate) struct EventState {
    /// Our ports, and the remote ones behind them.
    pub(crate) bound: BTreeMap<u32, u32>,
    pub(crate) pending: VecDeque<u32>,
    pub(crate) unmasked: Vec<u32>,
    pub(crate) notified: Vec<u32>,
    pub(crate) fail_always: Option<i32>,
    /// The error of binding this remote port.
    pub(crate) fail_bind: Option<(u32, i32)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct MockEvents {
    state: Arc<Mutex<EventState>>,
}

impl MockEvents {
    pub(crate) fn channels() -> (EventChannels, Self) {
        let mock = Self::default();
        (EventChannels::new(Box::new(mock.clone())), mock)
    }

    pub(crate) fn signal(&self, port: u32) {
        self.set(|state| state.pending.push_back(port));
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut EventState)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn get<T>(&self, look: impl FnOnce(&EventState) -> T) -> T {
        look(&self.state.lock().unwrap())
    }

    fn begin(&self) -> SysResult<std::sync::MutexGuard<'_, EventState>> {
        let state = self.state.lock().unwrap();
        state.fail_always.map_or(Ok(state), |errno| Err(Errno(errno)))
    }
}

impl EventDriver for MockEvents {
    fn bind_interdomain(&self, _domid: DomId, remote: u32) -> SysResult<u32> {
        let mut state = self.begin()?;
        if let Some((_, errno)) = state.fail_bind.filter(|(bad, _)| *bad == remote) {
            return Err(Errno(errno));
        }
        let port = remote + 1000;
        assert_eq!(state.bound.insert(port, remote), None, "bound twice");
        Ok(port)
    }

    fn unbind(&self, port: u32) -> SysResult<()> {
        self.begin()?.bound.remove(&port).map(drop).ok_or(Errno(libc::ENOTCONN))
    }

    fn notify(&self, port: u32) -> SysResult<()> {
        self.begin()?.notified.push(port);
        Ok(())
    }

    fn wait(&self, _timeout: Duration) -> SysResult<bool> {
        Ok(!self.begin()?.pending.is_empty())
    }

    fn take(&self, ports: &mut [u32]) -> SysResult<usize> {
        let mut state = self.begin()?;
        let count = ports.len().min(state.pending.len());
        ports.iter_mut().zip(state.pending.drain(..count)).for_each(|(to, port)| *to = port);
        Ok(count)
    }

    fn unmask(&self, ports: &[u32]) -> SysResult<()> {
        self.begin()?.unmasked.extend(ports);
        Ok(())
    }

    fn restrict(&self, _domid: DomId) -> SysResult<()> {
        self.begin().map(drop)
    }
}
