//! A xenstore for tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libxengt_sys as sys;

use super::wire;
use crate::xen::driver::StoreDriver;
use crate::xen::error::{Errno, SysResult};

#[derive(Debug, Default)]
pub(in crate::xen) struct StoreState {
    nodes: BTreeMap<String, Vec<u8>>,
    requests: Vec<u8>,
    replies: VecDeque<u8>,
    /// The most bytes of one send or receive.
    pub(in crate::xen) piece: usize,
    /// The kind and payload of the next answers.
    pub(in crate::xen) answer: Option<(u32, Vec<u8>)>,
    /// Requests are answered later.
    pub(in crate::xen) silent: bool,
    pub(in crate::xen) closed: bool,
    /// The payload of events of which there always is one more.
    pub(in crate::xen) flood: Option<Vec<u8>>,
    /// How many bytes are still received before the end.
    pub(in crate::xen) dies_after: Option<usize>,
    pub(in crate::xen) fail_wait: Option<i32>,
    pub(in crate::xen) fail: Option<i32>,
}

#[derive(Debug, Clone)]
pub(in crate::xen) struct MockStore {
    state: Arc<Mutex<StoreState>>,
}

impl MockStore {
    pub(in crate::xen) fn new(nodes: &[(&str, &str)]) -> Self {
        let nodes =
            nodes.iter().map(|(path, value)| ((*path).to_owned(), value.as_bytes().to_vec())).collect();
        Self { state: Arc::new(Mutex::new(StoreState { nodes, piece: 4096, ..StoreState::default() })) }
    }

    pub(in crate::xen) fn set(&self, change: impl FnOnce(&mut StoreState)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(in crate::xen) fn event(&self, payload: &str) {
        self.set(|state| state.reply(sys::XS_WATCH_EVENT, 0, payload.as_bytes()));
    }

    /// Answers so when it is asked whether it knows a domain.
    pub(in crate::xen) fn introduce(&self, domid: &str, answer: &str) {
        self.set(|state| drop(state.nodes.insert(domid.to_owned(), answer.as_bytes().to_vec())));
    }

    pub(in crate::xen) fn raw(&self, bytes: &[u8]) {
        self.set(|state| state.replies.extend(bytes));
    }
}

impl StoreState {
    fn reply(&mut self, kind: u32, id: u32, payload: &[u8]) {
        for word in [kind, id, 0, u32::try_from(payload.len()).unwrap()] {
            self.replies.extend(word.to_le_bytes());
        }
        self.replies.extend(payload);
    }

    fn serve(&mut self) {
        while let Some((request, used)) = wire::decode(&self.requests).unwrap() {
            self.requests.drain(..used);
            let path = wire::words(&request.payload).next().unwrap_or_default();
            let below = format!("{path}/");
            let names: BTreeSet<_> = self
                .nodes
                .keys()
                .filter_map(|node| node.strip_prefix(&below)?.split('/').next().map(str::to_owned))
                .collect();
            let (kind, payload) = match (request.kind, self.nodes.get(&path)) {
                _ if self.answer.is_some() => self.answer.clone().unwrap(),
                (sys::XS_READ, Some(value)) => (sys::XS_READ, value.clone()),
                (sys::XS_DIRECTORY, _) if !names.is_empty() => (
                    sys::XS_DIRECTORY,
                    names.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect(),
                ),
                (sys::XS_IS_DOMAIN_INTRODUCED, answer) => {
                    let answer = answer.map_or(&b"F"[..], Vec::as_slice);
                    (sys::XS_IS_DOMAIN_INTRODUCED, [answer, b"\0"].concat())
                }
                (sys::XS_WATCH, _) => (sys::XS_WATCH, b"OK\0".to_vec()),
                _ => (sys::XS_ERROR, b"ENOENT\0".to_vec()),
            };
            self.reply(kind, request.id, &payload);
        }
    }
}

impl StoreDriver for MockStore {
    fn send(&mut self, bytes: &[u8]) -> SysResult<usize> {
        let mut state = self.state.lock().unwrap();
        if let Some(errno) = state.fail {
            return Err(Errno(errno));
        }
        let count = bytes.len().min(state.piece);
        state.requests.extend(&bytes[..count]);
        Ok(count)
    }

    fn wait(&mut self, timeout: Duration) -> SysResult<bool> {
        let mut state = self.state.lock().unwrap();
        if let Some(errno) = state.fail_wait {
            return Err(Errno(errno));
        }
        if let Some(payload) = state.flood.clone()
            && state.replies.len() < 4096
        {
            state.reply(sys::XS_WATCH_EVENT, 0, &payload);
        }
        if !state.silent {
            state.serve();
        }
        if state.closed || state.dies_after == Some(0) || !state.replies.is_empty() {
            return Ok(true);
        }
        std::thread::sleep(timeout);
        Ok(false)
    }

    fn receive(&mut self, bytes: &mut [u8]) -> SysResult<usize> {
        let mut state = self.state.lock().unwrap();
        if state.closed {
            return Ok(0);
        }
        let most = state.dies_after.unwrap_or(usize::MAX);
        let count = bytes.len().min(state.piece).min(state.replies.len()).min(most);
        state.dies_after = state.dies_after.map(|left| left - count);
        bytes.iter_mut().zip(state.replies.drain(..count)).for_each(|(to, byte)| *to = byte);
        Ok(count)
    }
}
