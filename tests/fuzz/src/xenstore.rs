//! What a xenstore daemon could send, in any pieces: the client beside a reading of the whole stream at once.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::Duration;

use libxengt::xen::testing::replayed_xenstore;
use libxengt::xen::xenstore::wire::{self, PAYLOAD_MAX, WireError};
use libxengt::xen::xenstore::{StoreError, Xenstore};

use crate::input::Input;

// The numbers of xen/include/public/io/xs_wire.h.
const DIRECTORY: u32 = 1;
const READ: u32 = 2;
const WATCH: u32 = 4;
const WATCH_EVENT: u32 = 15;
const ERROR: u32 = 16;
const HEADER: usize = 16;

/// What a call came to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Value(Option<Vec<u8>>),
    List(Option<Vec<String>>),
    Watched,
    Event(Option<(String, String)>),
    Refused(i32),
    TooLong(u32),
    Closed,
}

/// Every answer is in what came, belongs to its request, and does not depend on the pieces it came in.
pub fn xenstore(data: &[u8]) {
    one_message(data);
    let mut input = Input::new(data);
    // Small pieces matter most: they end inside headers.
    let piece = match input.u8() {
        small @ ..200 => usize::from(small) + 1,
        large => usize::from(large - 199) * 73,
    };
    let requests: [u8; 6] = input.array();
    let stream = input.rest();
    let mut store = replayed_xenstore(stream.to_vec(), piece);
    let mut model = Model { stream, piece, taken: 0, received: 0, id: 0, events: VecDeque::new() };
    for request in requests {
        let (ours, expected) = match request % 4 {
            0 => (store.read("/a").map(Outcome::Value), model.request(READ)),
            1 => (store.directory("/a").map(Outcome::List), model.request(DIRECTORY)),
            2 => (store.watch("/a", "t").map(|()| Outcome::Watched), model.request(WATCH)),
            _ => {
                let event = store.next_event(Duration::ZERO);
                (
                    event.map(|event| Outcome::Event(event.map(|event| (event.path, event.token)))),
                    model.event(),
                )
            }
        };
        assert_eq!(ours.unwrap_or_else(|error| failed(&error)), expected, "in pieces of {piece}");
    }
    names(&mut store);
}

fn one_message(data: &[u8]) {
    let len = data.get(12..HEADER).map(|len| u32::from_le_bytes(len.try_into().expect("four bytes")));
    match (wire::decode(data), len) {
        (Err(WireError::TooLong { len: told }), Some(len)) => {
            assert!(told == len && usize::try_from(len).is_ok_and(|len| len > PAYLOAD_MAX));
        }
        (Ok(Some((message, used))), Some(_)) => {
            assert_eq!(Some(&message.payload[..]), data.get(HEADER..used));
            let words: usize = wire::words(&message.payload).map(|_| 1).sum();
            assert!(words <= message.payload.len());
        }
        (Ok(None), None) => {}
        (Ok(None), Some(len)) => assert!(data.len() - HEADER < usize::try_from(len).expect("fits")),
        (other, len) => panic!("{other:?} for a length of {len:?}"),
    }
}

fn failed(error: &StoreError) -> Outcome {
    match error {
        StoreError::Refused { errno, .. } => Outcome::Refused(*errno),
        StoreError::Wire(WireError::TooLong { len }) => Outcome::TooLong(*len),
        StoreError::Closed => Outcome::Closed,
        other => panic!("the stream gives no reason for {other}"),
    }
}

/// Domains are in order, and their names are fit to be printed.
fn names(store: &mut Xenstore) {
    let Ok(domains) = store.domains() else { return };
    assert!(domains.is_sorted_by(|a, b| a.domid < b.domid));
    for domain in domains {
        assert!(domain.name.chars().count() <= 256 && !domain.name.contains(char::is_control));
    }
}

/// A message's kind, id and payload.
type Message<'a> = (u32, u32, &'a [u8]);

/// The client, seen from the whole stream.
struct Model<'a> {
    stream: &'a [u8],
    piece: usize,
    /// How much of the stream was messages.
    taken: usize,
    /// How much of it has been read.
    received: usize,
    id: u32,
    events: VecDeque<(String, String)>,
}

impl<'a> Model<'a> {
    /// The next message, after at most `reads` reads; `None` if those did not bring it.
    fn message(&mut self, reads: &mut u32) -> Result<Option<Message<'a>>, Outcome> {
        loop {
            let left = &self.stream[self.taken..self.received];
            if left.len() >= HEADER {
                let word = |at: usize| u32::from_le_bytes(left[at..at + 4].try_into().expect("four bytes"));
                let len = usize::try_from(word(12)).expect("fits");
                if len > PAYLOAD_MAX {
                    return Err(Outcome::TooLong(word(12)));
                }
                if left.len() >= HEADER + len {
                    self.taken += HEADER + len;
                    return Ok(Some((word(0), word(4), &left[HEADER..HEADER + len])));
                }
            }
            if *reads == 0 {
                return Ok(None);
            }
            *reads -= 1;
            let more = self.piece.min(PAYLOAD_MAX).min(self.stream.len() - self.received);
            if more == 0 {
                return Err(Outcome::Closed);
            }
            self.received += more;
        }
    }

    fn request(&mut self, kind: u32) -> Outcome {
        self.id += 1;
        let mut reads = u32::MAX;
        loop {
            let (found, id, payload) = match self.message(&mut reads) {
                Ok(message) => message.expect("unlimited reads"),
                Err(end) => return end,
            };
            match found {
                WATCH_EVENT => self.keep(payload),
                ERROR if id == self.id => {
                    return match (kind, wire::errno(payload)) {
                        (READ, 2) => Outcome::Value(None),
                        (DIRECTORY, 2) => Outcome::List(None),
                        (_, errno) => Outcome::Refused(errno),
                    };
                }
                _ if found == kind && id == self.id => {
                    return match kind {
                        READ => Outcome::Value(Some(payload.to_vec())),
                        DIRECTORY => Outcome::List(Some(words(payload))),
                        _ => Outcome::Watched,
                    };
                }
                _ => {}
            }
        }
    }

    fn event(&mut self) -> Outcome {
        let mut reads = 4;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Outcome::Event(Some(event));
            }
            match self.message(&mut reads) {
                Ok(Some((WATCH_EVENT, _, payload))) => self.keep(payload),
                Ok(Some(_)) => {}
                Ok(None) => return Outcome::Event(None),
                Err(end) => return end,
            }
        }
    }

    fn keep(&mut self, payload: &[u8]) {
        if let ([path, token, ..], true) = (&words(payload)[..], self.events.len() < 64) {
            self.events.push_back((path.clone(), token.clone()));
        }
    }
}

fn words(payload: &[u8]) -> Vec<String> {
    let mut words: Vec<_> =
        payload.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    // What is behind the last end is a word only if there is something.
    if words.last().is_some_and(String::is_empty) {
        words.pop();
    }
    if words == [""] { Vec::new() } else { words }
}
