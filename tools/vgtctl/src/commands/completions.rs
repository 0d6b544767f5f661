//! `vgtctl completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(shell: Shell) -> Result<Report, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vgtctl", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::new(exit_code::FAILURE, format!("cannot form the script: {error}")))?;
    let json = serde_json::json!({ "shell": shell.to_string(), "script": script });
    Report::done(script, json)
}
