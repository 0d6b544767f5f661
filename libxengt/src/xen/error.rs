//! What can go wrong between us and the hypervisor.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::path::PathBuf;

use crate::addr::DomId;
use crate::error::{Diagnose, ErrorKind};

/// An error number, as the kernel or Xen gave it. Their numbers agree on x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

impl Errno {
    /// The error that the last system call of this thread left.
    pub(super) fn last() -> Self {
        Self(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }
}

pub(super) type SysResult<T> = Result<T, Errno>;

/// A refused or failed call of the hypervisor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XenError {
    /// A device of Linux's Xen support cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The device.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There is no such domain, or it died.
    #[error("{call}: domain {domid} does not exist (any more)")]
    NoDomain {
        /// What was asked, as Xen calls it.
        call: &'static str,
        /// Of which domain.
        domid: DomId,
    },
    /// Xen or Linux refused a call that concerns one domain.
    #[error("{call} for domain {domid}: {}", os(*errno))]
    Domain {
        /// What was asked, as Xen calls it.
        call: &'static str,
        /// Of which domain.
        domid: DomId,
        /// The error number.
        errno: i32,
    },
    /// Xen or Linux refused a call that concerns no one domain.
    #[error("{call}: {}", os(*errno))]
    Call {
        /// What was asked, as Xen calls it.
        call: &'static str,
        /// The error number.
        errno: i32,
    },
    /// Xen or Linux refused a call about an event channel.
    #[error("{call} {port}: {}", os(*errno))]
    Port {
        /// What was asked.
        call: &'static str,
        /// Our port.
        port: u32,
        /// The error number.
        errno: i32,
    },
    /// Xen answered with something that the call never answers.
    #[error("{call}: got {answer:#x}, expected {expected}")]
    Answer {
        /// What was asked, as Xen calls it.
        call: &'static str,
        /// The answer.
        answer: u64,
        /// What it should have been.
        expected: &'static str,
    },
}

fn os(errno: i32) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}

impl XenError {
    pub(super) fn of_domain(call: &'static str, domid: DomId) -> impl FnOnce(Errno) -> Self {
        move |Errno(errno)| match errno {
            libc::ESRCH => Self::NoDomain { call, domid },
            errno => Self::Domain { call, domid, errno },
        }
    }

    pub(super) fn of_call(call: &'static str) -> impl FnOnce(Errno) -> Self {
        move |Errno(errno)| Self::Call { call, errno }
    }

    pub(super) fn of_port(call: &'static str, port: u32) -> impl FnOnce(Errno) -> Self {
        move |Errno(errno)| Self::Port { call, port, errno }
    }

    /// The error number that the system gave, where it gave one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Open { source, .. } => source.raw_os_error(),
            Self::NoDomain { .. } => Some(libc::ESRCH),
            Self::Domain { errno, .. } | Self::Call { errno, .. } | Self::Port { errno, .. } => Some(*errno),
            Self::Answer { .. } => None,
        }
    }
}

impl Diagnose for XenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { source, .. } => ErrorKind::of_io(source),
            Self::NoDomain { .. } => ErrorKind::NotFound,
            Self::Domain { errno, .. } | Self::Call { errno, .. } | Self::Port { errno, .. } => {
                match *errno {
                    libc::EPERM | libc::EACCES => ErrorKind::Permission,
                    libc::ENOSYS | libc::EOPNOTSUPP | libc::ENOTTY => ErrorKind::Unsupported,
                    libc::ENOENT | libc::ESRCH | libc::ENXIO => ErrorKind::NotFound,
                    libc::EEXIST => ErrorKind::Exists,
                    libc::EBUSY | libc::EAGAIN | libc::EINTR => ErrorKind::Busy,
                    libc::ENOMEM | libc::ENOSPC => ErrorKind::NoSpace,
                    libc::EINVAL | libc::ERANGE => ErrorKind::InvalidInput,
                    _ => ErrorKind::Failed,
                }
            }
            Self::Answer { .. } => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Self::Open { source, .. } => match ErrorKind::of_io(source) {
                ErrorKind::NotFound => {
                    "boot Xen and run this in dom0; if this is dom0, `modprobe xen-privcmd xen-evtchn`"
                }
                ErrorKind::Permission => "run it as root in dom0",
                _ => "`vgtctl doctor` says what this host lacks",
            },
            Self::NoDomain { .. } => "`xl list` shows the domains that live",
            Self::Domain { errno, .. } | Self::Call { errno, .. } | Self::Port { errno, .. } => {
                match *errno {
                    libc::EPERM | libc::EACCES => {
                        "run it as root in dom0: Xen gives this to the control domain only"
                    }
                    libc::ENOSYS => {
                        "this Xen does not have the call; Xen 4.17 or newer has all that is needed"
                    }
                    libc::EOPNOTSUPP => "the domain must be HVM with hardware-assisted paging (hap=1)",
                    libc::ENOTTY => {
                        "this kernel does not have the call; Linux 4.18 or newer has all that is needed"
                    }
                    libc::EINVAL => "the domain must be HVM, and the frames inside its memory",
                    libc::EBUSY => "another emulator holds it, or the domain is being saved; try again later",
                    libc::EAGAIN | libc::EINTR => "Xen was busy for long; try again",
                    libc::ENOMEM => "dom0 or Xen is out of memory: see `xl info` (free_memory)",
                    libc::ENOENT | libc::ENXIO | libc::ENOTCONN => {
                        "Xen knows no such server, range, frame or port (any more); `xl list` shows whether the domain lives"
                    }
                    libc::EEXIST => "it overlaps what the server has already: take that away first",
                    libc::ENOSPC => {
                        "the domain has all that Xen gives it (8 ioreq servers): end one that nobody uses"
                    }
                    _ => "`xl dmesg` and dom0's `dmesg` may say why",
                }
            }
            Self::Answer { .. } => "this Xen does not keep its stable ABI; report it with `xl info`",
        };
        Some(hint.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, XenError};
    use crate::addr::DomId;
    use crate::error::{Diagnose, ErrorKind};

    #[test]
    fn every_errno_has_a_kind_and_names_its_operands() {
        for errno in 1..=133 {
            let error = XenError::of_domain("XEN_DMOP_nr_vcpus", DomId::new(7))(Errno(errno));
            let text = error.to_string();
            assert!(text.contains("XEN_DMOP_nr_vcpus") && text.contains("domain 7"), "{text}");
            assert_eq!(error.errno(), Some(errno));
            let call = XenError::of_call("xen_version")(Errno(errno));
            assert!(call.to_string().starts_with("xen_version: "));
            let port = XenError::of_port("EVTCHNOP_send", 41)(Errno(errno));
            assert!(port.to_string().starts_with("EVTCHNOP_send 41: "), "{port}");
            assert_eq!((port.errno(), port.kind()), (Some(errno), call.kind()));
            for error in [error, call, port] {
                assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
            }
        }
    }

    #[test]
    fn what_users_meet_has_a_fix() {
        let of = |errno| XenError::of_domain("mmapbatch", DomId::new(7))(Errno(errno));
        for (errno, kind) in [
            (libc::ESRCH, ErrorKind::NotFound),
            (libc::EPERM, ErrorKind::Permission),
            (libc::EACCES, ErrorKind::Permission),
            (libc::ENOSYS, ErrorKind::Unsupported),
            (libc::EOPNOTSUPP, ErrorKind::Unsupported),
            (libc::EBUSY, ErrorKind::Busy),
            (libc::ENOMEM, ErrorKind::NoSpace),
            (libc::EINVAL, ErrorKind::InvalidInput),
        ] {
            assert_eq!(of(errno).kind(), kind, "{errno}");
            assert!(of(errno).hint().is_some(), "{errno}");
        }
        assert!(matches!(of(libc::ESRCH), XenError::NoDomain { .. }));
    }
}
