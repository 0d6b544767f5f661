//! The sockets and the loop: clients' messages, engines that wait, frames that end, and requests of our own
//! command.
#![forbid(unsafe_code)]

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::error::ProtocolError;
use super::session::Session;
use crate::control;
use crate::device::Device;

/// How long a client of the control socket may take for one request.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(2);

/// What a server is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the vfio-user client connects.
    pub socket: PathBuf,
    /// Where `igd-model screenshot` and the like connect.
    pub control: Option<PathBuf>,
    /// Give up if no client has come within that time.
    pub wait: Option<Duration>,
    /// Serve the next client when one has gone, with a device as new.
    pub keep: bool,
}

/// A server that cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No client came in time.
    #[error("no client connected to {} within {} s", path.display(), waited.as_secs())]
    NoClient {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The client broke the protocol.
    #[error("the client was cut off: {0}")]
    Client(#[from] ProtocolError),
    /// There is no memory for the next client's device.
    #[error("cannot make a new global GTT: {0}")]
    Renew(io::Error),
    /// The system failed.
    #[error("cannot wait for clients: {0}")]
    Wait(#[from] io::Error),
}

/// The sockets, listening; they are removed on drop.
#[derive(Debug)]
pub struct Server {
    options: Options,
    clients: UnixListener,
    control: Option<UnixListener>,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`ServerError::Listen`], also if another server listens there already.
    pub fn bind(options: Options) -> Result<Self, ServerError> {
        let listen =
            |path: &Path| bind(path).map_err(|source| ServerError::Listen { path: path.to_owned(), source });
        let clients = listen(&options.socket)?;
        let control = options.control.as_deref().map(listen).transpose()?;
        Ok(Self { options, clients, control })
    }

    /// Serves until the client is gone, or for ever if the options say so.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn run(&self, device: &mut Device) -> Result<(), ServerError> {
        loop {
            let session = self.accept(device)?;
            let ended = self.serve(session, device);
            device.disconnect().map_err(ServerError::Renew)?;
            match ended {
                Err(error) if self.options.keep => log::error!("{error}"),
                Ok(()) if self.options.keep => log::info!("the client is gone, waiting for the next"),
                other => return other,
            }
        }
    }

    fn accept(&self, device: &mut Device) -> Result<Session, ServerError> {
        let start = Instant::now();
        loop {
            let left = self.options.wait.map(|wait| wait.saturating_sub(start.elapsed()));
            if let Some(waited) = self.options.wait.filter(|_| left == Some(Duration::ZERO)) {
                return Err(ServerError::NoClient { path: self.options.socket.clone(), waited });
            }
            let mut polled = vec![PollFd::new(&self.clients, PollFlags::IN)];
            polled.extend(self.control.iter().map(|control| PollFd::new(control, PollFlags::IN)));
            wait(&mut polled, left)?;
            let ready: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
            if ready.get(1) == Some(&true) {
                self.answer_control(device);
            }
            if ready.first() == Some(&true) {
                let (socket, _) = self.clients.accept()?;
                log::info!("a client connected");
                return Ok(Session::new(socket));
            }
        }
    }

    fn serve(&self, mut session: Session, device: &mut Device) -> Result<(), ServerError> {
        loop {
            let timeout = device.tick();
            let (client, control) = {
                let mut polled = vec![PollFd::new(session.socket(), PollFlags::IN)];
                polled.extend(self.control.iter().map(|control| PollFd::new(control, PollFlags::IN)));
                wait(&mut polled, timeout)?;
                let ready = |at: usize| polled.get(at).is_some_and(|fd| !fd.revents().is_empty());
                (ready(0), ready(1))
            };
            if control {
                self.answer_control(device);
            }
            if client && !session.serve(device)? {
                return Ok(());
            }
        }
    }

    /// A request on the control socket is one short line; one that fails is that client's trouble only.
    fn answer_control(&self, device: &mut Device) {
        let Some(listener) = &self.control else { return };
        let answered = listener.accept().and_then(|(socket, _)| {
            socket.set_read_timeout(Some(CONTROL_TIMEOUT))?;
            socket.set_write_timeout(Some(CONTROL_TIMEOUT))?;
            control::answer(&socket, device)
        });
        if let Err(error) = answered {
            log::warn!("a request on the control socket failed: {error}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for path in [Some(&self.options.socket), self.options.control.as_ref()].into_iter().flatten() {
            // Somebody may have removed it before.
            let _gone = std::fs::remove_file(path);
        }
    }
}

/// Listens at `path`; a socket that a dead server left there is replaced.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            if !is_socket || is_served(path) {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }
}

/// Whether somebody listens there. A socket of another type is never let in, so a server does not notice.
fn is_served(path: &Path) -> bool {
    let refused = UnixDatagram::unbound().and_then(|socket| socket.connect(path)).err();
    refused.is_none_or(|error| error.kind() != io::ErrorKind::ConnectionRefused)
}

fn wait(polled: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(polled, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
