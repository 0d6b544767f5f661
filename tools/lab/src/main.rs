//! `xengt-lab`: boots real Xen and its dom0 in QEMU, and runs scenarios there.
#![forbid(unsafe_code)]

mod apt;
mod boot;
mod build_script;
mod c_library;
mod cache;
mod cli;
mod console;
mod cpio;
mod elf;
mod emulator;
mod error;
mod fetch;
mod gpu;
mod hypervisor;
mod image;
mod interrupt;
mod jobs;
mod kernel;
mod lock;
mod paths;
mod picture;
mod progress;
mod qemu;
mod queue;
mod run;
mod scenario;
mod session;
mod soak;
mod test;
mod transcript;
mod xen;

use std::process::ExitCode;

use clap::Parser;

use cache::Cache;
use cli::{Cli, Verb};
use error::{LabError, Result};
use lock::Lock;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match interrupt::listen().and_then(|()| dispatch(cli)) {
        Ok(code) => code,
        Err(error) => {
            // A signal also ends the programs that the lab runs, whose failure is then not the news.
            let error = interrupt::check().err().unwrap_or(error);
            eprintln!("lab: error: {error}");
            if let Some(hint) = error.hint() {
                eprintln!("lab: {hint}");
            }
            // What a shell says of a process that was interrupted.
            if matches!(error, LabError::Interrupted) { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    let lock = || Lock::read(&paths::lock());
    match cli.verb {
        Verb::Fetch { list: true, .. } => println!("{}", fetch::list(&lock()?)?),
        Verb::Fetch { update: true, .. } => {
            fetch::update(&Cache::open()?, &lock()?)?.write(&paths::lock())?;
            println!("{}", fetch::tree(&Cache::open()?, &lock()?)?.display());
        }
        Verb::Fetch { .. } => println!("{}", fetch::tree(&Cache::open()?, &lock()?)?.display()),
        Verb::Source { name, series, packed } => {
            let get = if packed { fetch::tarball } else { fetch::source };
            println!("{}", get(&Cache::open()?, &lock()?, &name, &series)?.display());
        }
        Verb::XenBuild { series, patches } => {
            let patches = patches.map_or_else(xen::our_patches, Ok)?;
            println!("{}", xen::built(&Cache::open()?, &lock()?, &series, &patches)?.display());
        }
        Verb::QemuBuild => println!("{}", emulator::built(&Cache::open()?, &lock()?)?.display()),
        Verb::KernelBuild { series } => {
            println!("{}", kernel::built(&Cache::open()?, &lock()?, &series)?.display());
        }
        Verb::Image => {
            let cache = Cache::open()?;
            let images = image::build(&cache, &fetch::tree(&cache, &lock()?)?, cli::Gpu::None, None)?;
            for path in [&images.hypervisor, &images.kernel, &images.initramfs] {
                println!("{}", path.display());
            }
        }
        Verb::Boot(boot) => return boot::boot(&boot),
        Verb::Soak(soak) => return soak::soak(&soak),
        Verb::Test { list: true, .. } => {
            for scenario in scenario::every() {
                println!("{:15} {}", scenario.name, scenario.about);
            }
        }
        Verb::Test { scenarios, jobs, machine, .. } => {
            return test::test(&scenarios, jobs.unwrap_or_else(jobs::there_is_room_for), &machine);
        }
    }
    Ok(ExitCode::SUCCESS)
}
