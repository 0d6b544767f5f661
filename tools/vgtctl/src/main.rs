//! `vgtctl`: create, inspect and debug Intel GVT-g vGPUs on Xen.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod exit_code;
mod failure;
mod manual;
mod output;
mod target;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind as ClapKind;

use cli::{Cli, Global};
use failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    start_log(&cli.global);
    let command = commands::name(&cli.verb);
    let mut out = BufWriter::new(io::stdout().lock());
    let result = commands::run(&cli).and_then(|report| {
        report.print(command, cli.global.json, &mut out)?;
        Ok(report.code)
    });
    match result {
        Ok(code) => code.into(),
        Err(failure) => {
            if cli.global.json && !failure.silent {
                // The exit code and the text below still tell it if this cannot be written.
                let _unread = output::print_failure(&failure, Some(command), &mut out);
            }
            complain(&failure);
            failure.code.into()
        }
    }
}

/// Help and version are answers; everything else is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if matches!(error.kind(), ClapKind::DisplayHelp | ClapKind::DisplayVersion) {
        return match io::stdout().write_all(text.as_bytes()).map_err(failure::output) {
            Ok(()) => exit_code::DONE.into(),
            Err(failure) => {
                complain(&failure);
                failure.code.into()
            }
        };
    }
    // The options could not be parsed, so whether JSON is wanted is seen in the words themselves.
    if std::env::args_os().any(|word| word == "--json") {
        let message = match error.kind() {
            ClapKind::DisplayHelpOnMissingArgumentOrSubcommand => "no verb is given".to_owned(),
            _ => first_paragraph(&text),
        };
        let failure = Failure::new(exit_code::USAGE, message).hint("`vgtctl --help` lists verbs and options");
        // The exit code and the text below still tell it if this cannot be written.
        let _unread = output::print_failure(&failure, None, &mut io::stdout());
    }
    // Nobody is left to tell that standard error is closed.
    let _unread = match text.strip_prefix("error: ") {
        Some(text) => write!(io::stderr(), "vgtctl: error: {text}"),
        None => write!(io::stderr(), "{text}"),
    };
    exit_code::USAGE.into()
}

/// What a usage error says before it repeats the usage, in one line.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let lines: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join(" ")
}

fn complain(failure: &Failure) {
    if failure.silent {
        return;
    }
    let hint = failure.hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    // Nobody is left to tell that standard error is closed.
    let _unread = writeln!(io::stderr(), "vgtctl: error: {}{hint}", failure.message);
}

/// `-q`, `-v` and `-vv` win over `$VGTCTL_LOG`, which wins over warnings only.
fn start_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => Some(log::LevelFilter::Error),
        (_, 0) => std::env::var("VGTCTL_LOG").ok().and_then(|level| level.parse().ok()),
        (_, 1) => Some(log::LevelFilter::Info),
        _ => Some(log::LevelFilter::Debug),
    };
    env_logger::Builder::new()
        .filter_level(level.unwrap_or(log::LevelFilter::Warn))
        .format(|buffer, record| {
            let level = record.level().as_str().to_ascii_lowercase();
            writeln!(buffer, "vgtctl: {level}: {}", record.args())
        })
        .init();
}
