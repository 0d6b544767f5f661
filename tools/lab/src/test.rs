//! `test`: scenarios, one after the other, each on a machine of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::boot;
use crate::cli::MachineOptions;
use crate::console::Line;
use crate::error::{LabError, Result};
use crate::progress::Progress;
use crate::qemu::Machine;
use crate::scenario::{self, Scenario};
use crate::{paths, session};

/// Runs the scenarios of these names, or all. The exit code says whether all passed.
pub(crate) fn test(names: &[String], options: &MachineOptions) -> Result<ExitCode> {
    let scenarios = scenario::named(names)?;
    let machine = boot::machine(options)?;
    let logs = logs()?;
    let progress = Progress::new("test", u64::try_from(scenarios.len()).unwrap_or(0));
    let mut failed = 0_usize;
    for scenario in &scenarios {
        let start = Instant::now();
        let result = run(scenario, &machine, &logs, &progress);
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(()) => progress.line(&format!("ok   {} ({seconds} s)", scenario.name)),
            Err(LabError::Interrupted) => return Err(LabError::Interrupted),
            Err(error) => {
                failed += 1;
                progress.line(&format!("FAIL {} ({seconds} s): {error}", scenario.name));
                progress.line(&format!("     console: {}", log(&logs, scenario).display()));
            }
        }
        progress.add(1);
    }
    drop(progress);
    println!("{} passed, {failed} failed", scenarios.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a scenario and judges it. The console's log stays if it failed.
fn run(scenario: &Scenario, machine: &Machine, logs: &Path, progress: &Progress) -> Result<()> {
    let machine = Machine { task: format!("lab.scenario={}", scenario.name), ..machine.clone() };
    let log = log(logs, scenario);
    progress.note(scenario.name);
    let transcript = session::run(&machine, scenario.limit, &log, |line| match Line::parse(line) {
        Line::Up => progress.note(&format!("{}: dom0 is up", scenario.name)),
        Line::Step(step) => progress.note(&format!("{}: {step}", scenario.name)),
        _ => {}
    })?;
    (scenario.check)(&transcript)?;
    fs::remove_file(&log).map_err(LabError::file("remove", &log))
}

fn logs() -> Result<PathBuf> {
    let path = paths::target(&paths::repository()?).join("lab-logs");
    fs::create_dir_all(&path).map_err(LabError::file("create", &path))?;
    Ok(path)
}

fn log(logs: &Path, scenario: &Scenario) -> PathBuf {
    logs.join(format!("{}.log", scenario.name))
}
