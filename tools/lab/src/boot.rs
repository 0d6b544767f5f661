//! `boot`: one machine, with its console in front of the user.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crate::cache::Cache;
use crate::cli::{Boot, Gpu, MachineOptions, Words};
use crate::error::{LabError, Result};
use crate::lock::Lock;
use crate::qemu::Machine;
use crate::scenario::{Needs, Scenario};
use crate::{emulator, fetch, gpu, hypervisor, image, interrupt, kernel, paths, scenario, session, xen};

/// Boots what the options say.
pub(crate) fn boot(options: &Boot) -> Result<ExitCode> {
    match options.task.run.as_deref().map(scenario::find).transpose()? {
        Some(scenario) => {
            let machine = machine_for(scenario, &options.machine)?;
            let dir = tempfile::tempdir()
                .map_err(LabError::file("create a directory in", &std::env::temp_dir()))?;
            let Words { words, longer } = &options.words;
            let machine = Machine { task: format!("{words} {}", scenario.task()), ..machine };
            let limit = scenario.limit + Duration::from_secs(60) * *longer;
            let log = dir.path().join("console");
            let transcript = session::run(&machine, limit, &log, |line| println!("{line}"))?;
            (scenario.check)(&transcript)?;
        }
        None => interact(&Machine { task: "lab.shell".to_owned(), ..machine(&options.machine)? })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The machine that a scenario needs, with what the options say of it.
pub(crate) fn machine_for(scenario: &Scenario, options: &MachineOptions) -> Result<Machine> {
    let needs = scenario.needs;
    Ok(Machine { processors: needs.processors, ..machine(&with_needs(options, needs))? })
}

/// What the user says wins, even if it is what one gets without a word.
fn with_needs(options: &MachineOptions, needs: Needs) -> MachineOptions {
    let MachineOptions { xen, kernel, gpu, qemu } = options.clone();
    MachineOptions {
        xen: xen.or_else(|| Some(needs.xen.into())),
        kernel: kernel.or_else(|| needs.kernel.map(PathBuf::from)),
        gpu: gpu.or(Some(needs.gpu)),
        qemu,
    }
}

/// The machine that the options describe, ready but for its task. Fetches and builds what is missing.
pub(crate) fn machine(options: &MachineOptions) -> Result<Machine> {
    let cache = Cache::open()?;
    let lock = Lock::read(&paths::lock())?;
    let packages = fetch::tree(&cache, &lock)?;
    let xen = options.xen.as_deref().unwrap_or(Path::new("stock"));
    let gpu = options.gpu.unwrap_or(Gpu::None);
    let built = match xen::patched_series(xen) {
        Some(series) => Some(xen::built(&cache, &lock, series, &xen::our_patches()?)?),
        None => xen::is_built(xen).then(|| xen.to_owned()),
    };
    let tree = built.as_ref().map_or(Ok(packages.clone()), |built| xen::tree(&cache, &packages, built))?;
    let linux = options.kernel.as_deref().and_then(xen::patched_series);
    let linux = linux.map(|series| kernel::built(&cache, &lock, series)).transpose()?;
    let mut images = image::build(&cache, &tree, gpu, linux.as_deref())?;
    let bare = xen.as_os_str() == "none";
    if built.is_none() && !bare && xen.as_os_str() != "stock" {
        images.hypervisor = hypervisor::named(&cache, xen)?;
    }
    if let Some(kernel) = options.kernel.as_ref().filter(|_| linux.is_none()) {
        images.kernel = kernel.canonicalize().map_err(LabError::file("find", kernel))?;
    }
    let gpu = match gpu {
        Gpu::None => None,
        Gpu::Model => Some(gpu::Model::ready()?),
    };
    let emulator = options.qemu.clone().map_or_else(|| emulator::built(&cache, &lock), Ok)?;
    Ok(Machine { tree, emulator, images, bare, processors: 1, task: String::new(), gpu })
}

/// QEMU has the terminal, and ends with its machine or by Ctrl-A X.
fn interact(machine: &Machine) -> Result<()> {
    let mut running = machine.start_on_terminal()?;
    loop {
        interrupt::check()?;
        match running.ended()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                let last = "on the terminal".to_owned();
                return Err(LabError::QemuEnded { status: status.to_string(), last });
            }
            None => thread::sleep(Duration::from_millis(200)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn with_words(name: &str, words: &[&str]) -> MachineOptions {
        let words = [&["xengt-lab", "boot", "--run", name], words].concat();
        let Verb::Boot(boot) = Cli::try_parse_from(words).unwrap().verb else { panic!("another verb") };
        with_needs(&boot.machine, scenario::find(name).unwrap().needs)
    }

    #[test]
    fn with_needs_nothing_said_is_what_the_scenario_needs() {
        let options = with_words("get-mfn", &[]);
        assert_eq!(options.xen.as_deref(), Some(Path::new("4.17-xengt")));
        assert_eq!((options.gpu, options.kernel), (Some(Gpu::None), None));
        let options = with_words("xengt-load", &[]);
        assert_eq!(options.xen.as_deref(), Some(Path::new("stock")));
        assert_eq!(options.kernel.as_deref(), Some(Path::new("6.12-xengt")));
        assert_eq!(options.gpu, Some(Gpu::Model));
    }

    #[test]
    fn with_needs_what_is_said_wins_even_the_plain_ones() {
        let options = with_words("get-mfn", &["--xen", "stock"]);
        assert_eq!(options.xen.as_deref(), Some(Path::new("stock")));
        let options = with_words("xengt-load", &["--gpu", "none", "--kernel", "/boot/vmlinuz"]);
        assert_eq!(options.gpu, Some(Gpu::None));
        assert_eq!(options.kernel.as_deref(), Some(Path::new("/boot/vmlinuz")));
    }
}
