//! Binary files of debugfs, read by copies.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::InspectError;
use crate::addr::DomId;
use crate::node::{self, NodeError};

/// An open binary file.
#[derive(Debug)]
pub(super) struct Image {
    file: File,
    path: PathBuf,
}

impl Image {
    /// Opens `path`; `what` and `domid` go into the message if the kernel does not have it.
    pub(super) fn open(path: &Path, what: &'static str, domid: DomId) -> Result<Self, InspectError> {
        let is_dir = |file: &File| file.metadata().is_ok_and(|meta| meta.is_dir());
        match node::open(path) {
            Ok(file) if is_dir(&file) => {
                Err(NodeError::new(path, io::Error::from(io::ErrorKind::IsADirectory)).into())
            }
            Ok(file) => Ok(Self { file, path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(InspectError::NotShown { domid, what, path: path.to_owned() })
            }
            Err(error) => Err(NodeError::new(path, error).into()),
        }
    }

    /// The file's length up to `most`, which must be at least `expected` bytes.
    pub(super) fn len_between(&self, expected: u64, most: u64) -> Result<u64, InspectError> {
        let found = match self.file.metadata().map_err(|e| NodeError::new(&self.path, e))?.len() {
            // Files of debugfs and procfs say 0 whatever they hold.
            0 => self.probe(most),
            len => len.min(most),
        };
        if found >= expected {
            Ok(found)
        } else {
            Err(InspectError::Truncated { path: self.path.clone(), found, expected })
        }
    }

    /// How many bytes up to `most` can be read, found by halving.
    fn probe(&self, most: u64) -> u64 {
        let (mut readable, mut end) = (0, most);
        while readable < end {
            let middle = readable + (end - readable) / 2;
            match self.file.read_at(&mut [0], middle) {
                Ok(1) => readable = middle + 1,
                _ => end = middle,
            }
        }
        readable
    }

    /// Fills `out` from `offset` on.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    /// The error of a failed [`Self::read`].
    pub(super) fn error(&self, error: io::Error) -> InspectError {
        NodeError::new(&self.path, error).into()
    }
}
