//! What can be wrong with the host's GPU, as far as PCI shows it.

use std::borrow::Cow;
use std::path::PathBuf;

use super::ConfigError;
use crate::error::{Diagnose, ErrorKind};
use crate::node::NodeError;

/// No usable GPU was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// The list of PCI devices cannot be read.
    #[error("cannot list the PCI devices in {}: {source}", path.display())]
    List {
        /// The directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There is no Intel display controller.
    #[error("no Intel GPU among the {seen} PCI devices in {}", path.display())]
    None {
        /// The directory that was searched.
        path: PathBuf,
        /// How many devices were looked at.
        seen: usize,
    },
    /// The GPU's configuration space is cut off.
    #[error("{}: {source}", path.display())]
    Config {
        /// The `config` file.
        path: PathBuf,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// One of the GPU's files could not be read or made no sense.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The GPU has no such BAR.
    #[error("{}: BAR {bar} is not assigned", path.display())]
    NoBar {
        /// The `resource` file.
        path: PathBuf,
        /// The BAR's number.
        bar: usize,
    },
}

impl Diagnose for GpuError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::List { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorKind::Unsupported
            }
            Self::List { source, .. } => ErrorKind::of_io(source),
            Self::None { .. } | Self::NoBar { .. } => ErrorKind::Unsupported,
            Self::Config { .. } => ErrorKind::Failed,
            Self::Node(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::None { .. } => {
                "GVT-g needs an Intel GPU of Broadwell to Comet Lake that dom0 owns; try `--sim` for a simulated one".into()
            }
            Self::NoBar { .. } => "the firmware gave the GPU no memory window: look at its PCI settings".into(),
            Self::Node(error) => return error.hint(),
            Self::List { .. } | Self::Config { .. } => "is this directory the root of a Linux system?".into(),
        })
    }
}
