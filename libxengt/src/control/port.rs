//! Where commands go: the kernel's sysfs nodes, or the simulated host that answers as they do.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::addr::DomId;
use crate::root::Root;

/// Takes the control protocol's writes and answers with the kernel's errnos.
pub trait ControlPort {
    /// Writes `text` to `create_vgt_instance` in one write.
    ///
    /// # Errors
    /// The errno of the write: EINVAL, EEXIST, ESRCH, EOPNOTSUPP, ENOSPC, ENOMEM, EBUSY, ENODEV (new
    /// kernels), EINVAL for everything (old ones); or that of opening the node.
    fn write_control(&self, text: &str) -> io::Result<()>;

    /// Writes 1 (run) or 0 (pause) to the domain's `schedule`.
    ///
    /// # Errors
    /// The errno of the write or of opening the node.
    fn write_schedule(&self, domid: DomId, run: bool) -> io::Result<()>;
}

/// The kernel's own nodes under a root.
#[derive(Debug, Clone)]
pub struct KernelPort {
    root: Root,
}

impl KernelPort {
    /// The nodes under `root`.
    #[must_use]
    pub fn new(root: Root) -> Self {
        Self { root }
    }
}

impl ControlPort for KernelPort {
    fn write_control(&self, text: &str) -> io::Result<()> {
        write_once(&self.root.vgt_control(), text)
    }

    fn write_schedule(&self, domid: DomId, run: bool) -> io::Result<()> {
        write_once(&self.root.vm(domid).join("schedule"), if run { "1" } else { "0" })
    }
}

/// Writes `text` in exactly one `write`: sysfs takes each write as a whole command, so the usual
/// write-until-done loop would turn a short write into a second, different command.
fn write_once(path: &Path, text: &str) -> io::Result<()> {
    // Never waits, whatever the path is. No `create` and no `truncate`: a missing node must stay missing, and sysfs ignores truncation.
    let mut file = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let written = file.write(text.as_bytes())?;
    if written == text.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}
