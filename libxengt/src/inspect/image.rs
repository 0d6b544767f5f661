//! Binary files of debugfs, read by copies.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::InspectError;
use crate::addr::DomId;
use crate::node::NodeError;

/// An open binary file.
#[derive(Debug)]
pub(super) struct Image {
    file: File,
    path: PathBuf,
}

impl Image {
    /// Opens `path`; `what` and `domid` go into the message if the kernel does not have it.
    pub(super) fn open(path: &Path, what: &'static str, domid: DomId) -> Result<Self, InspectError> {
        match File::open(path) {
            Ok(file) => Ok(Self { file, path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(InspectError::NotShown { domid, what, path: path.to_owned() })
            }
            Err(error) => Err(NodeError::new(path, error).into()),
        }
    }

    /// The file's length, which must be at least `expected` bytes.
    pub(super) fn at_least(&self, expected: u64) -> Result<u64, InspectError> {
        let found = self.file.metadata().map_err(|e| NodeError::new(&self.path, e))?.len();
        if found >= expected {
            Ok(found)
        } else {
            Err(InspectError::Truncated { path: self.path.clone(), found, expected })
        }
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
