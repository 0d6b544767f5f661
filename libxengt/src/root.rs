//! Every path the library reads or writes hangs on one root directory.
//!
//! In production that is `/`. The simulated host and the tests put the same tree under a directory of their
//! own, so the code that runs on a laptop is the code that is tested.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use crate::addr::DomId;

/// The directory that plays `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The running system's own root.
    #[must_use]
    pub fn system() -> Self {
        Self::at("/")
    }

    /// A tree under `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The root directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `relative` under this root. A leading slash does not escape it.
    #[must_use]
    pub fn join(&self, relative: &str) -> PathBuf {
        self.path.join(relative.trim_start_matches('/'))
    }

    /// Where PCI functions are listed, one directory each.
    #[must_use]
    pub fn pci_devices(&self) -> PathBuf {
        self.join("sys/bus/pci/devices")
    }

    /// The `vgt` kset of the kernel module.
    #[must_use]
    pub fn vgt(&self) -> PathBuf {
        self.join("sys/kernel/vgt")
    }

    /// The node that takes create and destroy commands.
    #[must_use]
    pub fn vgt_control(&self) -> PathBuf {
        self.join("sys/kernel/vgt/control/create_vgt_instance")
    }

    /// The directory of one domain's vGPU.
    #[must_use]
    pub fn vm(&self, domid: DomId) -> PathBuf {
        self.vgt().join(format!("vm{domid}"))
    }

    /// The debugfs directory of one domain's vGPU: its virtual GGTT and MMIO image.
    #[must_use]
    pub fn debug_vm(&self, domid: DomId) -> PathBuf {
        self.debug().join("xengt").join(format!("vm{domid}"))
    }

    /// Where debugfs is mounted.
    #[must_use]
    pub fn debug(&self) -> PathBuf {
        self.join("sys/kernel/debug")
    }

    /// The running kernel's command line.
    #[must_use]
    pub fn kernel_command_line(&self) -> PathBuf {
        self.join("proc/cmdline")
    }

    /// A loaded module's directory.
    #[must_use]
    pub fn module(&self, name: &str) -> PathBuf {
        self.join("sys/module").join(name)
    }

    /// The file whose `control_d` says that this is dom0.
    #[must_use]
    pub fn xen_capabilities(&self) -> PathBuf {
        self.join("proc/xen/capabilities")
    }

    /// What kind of hypervisor runs below, in one word.
    #[must_use]
    pub fn hypervisor_type(&self) -> PathBuf {
        self.join("sys/hypervisor/type")
    }

    /// The lock that makes this tool's creators take turns.
    #[must_use]
    pub fn control_lock(&self) -> PathBuf {
        self.join("run/xengt/control.lock")
    }
}

#[cfg(test)]
mod tests {
    use super::Root;
    use crate::addr::DomId;

    #[test]
    fn paths_stay_under_the_root() {
        let root = Root::at("/tmp/x");
        assert_eq!(root.join("/sys").to_str(), Some("/tmp/x/sys"));
        assert_eq!(root.vm(DomId::new(7)).to_str(), Some("/tmp/x/sys/kernel/vgt/vm7"));
        assert_eq!(Root::system().vgt().to_str(), Some("/sys/kernel/vgt"));
    }
}
