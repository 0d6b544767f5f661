//! The model as its users see it: a driver's rings and contexts, and a vfio-user client.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests with their helpers, and nothing else")]

mod aperture;
mod client;
mod commands;
mod execlists;
mod hostile;
mod machine;
mod protocol;
mod server;
