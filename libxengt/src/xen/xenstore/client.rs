//! A client of xenstore that reads, lists and watches.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use libxengt_sys as sys;

use super::error::StoreError;
use super::wire::{self, Message};
use crate::addr::DomId;
use crate::root::Root;
use crate::xen::driver::StoreDriver;
use crate::xen::error::{Errno, XenError};
use crate::xen::linux;
use crate::xen::retry::retry;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many watch events are kept for who asks for them; what comes beyond is the same news: something changed.
const EVENTS_MAX: usize = 64;

/// A connection to xenstore.
#[derive(Debug)]
pub struct Xenstore {
    driver: Box<dyn StoreDriver>,
    patience: Duration,
    next_id: u32,
    /// What was received and is no whole message yet: less than one message and one read.
    received: Vec<u8>,
    events: VecDeque<WatchEvent>,
}

/// Something below a watched node has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchEvent {
    /// The node.
    pub path: String,
    /// The token of the watch.
    pub token: String,
}

impl Xenstore {
    /// Connects through the device under `root`.
    ///
    /// # Errors
    /// [`StoreError::Device`].
    pub fn open(root: &Root) -> Result<Self, StoreError> {
        Ok(Self::new(Box::new(linux::Xenbus::open(root)?), PATIENCE))
    }

    pub(in crate::xen) fn new(driver: Box<dyn StoreDriver>, patience: Duration) -> Self {
        Self { driver, patience, next_id: 0, received: Vec::new(), events: VecDeque::new() }
    }

    /// The value of the node `path`, or `None` if there is no such node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        missing_is_none(self.request("read", sys::XS_READ, path, &[path]))
    }

    /// The names of the nodes below `path`, or `None` if there is no such node.
    ///
    /// # Errors
    /// [`StoreError`]; `E2BIG` if the list is longer than a message.
    pub fn directory(&mut self, path: &str) -> Result<Option<Vec<String>>, StoreError> {
        let list = missing_is_none(self.request("list", sys::XS_DIRECTORY, path, &[path]))?;
        Ok(list.map(|payload| wire::words(&payload).collect()))
    }

    /// Whether the daemon serves `domid`: from its making until it is destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_introduced(&mut self, domid: DomId) -> Result<bool, StoreError> {
        const REQUEST: &str = "ask about domain";
        let path = domid.to_string();
        let answer = self.request(REQUEST, sys::XS_IS_DOMAIN_INTRODUCED, &path, &[&path])?;
        match wire::words(&answer).next().as_deref() {
            Some("T") => Ok(true),
            Some("F") => Ok(false),
            other => {
                let answer = other.unwrap_or_default().escape_default().to_string();
                Err(StoreError::Answer { request: REQUEST, path, answer, expected: "T or F" })
            }
        }
    }

    /// Watches `path` and all below it; events carry `token`. One comes at once. `@releaseDomain` and
    /// `@introduceDomain` watch domains end and begin.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn watch(&mut self, path: &str, token: &str) -> Result<(), StoreError> {
        self.request("watch", sys::XS_WATCH, path, &[path, token]).map(drop)
    }

    /// The next event of a watch, or `None` if none comes within `timeout`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<WatchEvent>, StoreError> {
        let mut wait = Wait::new(timeout);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.message(&mut wait)? {
                Some(message) => self.keep_event(&message),
                None => return Ok(None),
            }
        }
    }

    fn request(
        &mut self,
        request: &'static str,
        kind: u32,
        path: &str,
        words: &[&str],
    ) -> Result<Vec<u8>, StoreError> {
        self.next_id = self.next_id.wrapping_add(1);
        let id = self.next_id;
        self.send(&wire::encode(kind, id, words)?)?;
        let mut wait = Wait::new(self.patience);
        while let Some(message) = self.message(&mut wait)? {
            if message.id != id || message.kind == sys::XS_WATCH_EVENT {
                // Also answers to requests that were given up: nobody waits for them.
                self.keep_event(&message);
            } else if message.kind == sys::XS_ERROR {
                return Err(StoreError::Refused {
                    request,
                    path: path.to_owned(),
                    errno: wire::errno(&message.payload),
                });
            } else if message.kind == kind {
                return Ok(message.payload);
            }
        }
        Err(StoreError::Timeout { request, path: path.to_owned(), seconds: self.patience.as_secs() })
    }

    fn send(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let sent =
                retry(|| self.driver.send(bytes)).map_err(XenError::of_call("writing /dev/xen/xenbus"))?;
            // A device that takes nothing would be asked for ever.
            bytes = bytes.get(sent..).filter(|_| sent > 0).ok_or(StoreError::Closed)?;
        }
        Ok(())
    }

    /// The next message, or `None` if it is not whole at the end of `wait`.
    fn message(&mut self, wait: &mut Wait) -> Result<Option<Message>, StoreError> {
        let fail = || XenError::of_call("reading /dev/xen/xenbus");
        loop {
            if let Some((message, used)) = wire::decode(&self.received)? {
                self.received.drain(..used);
                return Ok(Some(message));
            }
            let Some(left) = wait.left() else { return Ok(None) };
            match self.driver.wait(left) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(Errno(libc::EINTR)) if left.is_zero() => return Ok(None),
                Err(Errno(libc::EINTR)) => continue,
                Err(error) => return Err(fail()(error).into()),
            }
            let mut bytes = [0; wire::PAYLOAD_MAX];
            let count = retry(|| self.driver.receive(&mut bytes)).map_err(fail())?;
            let some = bytes.get(..count).filter(|some| !some.is_empty()).ok_or(StoreError::Closed)?;
            self.received.extend_from_slice(some);
        }
    }

    fn keep_event(&mut self, message: &Message) {
        if message.kind != sys::XS_WATCH_EVENT || self.events.len() >= EVENTS_MAX {
            return;
        }
        let mut words = wire::words(&message.payload);
        if let (Some(path), Some(token)) = (words.next(), words.next()) {
            self.events.push_back(WatchEvent { path, token });
        }
    }
}

/// How long to wait for something, however much else comes meanwhile: a guest can write what is watched all the time,
/// so that there always is something to read.
struct Wait {
    deadline: Instant,
    /// How often there may still be read when the time is over.
    late_reads: u32,
}

impl Wait {
    fn new(timeout: Duration) -> Self {
        // Enough for the longest message, in the pieces that the kernel hands out.
        Self { deadline: Instant::now() + timeout, late_reads: 4 }
    }

    /// The time that is left, which can be none: then there is only read what has come. `None` at the end.
    fn left(&mut self) -> Option<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.late_reads = self.late_reads.checked_sub(1)?;
        }
        Some(left)
    }
}

fn missing_is_none(answer: Result<Vec<u8>, StoreError>) -> Result<Option<Vec<u8>>, StoreError> {
    match answer {
        Ok(payload) => Ok(Some(payload)),
        Err(StoreError::Refused { errno: libc::ENOENT, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::mock::MockStore;
    use super::{EVENTS_MAX, StoreError, WatchEvent, Xenstore};
    use crate::error::{Diagnose, ErrorKind};

    fn store(nodes: &[(&str, &str)]) -> (Xenstore, MockStore) {
        let mock = MockStore::new(nodes);
        (Xenstore::new(Box::new(mock.clone()), Duration::from_millis(20)), mock)
    }

    #[test]
    fn nodes_are_read_and_listed_in_any_pieces() {
        for piece in [1, 2, 15, 16, 17, 4096] {
            let (mut store, mock) = store(&[("/a/b", "one"), ("/a/c", "")]);
            mock.set(|state| state.piece = piece);
            assert_eq!(store.read("/a/b").unwrap().unwrap(), b"one");
            assert_eq!(store.read("/a/c").unwrap().unwrap(), b"");
            assert_eq!(store.read("/a/d").unwrap(), None);
            assert_eq!(store.directory("/a").unwrap().unwrap(), ["b", "c"]);
            assert_eq!(store.directory("/x").unwrap(), None);
        }
    }

    #[test]
    fn events_wait_for_who_asks_and_do_not_pile_up() {
        let (mut store, mock) = store(&[("/a", "1")]);
        store.watch("@releaseDomain", "gone").unwrap();
        let event = WatchEvent { path: "@releaseDomain".into(), token: "gone".into() };
        for _ in 0..2 * EVENTS_MAX {
            mock.event("@releaseDomain\0gone\0");
        }
        mock.event("no-token");
        assert_eq!(store.read("/a").unwrap().unwrap(), b"1", "events come in between");
        let mut seen = 0;
        while let Some(next) = store.next_event(Duration::ZERO).unwrap() {
            assert_eq!(next, event);
            seen += 1;
        }
        assert_eq!(seen, EVENTS_MAX);
    }

    #[test]
    fn refusals_silence_and_ends_are_errors() {
        let (mut store, mock) = store(&[("/a", "1")]);
        mock.set(|state| state.answer = Some((16, b"EACCES\0".to_vec())));
        let error = store.read("/a").unwrap_err();
        assert!(matches!(error, StoreError::Refused { errno: libc::EACCES, .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Permission);
        mock.set(|state| (state.answer, state.silent) = (None, true));
        assert!(matches!(store.read("/a"), Err(StoreError::Timeout { .. })));
        mock.set(|state| state.silent = false);
        assert_eq!(store.read("/a").unwrap().unwrap(), b"1", "a late answer is not taken for another's");
        mock.set(|state| state.closed = true);
        assert!(matches!(store.read("/a"), Err(StoreError::Closed)));
    }

    #[test]
    fn errors_of_the_device_come_out_with_their_number() {
        let (mut store, mock) = store(&[("/a", "1")]);
        for errno in 1..=133 {
            mock.set(|state| state.fail = Some(errno));
            assert!(
                matches!(store.read("/a"), Err(StoreError::Device(error)) if error.errno() == Some(errno))
            );
        }
        assert!(matches!(store.read("/a\0b"), Err(StoreError::Wire(_))));
    }

    #[test]
    fn a_watch_flood_ends_no_wait_late_and_takes_no_memory() {
        let (mut store, mock) = store(&[("/a", "1")]);
        store.watch("/a", "t").unwrap();
        mock.set(|state| state.flood = Some(b"/a\0t\0".to_vec()));
        assert_eq!(store.read("/a").unwrap().unwrap(), b"1", "the answer is found in it");
        mock.set(|state| state.silent = true);
        let start = std::time::Instant::now();
        assert!(matches!(store.read("/a"), Err(StoreError::Timeout { .. })));
        assert!(store.next_event(Duration::ZERO).unwrap().is_some());
        // Events that are none: whoever waits for one is told in time that none came.
        mock.set(|state| state.flood = Some(b"no-token".to_vec()));
        while store.next_event(Duration::ZERO).unwrap().is_some() {}
        assert_eq!(store.next_event(Duration::from_millis(20)).unwrap(), None);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert!(store.received.len() < 2 * 4096 + 16 && store.events.len() <= EVENTS_MAX);
    }

    #[test]
    fn a_daemon_that_dies_anywhere_in_an_answer_is_an_end_and_no_answer() {
        let whole = 16 + 3;
        for bytes in 0..=whole {
            let (mut store, mock) = store(&[("/a", "one")]);
            mock.set(|state| state.dies_after = Some(bytes));
            match store.read("/a") {
                Ok(value) => assert_eq!((bytes, value.as_deref()), (whole, Some(&b"one"[..]))),
                Err(error) => {
                    assert!(bytes < whole && matches!(error, StoreError::Closed), "{bytes}: {error}");
                    assert!(error.hint().unwrap().contains("xenstored"));
                }
            }
            assert!(matches!(store.read("/a"), Err(StoreError::Closed)), "and it stays dead");
        }
    }

    #[test]
    fn waits_that_are_interrupted_all_the_time_still_end() {
        let (mut store, mock) = store(&[("/a", "1")]);
        mock.set(|state| (state.silent, state.fail_wait) = (true, Some(libc::EINTR)));
        assert!(matches!(store.read("/a"), Err(StoreError::Timeout { .. })));
        assert_eq!(store.next_event(Duration::from_millis(5)).unwrap(), None);
        for errno in (1..=133).filter(|errno| *errno != libc::EINTR) {
            mock.set(|state| state.fail_wait = Some(errno));
            let error = store.next_event(Duration::ZERO).unwrap_err();
            assert!(matches!(&error, StoreError::Device(error) if error.errno() == Some(errno)));
            assert!(error.to_string().contains("/dev/xen/xenbus") && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn answers_of_another_kind_or_length_are_not_believed() {
        let (mut store, mock) = store(&[("/a", "1")]);
        mock.set(|state| state.answer = Some((1, b"no".to_vec())));
        assert!(matches!(store.read("/a"), Err(StoreError::Timeout { .. })));
        mock.raw(&[0xff; 64]);
        assert!(matches!(store.read("/a"), Err(StoreError::Wire(_))));
    }
}
