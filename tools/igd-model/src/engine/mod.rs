//! The engines: execution lists, contexts and the command streamer.
#![forbid(unsafe_code)]

mod blitter;
mod command;
mod context;
mod execlist;
pub(crate) mod history;
mod id;
pub(crate) mod interrupt;
mod space;
pub(crate) mod state;
mod stream;

pub use id::EngineId;

use space::Space;

/// What became of the running context after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It goes on.
    Next,
    /// Its ring is empty.
    Complete,
    /// It waits for memory to change.
    Wait,
    /// It hangs.
    Halt,
}

/// What comes after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The command that many words on.
    Next(u32),
    /// Elsewhere: the command has set the place.
    Jumped,
    /// The same command again, as there is more to do.
    Repeat,
    /// The same command again, once memory may have changed.
    Wait,
}

/// Why a command cannot be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// An address that maps nothing.
    Fault {
        /// Whose address.
        space: Space,
        /// The address.
        address: u64,
    },
    /// No such command.
    BadCommand {
        /// Its first word.
        header: u32,
    },
}
