//! Runs the programs of the host that the lab is built on, and keeps what they say when they fail.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use crate::error::{LabError, Result};

/// A command in a plain locale, so that what it says can be read.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Runs a command to its end, whatever that is.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().map_err(|cause| LabError::Spawn { program: name(command), cause })
}

/// Runs a command that must succeed; its standard output as text.
pub(crate) fn stdout(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes(command)?).into_owned())
}

/// Runs a command that must succeed; its standard output.
pub(crate) fn bytes(command: &mut Command) -> Result<Vec<u8>> {
    let output = output(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(LabError::Program {
            program: name(command),
            status: output.status.to_string(),
            output: tail(&said, 20),
        });
    }
    Ok(output.stdout)
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stdout_failing_command_keeps_its_words() {
        let error = stdout(command("sh").args(["-c", "echo no disk >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("sh failed") && text.contains('3') && text.contains("no disk"), "{text}");
    }

    #[test]
    fn stdout_missing_program_is_named_and_hinted() {
        let error = stdout(&mut command("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-here"));
        assert!(error.hint().is_some());
    }

    #[test]
    fn tail_short_text_is_all_of_it() {
        assert_eq!(tail("a\nb", 5), "a\nb");
        assert_eq!(tail("a\nb\nc", 2), "b\nc");
    }
}
