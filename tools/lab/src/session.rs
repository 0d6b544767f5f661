//! One run of the machine: its console is read until dom0 is done, the time is up, or the user stops it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::console::{Line, Lines};
use crate::error::{LabError, Result};
use crate::interrupt;
use crate::qemu::Machine;
use crate::transcript::Transcript;

const TICK: Duration = Duration::from_millis(200);

/// Time for the machine to power off after dom0 said that it is done.
const POWER_OFF: Duration = Duration::from_secs(60);

/// Boots the machine and reads it to its end. All that the console says goes to `log` and to `watch`.
pub(crate) fn run(
    machine: &Machine,
    limit: Duration,
    log: &Path,
    mut watch: impl FnMut(&str),
) -> Result<Transcript> {
    let mut log_file = File::create(log).map_err(LabError::file("create", log))?;
    let (mut running, console) = machine.start()?;
    let mut end = Instant::now() + limit;
    let mut lines = Lines::default();
    let mut transcript = Transcript::default();
    let mut last = String::new();
    loop {
        interrupt::check()?;
        match console.recv_timeout(TICK) {
            Ok(bytes) => {
                for line in lines.take(&bytes) {
                    writeln!(log_file, "{line}").map_err(LabError::file("write", log))?;
                    watch(&line);
                    let parsed = Line::parse(&line);
                    if parsed == Line::Done {
                        end = end.min(Instant::now() + POWER_OFF);
                    }
                    transcript.take(parsed)?;
                    if !line.trim().is_empty() {
                        last = line;
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if Instant::now() >= end {
            return Err(LabError::TimedOut { limit, last });
        }
    }
    // The console ends a moment before the process does.
    let status = loop {
        if let Some(status) = running.ended()? {
            break status;
        }
        if Instant::now() >= end {
            return Err(LabError::TimedOut { limit, last });
        }
        interrupt::check()?;
        std::thread::sleep(TICK);
    };
    if transcript.done && status.success() {
        Ok(transcript)
    } else {
        Err(LabError::QemuEnded { status: status.to_string(), last })
    }
}
