//! Small text files of sysfs, read as what they are: somebody else's words.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Diagnose, ErrorKind};

/// The most a sysfs node can hold: the kernel gives a `show` one page.
pub const MAX_LEN: usize = 4096;

/// What is wrong with a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeProblem {
    /// It could not be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It holds nothing.
    #[error("it is empty, expected {expected}")]
    Empty {
        /// What belongs there.
        expected: &'static str,
    },
    /// It holds more than a page.
    #[error("it holds more than {MAX_LEN} bytes, expected {expected}")]
    TooLong {
        /// What belongs there.
        expected: &'static str,
    },
    /// It holds something else than it should.
    #[error("it says {found:?}, expected {expected}")]
    Garbage {
        /// The start of what it holds, at most 64 characters.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
}

/// A node that did not give what it should.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct NodeError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: NodeProblem,
}

impl NodeError {
    /// An error about `path`.
    pub fn new(path: &Path, problem: impl Into<NodeProblem>) -> Self {
        Self { path: path.to_owned(), problem: problem.into() }
    }

    /// An error that quotes at most 64 characters of what was found.
    #[must_use]
    pub fn garbage(path: &Path, found: &str, expected: &'static str) -> Self {
        let found = found.trim_end().chars().take(64).collect();
        Self::new(path, NodeProblem::Garbage { found, expected })
    }

    /// Whether the file is simply not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(&self.problem, NodeProblem::Io(e) if e.kind() == io::ErrorKind::NotFound)
    }
}

impl Diagnose for NodeError {
    fn kind(&self) -> ErrorKind {
        match &self.problem {
            NodeProblem::Io(error) => ErrorKind::of_io(error),
            _ => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self.kind() {
            ErrorKind::Permission => "run it as root in dom0".into(),
            ErrorKind::NotFound => "`vgtctl doctor` says which part of the host is missing".into(),
            _ => "`vgtctl doctor` checks the kernel module that serves this file".into(),
        })
    }
}

/// Opens `path` for reading without ever waiting: a FIFO in a hostile tree would else hold us forever.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// The text of `path` without its trailing newline, at most [`MAX_LEN`] bytes.
///
/// # Errors
/// [`NodeError`] if it cannot be read, is empty, too long or not UTF-8; `expected` goes into the message.
pub fn read_text(path: &Path, expected: &'static str) -> Result<String, NodeError> {
    // Room for all of it from the start: growing towards it costs a system call each time.
    let mut bytes = Vec::with_capacity(MAX_LEN + 1);
    open(path)
        .and_then(|file| file.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| NodeError::new(path, error))?;
    if bytes.len() > MAX_LEN {
        return Err(NodeError::new(path, NodeProblem::TooLong { expected }));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            return Err(NodeError::garbage(path, &String::from_utf8_lossy(error.as_bytes()), expected));
        }
    };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.is_empty() {
        return Err(NodeError::new(path, NodeProblem::Empty { expected }));
    }
    Ok(line.to_owned())
}

/// What `read` makes of a node that older kernels do not have; `None` where it is not there.
pub(crate) fn optional<T>(
    path: &Path,
    read: impl Fn(&Path) -> Result<T, NodeError>,
) -> Result<Option<T>, NodeError> {
    match read(path) {
        Err(error) if error.is_missing() => Ok(None),
        other => other.map(Some),
    }
}

/// The value that `path` holds, parsed.
///
/// # Errors
/// As [`read_text`], and if the text does not parse.
pub fn read_value<T: FromStr>(path: &Path, expected: &'static str) -> Result<T, NodeError> {
    let text = read_text(path, expected)?;
    // Rust's own number parsers take a plus sign; no kernel prints one.
    let parsed = if text.starts_with('+') { None } else { text.parse().ok() };
    parsed.ok_or_else(|| NodeError::garbage(path, &text, expected))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{NodeProblem, read_text, read_value};

    #[test]
    fn fifo_without_a_writer_is_empty_and_holds_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = read_text(&path, "a number").unwrap_err();
        assert!(matches!(error.problem, NodeProblem::Empty { .. }), "{error}");
    }

    #[test]
    fn every_kind_of_bad_node_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node");
        assert!(read_text(&path, "a number").unwrap_err().is_missing());
        for (content, is_right) in [
            (&b""[..], (|p| matches!(p, NodeProblem::Empty { .. })) as fn(&NodeProblem) -> bool),
            (b"\n", |p| matches!(p, NodeProblem::Empty { .. })),
            (b"\xff\xfe", |p| matches!(p, NodeProblem::Garbage { .. })),
            (b"five", |p| matches!(p, NodeProblem::Garbage { .. })),
            (b"-1", |p| matches!(p, NodeProblem::Garbage { .. })),
            (b"+1", |p| matches!(p, NodeProblem::Garbage { .. })),
            (b"1\0", |p| matches!(p, NodeProblem::Garbage { .. })),
            (&[b'1'; 5000], |p| matches!(p, NodeProblem::TooLong { .. })),
        ] {
            fs::write(&path, content).unwrap();
            let error = read_value::<u32>(&path, "a number").unwrap_err();
            assert!(is_right(&error.problem), "{content:?} gave {error}");
        }
        fs::write(&path, "12\n").unwrap();
        assert_eq!(read_value::<u32>(&path, "a number").unwrap(), 12);
    }
}
