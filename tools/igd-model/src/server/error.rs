//! What can go wrong between client and server.
#![forbid(unsafe_code)]

use std::io;

use crate::memory::MapError;

/// A client that does not keep to the protocol, or that is gone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The message's length is not that of any message.
    #[error("a message of {size} bytes is not possible")]
    Size {
        /// The length that the header claims, in bytes.
        size: u32,
    },
    /// The message is an answer, but nothing was asked.
    #[error("a message with flags {flags:#x} is no request")]
    NotARequest {
        /// The header's flags.
        flags: u32,
    },
    /// The message ends inside a field.
    #[error("the message ends inside a field")]
    Short,
    /// A field's value makes no sense.
    #[error("{field} cannot be {value:#x}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What the client sent.
        value: u64,
    },
    /// The version message is not JSON in a string that ends with a zero byte, or not of version 0.
    #[error("the client's version message is not understood: {0}")]
    Version(String),
    /// The first message must be the version message, and only the first.
    #[error("command {number} out of order: the version message comes first, once")]
    Order {
        /// The command's number.
        number: u16,
    },
    /// A command that is not served.
    #[error("command {number} is not served")]
    Unsupported {
        /// The command's number.
        number: u16,
    },
    /// A map that was refused.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The socket failed.
    #[error("the client's socket failed: {0}")]
    Io(#[from] io::Error),
}

impl ProtocolError {
    /// Whether the connection can go on: what a message says may be wrong, where it ends may not.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Size { .. }
                | Self::NotARequest { .. }
                | Self::Version(_)
                | Self::Order { .. }
                | Self::Io(_)
        )
    }

    /// The errno that the client is told.
    #[must_use]
    pub fn errno(&self) -> u32 {
        let errno = match self {
            Self::Unsupported { .. } => rustix::io::Errno::OPNOTSUPP,
            Self::Map(MapError::Overlap { .. }) => rustix::io::Errno::EXIST,
            Self::Map(MapError::TooMany) => rustix::io::Errno::NOSPC,
            _ => rustix::io::Errno::INVAL,
        };
        errno.raw_os_error().unsigned_abs()
    }
}
