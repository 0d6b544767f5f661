//! The command line.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use igd_model::control;
use igd_model::device::Device;
use igd_model::server::{Options, Server, ServerError};

/// A functional model of a Kaby Lake GT2 GPU, served to QEMU over vfio-user
#[derive(Debug, Parser)]
#[command(name = "igd-model", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the device to one client, and end when it goes
    Serve {
        /// Where QEMU's vfio-user-pci connects
        #[arg(long)]
        socket: PathBuf,
        /// Where `screenshot` and `ask` connect
        #[arg(long)]
        control: Option<PathBuf>,
        /// Give up if no client has come within that many seconds
        #[arg(long, value_name = "SECONDS")]
        wait: Option<u64>,
        /// Serve the next client when one has gone, with a device as new
        #[arg(long)]
        keep: bool,
        /// Let the client map the global GTT: reads of it are fast then, and all other accesses slow
        #[arg(long)]
        map_gtt: bool,
    },
    /// Write what the pipe scans out as PNG
    Screenshot {
        /// The server's control socket
        #[arg(long)]
        control: PathBuf,
        /// The file to write
        output: PathBuf,
    },
    /// Ask a running server: unknown, engines, contexts [ADDRESS], fences, ggtt [ADDRESS], ppgtt ROOT, plant ADDRESS ENTRY
    Ask {
        /// The server's control socket
        #[arg(long)]
        control: PathBuf,
        /// The request
        #[arg(required = true)]
        request: Vec<String>,
    },
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("cannot make the device: {0}")]
    Device(io::Error),
    #[error("cannot ask the server at {}: {source}", path.display())]
    Ask { path: PathBuf, source: io::Error },
    #[error("the server answers: {0}")]
    Refused(String),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Runs the command line; messages go to standard error, `RUST_LOG` says which.
pub(crate) fn run() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match execute(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve { socket, control, wait, keep, map_gtt } => {
            let mut device = Device::new().map_err(Failure::Device)?.with_mapped_gtt(map_gtt);
            let server =
                Server::bind(Options { socket, control, wait: wait.map(Duration::from_secs), keep })?;
            server.run(&mut device)?;
            log::info!("the client is gone");
            Ok(())
        }
        Command::Screenshot { control, output } => {
            let picture = ask(&control, "screenshot")?;
            std::fs::write(&output, picture).map_err(|source| Failure::Write { path: output, source })
        }
        Command::Ask { control, request } => {
            let answer = ask(&control, &request.join(" "))?;
            let written = io::stdout().write_all(&answer);
            written.map_err(|source| Failure::Write { path: "standard output".into(), source })
        }
    }
}

fn ask(path: &Path, request: &str) -> Result<Vec<u8>, Failure> {
    let exchange = || {
        let mut socket = UnixStream::connect(path)?;
        socket.write_all(request.as_bytes())?;
        socket.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|source| Failure::Ask { path: path.to_owned(), source })?;
    match answer.strip_prefix(control::ERROR.as_bytes()) {
        Some(error) => Err(Failure::Refused(String::from_utf8_lossy(error).trim_end().to_owned())),
        None => Ok(answer),
    }
}
