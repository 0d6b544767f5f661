//! Runs a build script, showing the steps that it tells of in lines that start with `== `.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use crate::error::{LabError, Result};
use crate::progress::Progress;
use crate::run;

/// Runs the script, which has about so many steps.
pub(crate) fn run(script: &Path, arguments: &[&Path], steps: u64) -> Result<()> {
    let spawn_error = |cause| LabError::Spawn { program: "bash".into(), cause };
    let mut command = run::command("bash");
    command.arg(script).args(arguments.iter().map(AsRef::<OsStr>::as_ref));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(spawn_error)?;
    let errors = child.stderr.take().map(|mut from| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read until then is what there is to tell.
            let _ended = from.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    });
    let progress = Progress::new("build", steps);
    if let Some(steps) = child.stdout.take() {
        for line in BufReader::new(steps).lines().map_while(std::result::Result::ok) {
            if let Some(step) = line.strip_prefix("== ") {
                progress.note(step);
                progress.add(1);
            }
        }
    }
    let status = child.wait().map_err(spawn_error)?;
    let said = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    Err(LabError::Program {
        program: script.display().to_string(),
        status: status.to_string(),
        output: run::tail(&said, 40),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_script_that_fails_says_why_and_one_that_does_not_gets_its_arguments() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("build.sh");
        std::fs::write(&script, "echo '== step'; echo no disk >&2; cp \"$1\" \"$2\"").unwrap();
        let error = run(&script, &[], 1).unwrap_err().to_string();
        assert!(error.contains("build.sh failed") && error.contains("no disk"), "{error}");
        let copy = dir.path().join("a copy");
        run(&script, &[&script, &copy], 1).unwrap();
        assert!(copy.is_file());
    }
}
