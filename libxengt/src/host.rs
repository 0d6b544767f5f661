//! One host: a root, the GPU under it, and whoever answers the control protocol there.
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;

use crate::addr::DomId;
use crate::bar::{BarError, Mapping, Mmio};
use crate::capacity::{GPU_FENCES, HostResources};
use crate::control::{Control, ControlPort, KernelPort};
use crate::gpu::{self, Gpu, GpuError};
use crate::root::Root;
use crate::sim::{Sim, SimError};

/// A real host, or a simulated one.
#[derive(Debug)]
pub struct Host {
    root: Root,
    port: Port,
}

#[derive(Debug)]
enum Port {
    Kernel(KernelPort),
    Sim(Sim),
}

impl Host {
    /// The host under `root`. A directory that holds a simulated host is recognised as one.
    ///
    /// # Errors
    /// [`SimError`] if the simulated host there is damaged. A real root is not looked at yet.
    pub fn open(root: Root) -> Result<Self, SimError> {
        Ok(match Sim::detect(root.path())? {
            Some(sim) => Self { root, port: Port::Sim(sim) },
            None => Self { port: Port::Kernel(KernelPort::new(root.clone())), root },
        })
    }

    /// The simulated host under `dir`, made if there is none.
    ///
    /// # Errors
    /// [`SimError`].
    pub fn simulated(dir: &Path) -> Result<Self, SimError> {
        let sim = Sim::open_or_init(dir)?;
        Ok(Self { root: Root::at(dir), port: Port::Sim(sim) })
    }

    /// The root its files hang on.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The simulated host, if it is one.
    #[must_use]
    pub fn sim(&self) -> Option<&Sim> {
        match &self.port {
            Port::Sim(sim) => Some(sim),
            Port::Kernel(_) => None,
        }
    }

    /// The GPU.
    ///
    /// # Errors
    /// [`GpuError`].
    pub fn gpu(&self) -> Result<Gpu, GpuError> {
        gpu::find(&self.root)
    }

    /// The control protocol. What the GPU has explains refusals; where no GPU can be seen they stay bare.
    #[must_use]
    pub fn control(&self) -> Control<'_, Self> {
        Control::new(&self.root, self, self.gpu().ok().and_then(|gpu| gpu.resources()))
    }
}

impl ControlPort for Host {
    fn write_control(&self, text: &str) -> io::Result<()> {
        match &self.port {
            Port::Kernel(port) => port.write_control(text),
            Port::Sim(sim) => sim.write_control(text),
        }
    }

    fn write_schedule(&self, domid: DomId, run: bool) -> io::Result<()> {
        match &self.port {
            Port::Kernel(port) => port.write_schedule(domid, run),
            Port::Sim(sim) => sim.write_schedule(domid, run),
        }
    }
}

impl Gpu {
    /// What the GPU has for vGPUs, or `None` where the size of its GGTT cannot be read (not root).
    #[must_use]
    pub fn resources(&self) -> Option<HostResources> {
        let ggtt = self.config.ggtt_bytes()?;
        Some(HostResources { aperture: self.aperture.len, ggtt, fences: GPU_FENCES })
    }

    /// Maps BAR 0: registers and GGTT.
    ///
    /// # Errors
    /// [`BarError`] if it cannot be mapped. Where the GGTT's size is unknown, none of it can be read.
    pub fn map_mmio(&self) -> Result<Mmio, BarError> {
        Mmio::open(&self.dir.join("resource0"), self.mmio.len, self.config.ggtt_bytes().unwrap_or(0))
    }

    /// Maps BAR 2, the aperture.
    ///
    /// # Errors
    /// [`BarError`] if it cannot be mapped.
    pub fn map_aperture(&self) -> Result<Mapping, BarError> {
        Mapping::open(&self.dir.join("resource2"), self.aperture.len)
    }
}
