//! One run of the machine: its ports are read until dom0 is done, the time is up, or the user stops it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::console::{Line, Lines};
use crate::error::{LabError, Result};
use crate::interrupt;
use crate::qemu::{Machine, Port};
use crate::transcript::Transcript;

const TICK: Duration = Duration::from_millis(200);

/// Time for the machine to power off after dom0 said that it is done.
const POWER_OFF: Duration = Duration::from_secs(60);

/// Boots the machine and reads it to its end. All that it says goes to `log` and to `watch`, whole lines of both ports.
pub(crate) fn run(
    machine: &Machine,
    limit: Duration,
    log: &Path,
    mut watch: impl FnMut(&str),
) -> Result<Transcript> {
    let mut log_file = File::create(log).map_err(LabError::file("create", log))?;
    let (mut running, said) = machine.start()?;
    let mut end = Instant::now() + limit;
    let (mut console, mut results) = (Lines::default(), Lines::default());
    let mut transcript = Transcript::default();
    let mut last = String::new();
    loop {
        interrupt::check()?;
        match said.recv_timeout(TICK) {
            Ok((port, bytes)) => {
                let lines = if port == Port::Console { &mut console } else { &mut results };
                for line in lines.take(&bytes) {
                    writeln!(log_file, "{line}").map_err(LabError::file("write", log))?;
                    watch(&line);
                    // A guest, or a message, could say on the console what looks like a result.
                    let parsed = if port == Port::Results { Line::parse(&line) } else { Line::Other };
                    if parsed == Line::Done {
                        end = end.min(Instant::now() + POWER_OFF);
                    }
                    if let Line::Ask { name, request } = &parsed {
                        let answer = running.ask(request, &log.with_extension(format!("{name}.png")))?;
                        transcript.answered(name.clone(), answer);
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
    // The ports end a moment before the process does.
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::image::Images;

    /// Runs a script in QEMU's place.
    fn run_script(script: &str, limit: Duration) -> (Result<Transcript>, String) {
        let dir = tempfile::tempdir().unwrap();
        let emulator = dir.path().join("qemu");
        fs::write(&emulator, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&emulator, fs::Permissions::from_mode(0o755)).unwrap();
        let images = Images { kernel: "/k".into(), hypervisor: "/x".into(), initramfs: "/i".into() };
        let machine = Machine {
            tree: "/tree".into(),
            emulator,
            images,
            bare: false,
            processors: 1,
            task: "lab.scenario=x".into(),
            gpu: None,
        };
        let log = dir.path().join("log");
        let result = run(&machine, limit, &log, |_| {});
        (result, fs::read_to_string(log).unwrap())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn run_machine_that_is_done_gives_its_transcript_and_log() {
        let script = "printf '@lab up\\r\\n@lab step a\\r\\n@lab | x\\r\\n@lab exit 0\\r\\n@lab done\\r\\n'";
        let (result, log) = run_script(script, LONG);
        assert!(result.unwrap().step("a").unwrap().exits(0).is_ok());
        assert!(log.starts_with("@lab up\n@lab step a\n"), "{log}");
    }

    #[test]
    fn run_machine_that_hangs_is_stopped_at_its_limit() {
        let start = Instant::now();
        let script = "echo last words >&2; exec sleep 1000";
        let (result, log) = run_script(script, Duration::from_millis(500));
        let error = result.unwrap_err();
        assert!(matches!(&error, LabError::TimedOut { last, .. } if last == "last words"), "{error}");
        assert!(start.elapsed() < LONG);
        assert_eq!(log, "last words\n");
    }

    #[test]
    fn run_machine_that_dies_is_an_error_even_after_good_steps() {
        let (result, _) = run_script("printf '@lab step a\\n@lab exit 0\\n'; kill -KILL $$", LONG);
        assert!(matches!(result.unwrap_err(), LabError::QemuEnded { .. }));
        let (result, _) = run_script("echo '@lab done'; exit 1", LONG);
        assert!(matches!(result.unwrap_err(), LabError::QemuEnded { .. }));
        let (result, _) = run_script("exit 0", LONG);
        assert!(matches!(result.unwrap_err(), LabError::QemuEnded { .. }));
    }

    #[test]
    fn run_console_is_kept_and_never_taken_for_a_result() {
        let script = "printf '@lab st'; sleep 0.1; printf '(XEN) hello\\n@lab done\\n' >&2; sleep 0.1; echo 'ep a'; exit 0";
        let (result, log) = run_script(script, LONG);
        assert!(matches!(result.unwrap_err(), LabError::QemuEnded { .. }));
        assert_eq!(log, "(XEN) hello\n@lab done\n@lab step a\n");
    }

    #[test]
    fn run_dom0_that_is_broken_says_why() {
        let (result, _) = run_script("echo '@lab broken no xenstored'; exec sleep 1000", LONG);
        assert!(matches!(result.unwrap_err(), LabError::Dom0(why) if why == "no xenstored"));
    }
}
