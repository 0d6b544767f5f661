//! `soak`: random work for the GPU model, for as long as one likes.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::boot;
use crate::cli::{MachineOptions, Soak};
use crate::console::Line;
use crate::error::Result;
use crate::progress::say;
use crate::qemu::Machine;
use crate::scenario::soak::{Asked, SCENARIO, growth, limit};
use crate::{session, test};

/// Runs it with its progress shown. The console's log stays, however it ends.
pub(crate) fn soak(options: &Soak) -> Result<ExitCode> {
    let asked = Asked { minutes: options.minutes.get(), seed: options.seed.unwrap_or_else(another_seed) };
    let machine = MachineOptions { qemu: options.qemu.clone(), ..MachineOptions::default() };
    let machine = boot::machine_for(&SCENARIO, &machine)?;
    let machine = Machine { task: format!("{} {}", asked.words(), SCENARIO.task()), ..machine };
    let log = test::log(&test::logs()?, &SCENARIO);
    say(&format!("{asked}; console: {}", log.display()));
    let run = session::run(&machine, limit(asked.minutes), &log, |line| match Line::parse(line) {
        Line::Step(step) => println!("{step}"),
        Line::Output(text) => println!("    {text}"),
        _ => {}
    })?;
    run.step("plan")?.says(&[&asked.to_string()])?;
    (SCENARIO.check)(&run)?;
    for grown in growth(&run)? {
        println!("{grown}");
    }
    println!("no difference, no leak: {asked}");
    Ok(ExitCode::SUCCESS)
}

/// Another one each time; it need not be hard to guess.
fn another_seed() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.subsec_nanos())
}
