//! Messages over the socket, with the files that come along.
#![forbid(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use super::error::ProtocolError;
use super::protocol::{HEADER, Header, MAX_FILES};

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    /// Its header.
    pub(crate) header: Header,
    /// What follows the header.
    pub(crate) body: Vec<u8>,
    /// The files that came with it.
    pub(crate) files: Vec<OwnedFd>,
}

/// Waits for the next request; `None` when the client is gone.
///
/// # Errors
/// [`ProtocolError`] if the client breaks off inside a message or sends what is none.
pub(crate) fn receive(socket: &UnixStream) -> Result<Option<Request>, ProtocolError> {
    let mut header = [0; HEADER];
    let mut files = Vec::new();
    let mut got = 0;
    while let Some(rest) = header.get_mut(got..).filter(|rest| !rest.is_empty()) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received =
            rustix::net::recvmsg(socket, &mut [IoSliceMut::new(rest)], &mut control, RecvFlags::CMSG_CLOEXEC);
        let bytes = match received {
            Err(rustix::io::Errno::INTR) => continue,
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            other => other.map_err(io::Error::from)?.bytes,
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                files.extend(fds);
            }
        }
        match (bytes, got) {
            (0, 0) => return Ok(None),
            (0, _) => return Err(ProtocolError::Short),
            _ => got += bytes,
        }
    }
    let header = Header::parse(&header)?;
    // The length was checked: it is bounded whatever the client claims.
    let mut body = vec![0; header.body];
    (&mut &*socket).read_exact(&mut body)?;
    Ok(Some(Request { header, body, files }))
}

/// Sends an answer, and a file with it where one is due.
///
/// # Errors
/// What the socket answers.
pub(crate) fn send(socket: &UnixStream, message: &[u8], file: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let Some(file) = file else { return (&mut &*socket).write_all(message) };
    let files = [file];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::Error::other("no room for the file"));
    }
    let sent = rustix::net::sendmsg(socket, &[IoSlice::new(message)], &mut control, SendFlags::NOSIGNAL)?;
    // The file went with the first byte; the rest is plain.
    (&mut &*socket).write_all(message.get(sent..).unwrap_or_default())
}
