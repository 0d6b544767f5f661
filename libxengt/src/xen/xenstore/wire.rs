//! Messages of xenstore: a header of four words, then at most 4096 bytes. Source: xen/include/public/io/xs_wire.h.
//!
//! Replies come from a daemon that other domains talk to as well: nothing in them is believed.
#![forbid(unsafe_code)]

use libxengt_sys as sys;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most bytes that a message carries.
pub const PAYLOAD_MAX: usize = 4096;
const _: () = assert!(PAYLOAD_MAX == 1 << sys::XENSTORE_PAYLOAD_MAX.trailing_zeros());

/// The longest absolute path, in bytes.
pub const PATH_MAX: usize = 3072;

/// What precedes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    kind: U32,
    id: U32,
    transaction: U32,
    len: U32,
}

const _: () = assert!(size_of::<Header>() == size_of::<sys::xsd_sockmsg>());

/// A message that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is: `XS_READ`, `XS_ERROR` and so on.
    pub kind: u32,
    /// The request that it answers.
    pub id: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// It says to carry more than a message may.
    #[error("a message says to carry {len} bytes, at most {PAYLOAD_MAX} are allowed")]
    TooLong {
        /// What it says.
        len: u32,
    },
    /// A path or token cannot be sent: it is too long, or has a byte 0.
    #[error("{what} of {len} bytes cannot be sent: at most {PATH_MAX}, none of them 0")]
    Unsendable {
        /// What it is.
        what: &'static str,
        /// Its length.
        len: usize,
    },
}

impl Header {
    /// How many bytes follow.
    ///
    /// # Errors
    /// [`WireError::TooLong`] if they are more than allowed.
    pub fn payload_len(&self) -> Result<usize, WireError> {
        let len = self.len.get();
        usize::try_from(len).ok().filter(|len| *len <= PAYLOAD_MAX).ok_or(WireError::TooLong { len })
    }
}

/// The first message in `bytes` and how many bytes it is, or `None` while it is not whole.
///
/// # Errors
/// [`WireError::TooLong`]: what follows cannot be told apart any more.
pub fn decode(bytes: &[u8]) -> Result<Option<(Message, usize)>, WireError> {
    let Ok((header, rest)) = Header::read_from_prefix(bytes) else { return Ok(None) };
    let len = header.payload_len()?;
    let Some(payload) = rest.get(..len) else { return Ok(None) };
    let message = Message { kind: header.kind.get(), id: header.id.get(), payload: payload.to_vec() };
    Ok(Some((message, size_of::<Header>() + len)))
}

/// A request with `words`, each ended by a byte 0.
///
/// # Errors
/// [`WireError::Unsendable`].
pub fn encode(kind: u32, id: u32, words: &[&str]) -> Result<Vec<u8>, WireError> {
    let mut payload = Vec::new();
    for word in words {
        if word.len() > PATH_MAX || word.contains('\0') {
            return Err(WireError::Unsendable { what: "a path or token", len: word.len() });
        }
        payload.extend_from_slice(word.as_bytes());
        payload.push(0);
    }
    if payload.len() > PAYLOAD_MAX {
        return Err(WireError::Unsendable { what: "a request", len: payload.len() });
    }
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let header = Header { kind: kind.into(), id: id.into(), transaction: 0.into(), len: len.into() };
    Ok([header.as_bytes(), &payload].concat())
}

/// The words of a payload, each ended by a byte 0, what is not UTF-8 replaced. A last one may lack its end.
pub fn words(payload: &[u8]) -> impl Iterator<Item = String> {
    let ended = payload.strip_suffix(&[0]).unwrap_or(payload);
    let some = !ended.is_empty();
    some.then(|| ended.split(|byte| *byte == 0))
        .into_iter()
        .flatten()
        .map(|word| String::from_utf8_lossy(word).into_owned())
}

/// The error number that an `XS_ERROR` names, as the header lists them; `EIO` for a name that it does not.
#[must_use]
pub fn errno(payload: &[u8]) -> i32 {
    let name = payload.split(|byte| *byte == 0).next().unwrap_or_default();
    match name {
        b"EINVAL" => libc::EINVAL,
        b"EACCES" => libc::EACCES,
        b"EEXIST" => libc::EEXIST,
        b"EISDIR" => libc::EISDIR,
        b"ENOENT" => libc::ENOENT,
        b"ENOMEM" => libc::ENOMEM,
        b"ENOSPC" => libc::ENOSPC,
        b"ENOTEMPTY" => libc::ENOTEMPTY,
        b"ENOSYS" => libc::ENOSYS,
        b"EROFS" => libc::EROFS,
        b"EBUSY" => libc::EBUSY,
        b"EAGAIN" => libc::EAGAIN,
        b"EISCONN" => libc::EISCONN,
        b"E2BIG" => libc::E2BIG,
        b"EPERM" => libc::EPERM,
        _ => libc::EIO,
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, PATH_MAX, PAYLOAD_MAX, WireError, decode, encode, errno, words};

    #[test]
    fn messages_come_back_whole_from_any_piece_of_the_stream() {
        let bytes = encode(2, 77, &["/local/domain/7/name"]).unwrap();
        assert_eq!(bytes[..16], [2, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0]);
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), Ok(None), "{len}");
        }
        let stream = [&bytes[..], &bytes[..20]].concat();
        let (message, used) = decode(&stream).unwrap().unwrap();
        let payload = b"/local/domain/7/name\0".to_vec();
        assert_eq!((message, used), (Message { kind: 2, id: 77, payload }, bytes.len()));
    }

    #[test]
    fn lengths_that_lie_are_refused_before_anything_is_kept() {
        for len in [PAYLOAD_MAX as u64 + 1, 1 << 31, u64::from(u32::MAX)] {
            let len = u32::try_from(len).unwrap();
            let header = [&[0; 12], &len.to_le_bytes()[..]].concat();
            assert_eq!(decode(&header), Err(WireError::TooLong { len }));
        }
        let whole = [&[0; 12][..], &4096_u32.to_le_bytes(), &[1; 4096]].concat();
        assert_eq!(decode(&whole).unwrap().unwrap().1, whole.len());
    }

    #[test]
    fn what_cannot_be_sent_is_not() {
        for bad in ["a\0b".to_owned(), "x".repeat(PATH_MAX + 1)] {
            assert!(matches!(encode(2, 0, &[&bad]), Err(WireError::Unsendable { .. })));
        }
        let long = "x".repeat(PATH_MAX);
        assert!(encode(2, 0, &[&long]).is_ok());
        assert!(encode(2, 0, &[&long, &long]).is_err());
    }

    #[test]
    fn words_are_split_and_never_invented() {
        let list = |payload: &[u8]| words(payload).collect::<Vec<_>>();
        assert_eq!(list(b""), [""; 0]);
        assert_eq!(list(b"\0"), [""; 0]);
        assert_eq!(list(b"0\x007\0"), ["0", "7"]);
        assert_eq!(list(b"0\x007"), ["0", "7"]);
        assert_eq!(list(b"\xff\0"), ["\u{fffd}"]);
        assert_eq!((errno(b"ENOENT\0"), errno(b"ENOENT"), errno(b"WAT\0")), (2, 2, 5));
    }
}
