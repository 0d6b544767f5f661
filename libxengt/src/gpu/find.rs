//! Finding the Intel GPU among the PCI functions.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{ConfigSpace, GpuError, Region, parse_resource};
use crate::node::{self, NodeError};
use crate::platform::{self, Generation, INTEL, PciId, PlatformError};
use crate::root::Root;

/// Where Intel's integrated GPU always sits.
const INTEGRATED: &str = "0000:00:02.0";
/// More PCI functions than this is no PCI bus.
const MAX_DEVICES: usize = 4096;

/// The host's GPU.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// The function's name: `0000:00:02.0`.
    pub name: String,
    /// Its directory in sysfs.
    pub dir: PathBuf,
    /// What configuration space says.
    pub config: ConfigSpace,
    /// BAR 0: registers, then the GGTT.
    pub mmio: Region,
    /// BAR 2: the aperture.
    pub aperture: Region,
    /// The driver that holds it, if any.
    pub driver: Option<String>,
}

/// Looks for the GPU under `root`: the function at 00:02.0 if it is Intel's and a display controller, else
/// the first that is.
///
/// # Errors
/// [`GpuError`] if there is none, or its files are missing or make no sense.
pub fn find(root: &Root) -> Result<Gpu, GpuError> {
    let path = root.pci_devices();
    let entries = fs::read_dir(&path).map_err(|source| GpuError::List { path: path.clone(), source })?;
    let mut names: Vec<String> = entries
        .take(MAX_DEVICES)
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_function_name(name))
        .collect();
    names.sort_by_key(|name| (name != INTEGRATED, name.clone()));
    let seen = names.len();
    let mut unreadable = None;
    for name in names {
        let dir = path.join(&name);
        match read_config(&dir.join("config")) {
            Ok(config) if config.vendor == INTEL && config.is_display() => {
                return describe(name, dir, config);
            }
            Ok(_) => {}
            Err(error) => {
                unreadable.get_or_insert(error);
            }
        }
    }
    Err(unreadable.unwrap_or(GpuError::None { path, seen }))
}

/// Whether a directory is called as PCI functions are, `0000:00:02.0`. What is called otherwise is none, and its
/// name must not reach a terminal.
fn is_function_name(name: &str) -> bool {
    name.len() <= 32 && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
}

fn read_config(path: &Path) -> Result<ConfigSpace, GpuError> {
    // All of it in one read: that is one system call.
    let mut bytes = Vec::with_capacity(4096);
    node::open(path)
        .and_then(|file| file.take(4096).read_to_end(&mut bytes))
        .map_err(|error| NodeError::new(path, error))?;
    ConfigSpace::parse(&bytes).map_err(|source| GpuError::Config { path: path.to_owned(), source })
}

fn describe(name: String, dir: PathBuf, config: ConfigSpace) -> Result<Gpu, GpuError> {
    let path = dir.join("resource");
    let text = node::read_text(&path, "one line of start, end and flags per BAR")?;
    let bar = |number| {
        parse_resource(&text, number).ok_or_else(|| GpuError::NoBar { path: path.clone(), bar: number })
    };
    let (mmio, aperture) = (bar(0)?, bar(2)?);
    let driver = fs::read_link(dir.join("driver"))
        .ok()
        .and_then(|target| Some(target.file_name()?.to_string_lossy().escape_debug().take(64).collect()));
    Ok(Gpu { name, dir, config, mmio, aperture, driver })
}

impl Gpu {
    /// Its PCI id.
    #[must_use]
    pub const fn id(&self) -> PciId {
        PciId { vendor: self.config.vendor, device: self.config.device }
    }

    /// Its generation, if GVT-g supports it.
    ///
    /// # Errors
    /// [`PlatformError`] with the reason and the alternative if not.
    pub fn generation(&self) -> Result<Generation, PlatformError> {
        platform::require(self.id())
    }
}
