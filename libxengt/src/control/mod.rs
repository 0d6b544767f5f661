//! The control protocol of `/sys/kernel/vgt`: create, destroy, pause, resume, list.
//!
//! The kernel's answer to a write says little (kernels up to 5.4 answer `EINVAL` for everything and succeed
//! for unknown domains), so every verb checks what it wanted before the write, reads back what came of it
//! after, and only then reports success. The grammar is in [`Command`], the nodes in [`Vgpu`], the errnos in
//! [`ControlPort::write_control`].
#![forbid(unsafe_code)]

mod command;
mod counters;
mod error;
mod lock;
mod port;
mod vgpu;

pub use command::{Command, CommandError, CreateRequest, MAX_COMMAND};
pub use counters::Counters;
pub(crate) use counters::NAMES as COUNTERS;
pub use error::ControlError;
pub use port::{ControlPort, KernelPort};
pub use vgpu::{State, Vgpu};

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::addr::DomId;
use crate::capacity::{CapacityError, Demand, HostResources, Resource, Usage};
use crate::error::Diagnose;
use crate::node::NodeError;
use crate::root::Root;
use crate::vgpu_type::VgpuType;
use lock::ControlLock;

/// More entries than this in the `vgt` directory are not vGPUs of ours.
const MAX_ENTRIES: usize = 65_536;

/// Whether the kernel let us see that a pause or resume took hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The `state` node says so.
    Confirmed,
    /// This kernel has no `state` node: the write was accepted, and that is all one can know.
    AcceptedOnly,
}

/// One entry of [`Control::list`].
#[derive(Debug)]
pub struct Listed {
    /// The domain.
    pub domid: DomId,
    /// Its vGPU, or why that cannot be read.
    pub vgpu: Result<Vgpu, ControlError>,
}

/// The vGPUs of one host.
#[derive(Debug)]
pub struct Control<'h, P> {
    root: &'h Root,
    port: &'h P,
    resources: Option<HostResources>,
}

impl<'h, P: ControlPort> Control<'h, P> {
    /// The vGPUs under `root`, commanded through `port`. `resources` explain refusals, where known.
    #[must_use]
    pub fn new(root: &'h Root, port: &'h P, resources: Option<HostResources>) -> Self {
        Self { root, port, resources }
    }

    /// Makes a vGPU and returns it as the kernel shows it.
    ///
    /// # Errors
    /// [`ControlError`]; nothing is left behind, and another domain's vGPU is never touched.
    pub fn create(&self, request: &CreateRequest) -> Result<Vgpu, ControlError> {
        let domid = request.domid;
        self.need_module()?;
        let wanted = VgpuType::by_low_mb(request.low_mb.into())?;
        let _turn = ControlLock::take(self.root)?;
        if self.is_there(domid)? {
            return Err(ControlError::Exists { domid });
        }
        let command = Command::Create(*request).to_string();
        if let Err(source) = self.port.write_control(&command) {
            let error = self.explain(request, wanted, command, source);
            // Another creator that does not take turns (libxl) may have been first; what is there is his. But
            // after any other answer, what is there all the same is the half of ours.
            let foreign = matches!(error, ControlError::Exists { .. } | ControlError::Permission { .. });
            if !foreign && self.is_there(domid)? {
                self.undo(domid);
            }
            return Err(error);
        }
        let problem = match Vgpu::read(self.root, domid) {
            Ok(Some(vgpu)) => match vgpu.window.map(|window| window.aperture().size()) {
                Some(size) if size != wanted.low_gm => {
                    format!("its aperture has {size:#x} bytes, expected {:#x}", wanted.low_gm)
                }
                _ => return Ok(vgpu),
            },
            Ok(None) => format!("{} is not there", self.root.vm(domid).join("vgpu_id").display()),
            Err(error) => error.to_string(),
        };
        // A vGPU one cannot read back cannot be used or found again: better none than half a one.
        let left = if self.undo(domid) { "" } else { "; it could not be destroyed again" };
        Err(ControlError::Unverified { command, problem: problem + left })
    }

    /// Destroys what a failed create may have left; whether it is gone.
    fn undo(&self, domid: DomId) -> bool {
        if let Err(error) = self.port.write_control(&Command::Destroy(domid).to_string()) {
            log::warn!("cannot undo the creation for domain {domid}: {error}");
        }
        matches!(self.is_there(domid), Ok(false))
    }

    /// Unmakes a domain's vGPU.
    ///
    /// # Errors
    /// [`ControlError`]; [`ControlError::NoVgpu`] if it has none (the kernel itself would say nothing).
    pub fn destroy(&self, domid: DomId) -> Result<(), ControlError> {
        self.need_module()?;
        let _turn = ControlLock::take(self.root)?;
        if !self.is_there(domid)? {
            return Err(ControlError::NoVgpu { domid });
        }
        let command = Command::Destroy(domid).to_string();
        if let Err(source) = self.port.write_control(&command) {
            return Err(self.refused(self.root.vgt_control(), command, source));
        }
        if self.is_there(domid)? {
            let problem = format!("{} is still there", self.root.vm(domid).display());
            return Err(ControlError::Unverified { command, problem });
        }
        Ok(())
    }

    /// Takes a vGPU off the GPU's scheduler.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn pause(&self, domid: DomId) -> Result<Seen, ControlError> {
        self.schedule(domid, State::Paused)
    }

    /// Puts a vGPU back on the GPU's scheduler.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn resume(&self, domid: DomId) -> Result<Seen, ControlError> {
        self.schedule(domid, State::Active)
    }

    /// One domain's vGPU.
    ///
    /// # Errors
    /// [`ControlError::NoVgpu`] if it has none; others if its nodes cannot be read.
    pub fn get(&self, domid: DomId) -> Result<Vgpu, ControlError> {
        self.need_module()?;
        Vgpu::read(self.root, domid).map_err(node_error)?.ok_or(ControlError::NoVgpu { domid })
    }

    /// What the kernel counted of one domain's vGPU; `None` if it shows no counters.
    ///
    /// They are read by themselves: what is wrong with them says nothing of the vGPU.
    ///
    /// # Errors
    /// [`ControlError`] if they cannot be read.
    pub fn counters(&self, domid: DomId) -> Result<Option<Counters>, ControlError> {
        Counters::read(self.root, domid).map_err(node_error)
    }

    /// All vGPUs in order of their domains; one that cannot be read is an error in its place, so that it does
    /// not hide the others.
    ///
    /// # Errors
    /// [`ControlError`] if the module's directory itself cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, ControlError> {
        self.need_module()?;
        let path = self.root.vgt();
        let entries = fs::read_dir(&path).map_err(|error| node_error(NodeError::new(&path, error)))?;
        let mut domids: Vec<DomId> = entries
            .take(MAX_ENTRIES)
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let number = name.to_str()?.strip_prefix("vm")?;
                // One name per domain: `vm007` is not what the kernel calls domain 7.
                number.parse().ok().filter(|domid: &DomId| domid.to_string() == number)
            })
            .collect();
        domids.sort_unstable();
        Ok(domids
            .into_iter()
            .filter_map(|domid| match Vgpu::read(self.root, domid) {
                Ok(vgpu) => Some(Listed { domid, vgpu: Ok(vgpu?) }),
                Err(error) => Some(Listed { domid, vgpu: Err(node_error(error)) }),
            })
            .collect())
    }

    /// What the vGPUs take together, or `None` if a kernel that does not show types holds any.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn usage(&self) -> Result<Option<Usage>, ControlError> {
        let mut usage = Usage::default();
        for Listed { vgpu, .. } in self.list()? {
            let Some(window) = vgpu.as_ref().ok().and_then(|vgpu| vgpu.window.as_ref()) else {
                return Ok(None);
            };
            let fences = vgpu.as_ref().ok().and_then(|vgpu| vgpu.fences.as_ref());
            usage = usage.plus(Demand {
                low_gm: window.aperture().size(),
                high_gm: window.hidden().size(),
                fences: fences.map_or(0, |fences| u32::try_from(fences.len()).unwrap_or(u32::MAX)),
            });
        }
        Ok(Some(usage))
    }

    fn schedule(&self, domid: DomId, wanted: State) -> Result<Seen, ControlError> {
        self.get(domid)?;
        // Without the turn, another's resume between our write and our look would make ours a failure.
        let _turn = ControlLock::take(self.root)?;
        let command = format!("schedule of domain {domid}: {wanted}");
        if let Err(source) = self.port.write_schedule(domid, wanted == State::Active) {
            // Destroyed since we looked?
            self.get(domid)?;
            return Err(self.refused(self.root.vm(domid).join("schedule"), command, source));
        }
        match self.get(domid)?.state {
            Some(state) if state == wanted => Ok(Seen::Confirmed),
            Some(state) => {
                Err(ControlError::Unverified { command, problem: format!("its state is {state}") })
            }
            None => Ok(Seen::AcceptedOnly),
        }
    }

    fn need_module(&self) -> Result<(), ControlError> {
        let path = self.root.vgt();
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => Ok(()),
            Ok(_) => Err(ControlError::ModuleAbsent { path }),
            Err(error) if is_absence(&error) => Err(ControlError::ModuleAbsent { path }),
            Err(error) => Err(node_error(NodeError::new(&path, error))),
        }
    }

    /// Whether the kernel shows a vGPU of `domid`. "Cannot tell" is an error, and never a "no".
    fn is_there(&self, domid: DomId) -> Result<bool, ControlError> {
        let path = self.root.vm(domid);
        path.try_exists().map_err(|error| node_error(NodeError::new(&path, error)))
    }

    /// Turns the kernel's errno for a create into what it most likely means.
    fn explain(
        &self,
        request: &CreateRequest,
        ty: &VgpuType,
        command: String,
        source: io::Error,
    ) -> ControlError {
        let domid = request.domid;
        let errno = source.raw_os_error();
        // Kernels up to 5.4 say EINVAL for this too.
        let taken = errno == Some(libc::EINVAL) && self.root.vm(domid).exists();
        if taken || errno == Some(libc::EEXIST) {
            return ControlError::Exists { domid };
        }
        if matches!(errno, Some(libc::ENOSPC | libc::EINVAL | libc::ENOMEM))
            && let Some(shortage) = self.shortage(domid, ty)
        {
            return shortage;
        }
        match errno {
            Some(libc::ESRCH) => ControlError::NoSuchDomain { domid },
            Some(libc::EOPNOTSUPP) => ControlError::NotHvm { domid },
            Some(libc::ENODEV) => ControlError::NoDevice,
            Some(libc::EBUSY) => ControlError::Busy { domid },
            Some(libc::ENOSPC) => {
                let used = self.usage().ok().flatten().unwrap_or_default();
                let resource = self.resources.map(|resources| resources.remaining(&used, ty).limit);
                ControlError::NoSpace { domid, resource }
            }
            _ => self.refused(self.root.vgt_control(), command, source),
        }
    }

    /// What our own sum says is short, if it says so for certain.
    fn shortage(&self, domid: DomId, ty: &VgpuType) -> Option<ControlError> {
        let resources = self.resources?;
        if let Some(used) = self.usage().ok()? {
            return resources.admit(&used, ty).err().map(|source| ControlError::Capacity { domid, source });
        }
        // Kernels that do not show sizes: how many there are is known, and none is below the smallest type. So
        // what is short is certain, and how much is left only where that is counted in vGPUs, or not at all.
        let [smallest, ..] = VgpuType::ALL;
        let least: Usage = self.list().ok()?.iter().map(|_| &smallest).collect();
        match resources.admit(&least, ty).err()? {
            CapacityError::Full { resource, .. } if resource != Resource::Instances => {
                Some(ControlError::NoSpace { domid, resource: Some(resource) })
            }
            source => Some(ControlError::Capacity { domid, source }),
        }
    }

    /// An error of writing `command` to `path`, where nothing better is known.
    fn refused(&self, path: PathBuf, command: String, source: io::Error) -> ControlError {
        match source.kind() {
            io::ErrorKind::PermissionDenied => ControlError::Permission { path },
            io::ErrorKind::NotFound if !self.root.vgt_control().exists() => {
                ControlError::ModuleAbsent { path: self.root.vgt_control() }
            }
            _ => ControlError::Refused { command, source },
        }
    }
}

/// Whether a path's error means that nothing is there.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A node's error, with "no permission" told apart.
fn node_error(error: NodeError) -> ControlError {
    match error.kind() {
        crate::error::ErrorKind::Permission => ControlError::Permission { path: error.path },
        _ => ControlError::Node(error),
    }
}
