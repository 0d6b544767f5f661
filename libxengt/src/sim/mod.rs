//! A simulated host under a directory: the same files, the same protocol, the same errors.
//!
//! It is not a stub. It parses the control protocol's words, allocates windows and fences by the kernel's
//! rules ([`crate::capacity`]), and gives every vGPU a guest with memory, a physical-to-machine map, a virtual
//! GGTT, a PPGTT with pages of several sizes, a PVINFO page, fences and an X-tiled framebuffer; the host's
//! BAR 0 holds the shadow GGTT entries and fences, its BAR 2 the aperture as the CPU sees it.
//!
//! What it is not: a GPU. Nothing executes; the guest's content is drawn once, when its vGPU is made.
//!
//! # Consistency
//! `xengt-sim/state.json` is the truth and is replaced in one rename; `xengt-sim/applied.json` is the state
//! that the tree shows. Whoever opens the host first makes the tree follow the truth. So a creator that is
//! killed at any point leaves either no vGPU or a whole one.
#![forbid(unsafe_code)]

mod allocator;
mod disk;
mod error;
mod guest;
mod host;
mod kernel;
mod options;
mod reconcile;
mod state;
#[cfg(test)]
mod tests;

pub use error::SimError;
pub use guest::{FileMemory, GUEST_MEMORY, layout};
pub use options::SimOptions;
pub use state::{Domain, DomainKind};

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::path::{Path, PathBuf};

use crate::addr::DomId;
use crate::error::{Diagnose, ErrorKind};
use crate::p2m::P2m;
use crate::root::Root;
use state::State;

/// The directory, under the root, of what a real host does not have.
const MARKER: &str = "xengt-sim";

/// A simulated host.
#[derive(Debug, Clone)]
pub struct Sim {
    root: Root,
}

impl Sim {
    /// The simulated host under `dir`, if one was made there.
    ///
    /// # Errors
    /// [`SimError`] if one was, but it is damaged or cannot be brought up to date.
    pub fn detect(dir: &Path) -> Result<Option<Self>, SimError> {
        let sim = Self { root: Root::at(dir) };
        if sim.is_made()? {
            return sim.caught_up().map(Some);
        }
        let marker = dir.join(MARKER);
        if !marker.is_dir() {
            return Ok(None);
        }
        // Half a tree looks like a real host whose kernel does nothing. Perhaps its maker is still at it.
        let turn = sim.lock()?;
        let made = sim.is_made()?;
        drop(turn);
        if made { sim.caught_up().map(Some) } else { Err(SimError::Unfinished { path: dir.to_owned() }) }
    }

    /// The simulated host under `dir`, made with default options if there is none.
    ///
    /// # Errors
    /// [`SimError`] if it cannot be made or is damaged.
    pub fn open_or_init(dir: &Path) -> Result<Self, SimError> {
        let sim = Self { root: Root::at(dir) };
        if sim.is_made()? {
            disk::check_owner(dir)?;
            return sim.caught_up();
        }
        match Self::init(dir, &SimOptions::default(), false) {
            // Another process made it while we waited for the turn: then that one is the host.
            Err(SimError::Exists { .. }) => sim.caught_up(),
            made => made,
        }
    }

    /// Makes a simulated host under `dir`, which must be empty, absent, or (with `force`) hold one already.
    ///
    /// # Errors
    /// [`SimError`]; a directory with anything else in it is never touched.
    pub fn init(dir: &Path, options: &SimOptions, force: bool) -> Result<Self, SimError> {
        let options = options.validated()?;
        let sim = Self { root: Root::at(dir) };
        disk::make_private_dir(dir)?;
        let occupied = fs::read_dir(dir).map_err(|e| SimError::io("list", dir, e))?.next().is_some();
        let marker = dir.join(MARKER);
        if occupied && !marker.is_dir() {
            return Err(SimError::Occupied { path: dir.to_owned() });
        }
        disk::make_private_dir(&marker)?;
        let _turn = sim.lock()?;
        if sim.state_path().exists() {
            if !force {
                return Err(SimError::Exists { path: dir.to_owned() });
            }
            disk::remove_file(&sim.state_path())?;
        }
        sim.clear(dir)?;
        host::build(&sim.root, &options)?;
        let state = State::new(&options);
        state.save(&sim.applied_path())?;
        state.save(&sim.state_path())?;
        Ok(sim)
    }

    /// The root its files hang on.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The domains that run on it.
    ///
    /// # Errors
    /// [`SimError`] if its state is damaged.
    pub fn domains(&self) -> Result<Vec<Domain>, SimError> {
        Ok(State::load(&self.state_path())?.domains)
    }

    /// A guest's memory. Only a guest with a vGPU has any.
    ///
    /// # Errors
    /// [`SimError`] if the domain has no vGPU or the file is damaged.
    pub fn guest_memory(&self, domid: DomId) -> Result<FileMemory, SimError> {
        FileMemory::open(&self.guest_dir(domid).join("memory")).map_err(|error| self.no_guest(domid, error))
    }

    /// A guest's physical-to-machine map. Only a guest with a vGPU has any.
    ///
    /// # Errors
    /// [`SimError`] if the domain has no vGPU or the file is damaged.
    pub fn guest_p2m(&self, domid: DomId) -> Result<P2m, SimError> {
        let path = self.guest_dir(domid).join("p2m");
        let text = disk::read_text(&path).map_err(|error| self.no_guest(domid, error))?;
        text.parse().map_err(|source| SimError::P2m { path, source })
    }

    /// A guest's file that is missing because there is no guest.
    fn no_guest(&self, domid: DomId, error: SimError) -> SimError {
        match error.kind() {
            ErrorKind::NotFound if !self.guest_dir(domid).exists() => {
                SimError::NoGuest { domid: domid.get() }
            }
            _ => error,
        }
    }

    /// Whether somebody finished making this host.
    fn is_made(&self) -> Result<bool, SimError> {
        let path = self.state_path();
        match fs::metadata(&path) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
            Err(error) => Err(SimError::io("examine", &path, error)),
        }
    }

    fn state_path(&self) -> PathBuf {
        self.root.path().join(MARKER).join("state.json")
    }

    fn applied_path(&self) -> PathBuf {
        self.root.path().join(MARKER).join("applied.json")
    }

    fn guest_dir(&self, domid: DomId) -> PathBuf {
        self.root.path().join(MARKER).join("guests").join(domid.to_string())
    }

    /// Waits for the turn; the system lets go of it if the holder dies.
    fn lock(&self) -> Result<File, SimError> {
        let path = self.root.path().join(MARKER).join("lock");
        let open = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|e| SimError::io("lock", &path, e))
    }

    /// Itself, once the tree follows the truth, should somebody have died before he could see to it.
    fn caught_up(self) -> Result<Self, SimError> {
        if !disk::same_content(&self.state_path(), &self.applied_path())? {
            let _turn = self.lock()?;
            self.reconcile()?;
        }
        Ok(self)
    }

    /// Removes everything but the marker directory's lock.
    fn clear(&self, dir: &Path) -> Result<(), SimError> {
        for name in ["sys", "proc", "run"] {
            disk::remove_tree(&dir.join(name))?;
        }
        disk::remove_tree(&dir.join(MARKER).join("guests"))?;
        disk::remove_file(&self.applied_path())
    }
}
