//! `test`: scenarios, each on a machine of its own, several at a time.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::boot;
use crate::cli::MachineOptions;
use crate::console::Line;
use crate::error::{LabError, Result};
use crate::progress::Progress;
use crate::qemu::Machine;
use crate::queue::Queue;
use crate::scenario::{self, Needs, Scenario};
use crate::{paths, session};

/// Runs the scenarios of these names, or all, `jobs` machines at a time. The exit code says whether all passed.
pub(crate) fn test(names: &[String], jobs: NonZero<usize>, options: &MachineOptions) -> Result<ExitCode> {
    let scenarios = scenario::named(names)?;
    let machines = Mutex::new(Machines { options, ready: Vec::new() });
    let logs = logs()?;
    let progress = Progress::new("test", u64::try_from(scenarios.len()).unwrap_or(0));
    let queue = Queue::new(&scenarios, jobs.get());
    let work = || worker(&queue, &machines, &logs, &progress);
    let failed = thread::scope(|scope| {
        // A machine dies with the thread that started it, and each worker outlives its machines.
        let workers: Vec<_> = (0..jobs.get().min(scenarios.len())).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_fold(0, |sum, worker| match worker.join() {
            Ok(failed) => failed.map(|failed| sum + failed),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    drop(progress);
    println!("{} passed, {failed} failed", scenarios.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs scenarios until none is left; how many failed.
fn worker(queue: &Queue, machines: &Mutex<Machines<'_>>, logs: &Path, progress: &Progress) -> Result<usize> {
    let mut failed = 0;
    while let Some(turn) = queue.next() {
        let scenario = turn.scenario;
        let start = Instant::now();
        let machine = machines.lock().unwrap_or_else(PoisonError::into_inner).get(scenario);
        let result = machine.and_then(|machine| run(scenario, &machine, logs, progress));
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(()) => progress.line(&format!("ok   {} ({seconds} s)", scenario.name)),
            Err(LabError::Interrupted) => return Err(LabError::Interrupted),
            Err(error) => {
                failed += 1;
                progress.line(&format!("FAIL {} ({seconds} s): {error}", scenario.name));
                if log(logs, scenario).is_file() {
                    progress.line(&format!("     console: {}", log(logs, scenario).display()));
                }
            }
        }
        progress.add(1);
    }
    Ok(failed)
}

/// The machines of scenarios, made when the first of a kind needs it: one that cannot be built fails no others.
#[derive(Debug)]
struct Machines<'a> {
    options: &'a MachineOptions,
    ready: Vec<(Needs, Machine)>,
}

impl Machines<'_> {
    fn get(&mut self, scenario: &Scenario) -> Result<Machine> {
        let needs = scenario.needs;
        if let Some((_, machine)) = self.ready.iter().find(|(made_for, _)| *made_for == needs) {
            return Ok(machine.clone());
        }
        let machine = boot::machine_for(scenario, self.options)?;
        self.ready.push((needs, machine.clone()));
        Ok(machine)
    }
}

/// Runs a scenario and judges it. The console's log stays if it failed.
fn run(scenario: &Scenario, machine: &Machine, logs: &Path, progress: &Progress) -> Result<()> {
    let machine = Machine { task: scenario.task(), ..machine.clone() };
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

/// Where the logs of runs are.
pub(crate) fn logs() -> Result<PathBuf> {
    let path = paths::target(&paths::repository()?).join("lab-logs");
    fs::create_dir_all(&path).map_err(LabError::file("create", &path))?;
    Ok(path)
}

/// The console's log of a scenario.
pub(crate) fn log(logs: &Path, scenario: &Scenario) -> PathBuf {
    logs.join(format!("{}.log", scenario.name))
}
