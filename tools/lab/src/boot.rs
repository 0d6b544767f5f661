//! `boot`: one machine, with its console in front of the user.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crate::cache::Cache;
use crate::cli::{Boot, Gpu, MachineOptions};
use crate::error::{LabError, Result};
use crate::lock::Lock;
use crate::qemu::Machine;
use crate::scenario::Scenario;
use crate::{emulator, fetch, gpu, hypervisor, image, interrupt, kernel, paths, scenario, session, xen};

/// Boots what the options say.
pub(crate) fn boot(options: &Boot) -> Result<ExitCode> {
    match options.task.run.as_deref().map(scenario::find).transpose()? {
        Some(scenario) => {
            let machine = machine_for(scenario, &options.machine)?;
            let dir = tempfile::tempdir()
                .map_err(LabError::file("create a directory in", &std::env::temp_dir()))?;
            let machine = Machine { task: scenario.task(), ..machine };
            let log = dir.path().join("console");
            let transcript = session::run(&machine, scenario.limit, &log, |line| println!("{line}"))?;
            (scenario.check)(&transcript)?;
        }
        None => interact(&Machine { task: "lab.shell".to_owned(), ..machine(&options.machine)? })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The machine that a scenario needs, with what the options say of it.
pub(crate) fn machine_for(scenario: &Scenario, options: &MachineOptions) -> Result<Machine> {
    let needs = scenario.needs;
    let mut options = options.clone();
    if options.xen.as_os_str() == "stock" {
        options.xen = needs.xen.into();
    }
    if options.gpu == Gpu::None {
        options.gpu = needs.gpu;
    }
    if options.kernel.is_none() {
        options.kernel = needs.kernel.map(PathBuf::from);
    }
    Ok(Machine { processors: needs.processors, ..machine(&options)? })
}

/// The machine that the options describe, ready but for its task. Fetches and builds what is missing.
pub(crate) fn machine(options: &MachineOptions) -> Result<Machine> {
    let cache = Cache::open()?;
    let lock = Lock::read(&paths::lock())?;
    let packages = fetch::tree(&cache, &lock)?;
    let built = match xen::patched_series(&options.xen) {
        Some(series) => Some(xen::built(&cache, &lock, series, &xen::our_patches()?)?),
        None => xen::is_built(&options.xen).then(|| options.xen.clone()),
    };
    let tree = built.as_ref().map_or(Ok(packages.clone()), |built| xen::tree(&cache, &packages, built))?;
    let linux = options.kernel.as_deref().and_then(xen::patched_series);
    let linux = linux.map(|series| kernel::built(&cache, &lock, series)).transpose()?;
    let mut images = image::build(&cache, &tree, options.gpu, linux.as_deref())?;
    let bare = options.xen.as_os_str() == "none";
    if built.is_none() && !bare && options.xen.as_os_str() != "stock" {
        images.hypervisor = hypervisor::named(&cache, &options.xen)?;
    }
    if let Some(kernel) = options.kernel.as_ref().filter(|_| linux.is_none()) {
        images.kernel = kernel.canonicalize().map_err(LabError::file("find", kernel))?;
    }
    let gpu = match options.gpu {
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
