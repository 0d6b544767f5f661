//! A vfio-user client, and a server in a thread for it.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use igd_model::device::Device;
use igd_model::server::{Options, Server, ServerError};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

/// A server and where it listens.
pub(crate) struct Served {
    pub(crate) socket: PathBuf,
    pub(crate) control: PathBuf,
    thread: JoinHandle<Result<(), ServerError>>,
    _directory: tempfile::TempDir,
}

/// Starts a server; `keep` as in its options.
pub(crate) fn serve(keep: bool) -> Served {
    serve_device(keep, || Device::new().unwrap())
}

/// Starts a server of a device of one's own making.
pub(crate) fn serve_device(keep: bool, make: impl FnOnce() -> Device + Send + 'static) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let (socket, control) = (directory.path().join("gpu"), directory.path().join("control"));
    let wait = Some(Duration::from_secs(20));
    let options = Options { socket: socket.clone(), control: Some(control.clone()), wait, keep };
    let server = Server::bind(options).unwrap();
    let thread = std::thread::spawn(move || server.run(&mut make()));
    Served { socket, control, thread, _directory: directory }
}

impl Served {
    /// What the server ended with.
    pub(crate) fn end(self) -> Result<(), ServerError> {
        self.thread.join().unwrap()
    }
}

/// An answer: its error, and what follows the header.
pub(crate) type Reply = (u32, Vec<u8>);

pub(crate) struct Client {
    pub(crate) socket: UnixStream,
}

impl Client {
    /// Connects without a word.
    pub(crate) fn connect(served: &Served) -> Self {
        let socket = UnixStream::connect(&served.socket).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { socket }
    }

    /// Connects and shakes hands.
    pub(crate) fn ready(served: &Served) -> Self {
        let mut client = Self::connect(served);
        let (error, reply) =
            client.ask(1, &version(b"{\"capabilities\":{\"max_msg_fds\":8}}\0"), &[]).unwrap();
        assert_eq!(error, 0);
        assert_eq!(reply[..4], [0; 4]);
        assert_eq!(reply.last(), Some(&0));
        client
    }

    pub(crate) fn send(&mut self, bytes: &[u8], files: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(files)));
        }
        let sent =
            rustix::net::sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL);
        // A server that has cut us off is seen when its answer is read.
        if sent.is_ok_and(|sent| sent < bytes.len()) {
            panic!("a short write");
        }
    }

    /// The next answer; `None` if the server has closed the connection.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let mut header = [0; 16];
        self.socket.read_exact(&mut header).ok()?;
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        assert_eq!(word(8) & 0xf, 1, "a reply");
        assert_eq!(word(8) & 0x20 != 0, word(12) != 0);
        let mut body = vec![0; usize::try_from(word(4)).unwrap() - 16];
        self.socket.read_exact(&mut body).ok()?;
        Some((word(12), body))
    }

    /// Sends a command and takes the answer.
    pub(crate) fn ask(&mut self, command: u16, body: &[u8], files: &[BorrowedFd<'_>]) -> Option<Reply> {
        self.send(&message(command, 0, body), files);
        self.reply()
    }

    pub(crate) fn map(&mut self, iova: u64, size: u64, file: &impl AsFd) -> u32 {
        let mut body = words(&[32, 3]);
        body.extend([0, iova, size].iter().flat_map(|word: &u64| word.to_le_bytes()));
        self.ask(2, &body, &[file.as_fd()]).unwrap().0
    }

    pub(crate) fn read(&mut self, region: u32, offset: u64, count: u32) -> Vec<u8> {
        let (error, body) = self.ask(9, &access(region, offset, count), &[]).unwrap();
        assert_eq!(error, 0);
        body[16..].to_vec()
    }

    pub(crate) fn write(&mut self, region: u32, offset: u64, data: &[u8]) {
        let mut body = access(region, offset, u32::try_from(data.len()).unwrap());
        body.extend(data);
        assert_eq!(self.ask(10, &body, &[]).unwrap().0, 0);
    }

    pub(crate) fn connect_msi(&mut self, file: &OwnedFd) {
        assert_eq!(self.ask(8, &words(&[20, 0x24, 1, 0, 1]), &[file.as_fd()]).unwrap().0, 0);
    }
}

/// One request on a control socket.
pub(crate) fn control(served: &Served, request: &str) -> Vec<u8> {
    let mut socket = UnixStream::connect(&served.control).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    answer
}

pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(crate) fn version(capabilities: &[u8]) -> Vec<u8> {
    [&[0; 4], capabilities].concat()
}

pub(crate) fn access(region: u32, offset: u64, count: u32) -> Vec<u8> {
    [&offset.to_le_bytes()[..], &words(&[region, count])].concat()
}

pub(crate) fn message(command: u16, flags: u32, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(16 + body.len()).unwrap();
    let mut bytes = vec![7, 0];
    bytes.extend(command.to_le_bytes());
    bytes.extend(words(&[size, flags, 0]));
    bytes.extend(body);
    bytes
}
