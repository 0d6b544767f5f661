//! Why the control protocol did not do what was asked.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::addr::DomId;
use crate::capacity::{CapacityError, Resource};
use crate::error::{Diagnose, ErrorKind};
use crate::node::NodeError;
use crate::vgpu_type::TypeError;

/// A create, destroy, pause, resume or look-up that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The kernel module's nodes are not there.
    #[error("{} does not exist: the xengt module is not loaded", path.display())]
    ModuleAbsent {
        /// The node that is missing.
        path: PathBuf,
    },
    /// This user may not.
    #[error("no permission for {}", path.display())]
    Permission {
        /// The node.
        path: PathBuf,
    },
    /// The domain has a vGPU already.
    #[error("domain {domid} has a vGPU already")]
    Exists {
        /// The domain.
        domid: DomId,
    },
    /// The domain has no vGPU.
    #[error("domain {domid} has no vGPU")]
    NoVgpu {
        /// The domain.
        domid: DomId,
    },
    /// No such domain runs.
    #[error("there is no domain {domid}")]
    NoSuchDomain {
        /// The domain.
        domid: DomId,
    },
    /// The domain cannot have a vGPU.
    #[error("domain {domid} cannot have a vGPU: it is not HVM with hardware-assisted paging (HAP)")]
    NotHvm {
        /// The domain.
        domid: DomId,
    },
    /// The requested size is no type's.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// The host cannot give it, and we know why.
    #[error("cannot create a vGPU for domain {domid}: {source}")]
    Capacity {
        /// The domain.
        domid: DomId,
        /// What is missing.
        source: CapacityError,
    },
    /// The kernel says that something has run out, and our own sum does not show what.
    #[error("cannot create a vGPU for domain {domid}: the kernel has no space left for it{}", suspect(*.resource))]
    NoSpace {
        /// The domain.
        domid: DomId,
        /// What has most likely run out.
        resource: Option<Resource>,
    },
    /// The kernel has no GPU that GVT-g can share.
    #[error("the kernel has no GPU that GVT-g can share (ENODEV)")]
    NoDevice,
    /// Something else holds what is needed.
    #[error("domain {domid} is busy: another ioreq server has claimed its memory type")]
    Busy {
        /// The domain.
        domid: DomId,
    },
    /// The kernel refused the command for another reason.
    #[error("the kernel refused {command:?}: {source}")]
    Refused {
        /// What was written.
        command: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The kernel took the command, but the result is not there.
    #[error("the kernel accepted {command:?}, but {problem}")]
    Unverified {
        /// What was written.
        command: String,
        /// What was found instead.
        problem: String,
    },
    /// A node could not be read or says what it should not.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The lock between creators cannot be taken.
    #[error("cannot lock {}: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

fn suspect(resource: Option<Resource>) -> String {
    resource.map(|resource| format!(" (most likely {resource})")).unwrap_or_default()
}

impl Diagnose for ControlError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ModuleAbsent { .. } | Self::NotHvm { .. } | Self::NoDevice => ErrorKind::Unsupported,
            Self::Permission { .. } => ErrorKind::Permission,
            Self::Exists { .. } => ErrorKind::Exists,
            Self::NoVgpu { .. } | Self::NoSuchDomain { .. } => ErrorKind::NotFound,
            Self::Type(error) => error.kind(),
            Self::Capacity { source, .. } => source.kind(),
            Self::NoSpace { .. } => ErrorKind::NoSpace,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Refused { source, .. } | Self::Lock { source, .. } => ErrorKind::of_io(source),
            Self::Unverified { .. } => ErrorKind::Failed,
            Self::Node(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::ModuleAbsent { .. } => {
                "load it with `modprobe xengt`; `vgtctl doctor` says what else is missing".into()
            }
            Self::Permission { .. } => "run it as root in dom0".into(),
            Self::Exists { domid } => format!("`vgtctl show --domid {domid}` shows it").into(),
            Self::NoVgpu { .. } => "`vgtctl list` shows which domains have one".into(),
            Self::NoSuchDomain { .. } => "`xl list` shows the domains".into(),
            Self::NotHvm { .. } => "set type=\"hvm\" and hap=1 in its configuration".into(),
            Self::Type(error) => return error.hint(),
            Self::Capacity { source, .. } => return source.hint(),
            Self::NoSpace { .. } => {
                "destroy another vGPU first, or take a smaller type (`vgtctl types`)".into()
            }
            Self::NoDevice | Self::Refused { .. } | Self::Unverified { .. } => {
                "`dmesg` has the kernel's reason; `vgtctl doctor` checks the host".into()
            }
            Self::Busy { .. } => "is another device emulator attached to the domain?".into(),
            Self::Node(error) => return error.hint(),
            Self::Lock { .. } => "is the directory writable? run it as root in dom0".into(),
        })
    }
}
