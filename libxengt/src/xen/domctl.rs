//! One call of domctl, as a probe: who may make it, and what kind of domain one is. Source:
//! xen/include/public/domctl.h.
//!
//! domctl changes between releases, and this library is made of stable calls. So only fields that lie in one place in
//! all these versions are read, nothing but the probe depends on them, and a version that is not known is an answer
//! and no error.
#![forbid(unsafe_code)]

use libxengt_sys as sys;

use super::Xen;
use super::device_model::DeviceModel;
use super::driver::{DomainInfo, Hypercall};
use super::error::{Errno, SysResult, XenError};
use super::retry::retry;
use crate::addr::DomId;

const CALL: &str = "XEN_DOMCTL_getdomaininfo";
/// The versions of the interface whose leading fields are known: of Xen 4.19 and 4.20, 4.18, 4.17.
const INTERFACES: [u32; 3] = [0x17, 0x16, 0x15];

/// Whether this domain may control others by domctl, as `xl` and device passthrough do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domctl {
    /// It may.
    Granted {
        /// The version of the interface that Xen speaks.
        interface: u32,
    },
    /// It may not.
    Denied,
    /// Xen speaks none of the versions that are known here; or its security policy (FLASK) denies the call, which has
    /// the same answer.
    UnknownInterface,
}

/// What kind of domain one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainKind {
    /// Whether it is HVM or PVH, which Xen does not tell apart; libxl notes it in xenstore, `/libxl/DOMID/type`.
    pub hvm: bool,
    /// Whether it has hardware-assisted paging; `None` where only domctl could tell, and does not.
    pub hap: Option<bool>,
    /// Whether it is being destroyed; `false` where only domctl could tell, and does not.
    pub dying: bool,
}

impl Xen {
    /// Whether domctl may be called, found out by asking about domain 0.
    ///
    /// # Errors
    /// [`XenError`] if Xen fails otherwise.
    pub fn domctl(&self) -> Result<Domctl, XenError> {
        match self.domain_info(0) {
            Ok(Some((interface, DomainInfo { domain: 0, .. }))) => Ok(Domctl::Granted { interface }),
            Ok(Some((_, info))) => {
                Err(XenError::Answer { call: CALL, answer: info.domain.into(), expected: "domain 0" })
            }
            Ok(None) => Ok(Domctl::UnknownInterface),
            Err(Errno(libc::EPERM)) => Ok(Domctl::Denied),
            Err(error) => Err(XenError::of_call(CALL)(error)),
        }
    }

    /// What kind of domain `domid` is: by domctl, or else as far as the stable calls tell.
    ///
    /// # Errors
    /// [`XenError`]; [`XenError::NoDomain`] if there is no such domain.
    pub fn domain_kind(&self, domid: DomId) -> Result<DomainKind, XenError> {
        let info = match self.domain_info(domid.get()) {
            Ok(info) => info,
            Err(Errno(libc::EPERM | libc::ENOSYS)) => None,
            Err(error) => return Err(XenError::of_domain(CALL, domid)(error)),
        };
        match info {
            Some((_, info)) if info.domain == domid.get() => Ok(DomainKind {
                hvm: info.flags & sys::XEN_DOMINF_hvm_guest != 0,
                hap: Some(info.flags & sys::XEN_DOMINF_hap != 0),
                dying: info.flags & sys::XEN_DOMINF_dying != 0,
            }),
            // Up to Xen 4.18 the answer for a domain that does not exist is about the next one that does.
            Some(_) => Err(XenError::NoDomain { call: CALL, domid }),
            None => self.kind_by_stable_calls(domid),
        }
    }

    /// Device models' calls are for HVM domains only.
    fn kind_by_stable_calls(&self, domid: DomId) -> Result<DomainKind, XenError> {
        let hvm = match DeviceModel::asking(self, domid).vcpus() {
            Ok(_) => true,
            Err(XenError::Domain { errno: libc::EINVAL, .. }) => false,
            Err(error) => return Err(error),
        };
        Ok(DomainKind { hvm, hap: None, dying: false })
    }

    /// What domctl says of `domid` with the version of its interface, or `None` if no known version is right.
    fn domain_info(&self, domid: u16) -> SysResult<Option<(u32, DomainInfo)>> {
        for interface in INTERFACES {
            // No domain's id, in case that Xen says nothing.
            let unsaid = DomainInfo { domain: sys::SYS_DOMID_INVALID, flags: 0 };
            let mut info = unsaid;
            let done = retry(|| {
                info = unsaid;
                self.driver.hypercall(&mut Hypercall::DomainInfo { domid, interface, info: &mut info })
            });
            match done {
                Ok(_) => return Ok(Some((interface, info))),
                Err(Errno(libc::EACCES)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::XenError;
    use super::super::mock::{DOMID, MockDriver};
    use super::{DomainKind, Domctl};
    use crate::addr::DomId;

    #[test]
    fn the_interface_of_every_known_xen_is_found_and_others_are_unknown() {
        let (xen, mock) = MockDriver::xen(1);
        for (interface, known) in [(0x14, false), (0x15, true), (0x16, true), (0x17, true), (0x18, false)] {
            mock.set(|state| state.domctl = interface);
            let expected = if known { Domctl::Granted { interface } } else { Domctl::UnknownInterface };
            assert_eq!(xen.domctl().unwrap(), expected);
        }
    }

    #[test]
    fn every_errno_is_a_denial_an_unknown_interface_or_an_error() {
        let (xen, mock) = MockDriver::xen(1);
        for errno in 1..=133 {
            mock.set(|state| state.fail_always = Some(errno));
            match errno {
                libc::EPERM => assert_eq!(xen.domctl().unwrap(), Domctl::Denied),
                libc::EACCES => assert_eq!(xen.domctl().unwrap(), Domctl::UnknownInterface),
                _ => assert_eq!(xen.domctl().unwrap_err().errno(), Some(errno)),
            }
            assert_eq!(xen.domain_kind(DOMID).unwrap_err().errno(), Some(errno));
        }
    }

    #[test]
    fn a_domains_kind_is_in_its_flags() {
        let (xen, mock) = MockDriver::xen(1);
        for (flags, hvm, hap, dying) in [
            (0x102, true, true, false),
            (0x12, true, false, false),
            (0x10, false, false, false),
            (0x103, true, true, true),
        ] {
            mock.set(|state| (state.domctl, state.flags) = (0x15, flags));
            let kind = xen.domain_kind(DOMID).unwrap();
            assert_eq!(kind, DomainKind { hvm, hap: Some(hap), dying }, "{flags:#x}");
        }
        assert!(mock.get(|state| state.dm_ops.is_empty()), "nothing else is asked where domctl answers");
    }

    #[test]
    fn a_domain_that_is_not_there_is_not_taken_for_the_next_one() {
        let (xen, mock) = MockDriver::xen(1);
        for (tells_next, domid) in [(false, 3), (true, 3), (false, 9), (true, 9)] {
            mock.set(|state| (state.domctl, state.tells_next) = (0x16, tells_next));
            let error = xen.domain_kind(DomId::new(domid)).unwrap_err();
            assert!(matches!(error, XenError::NoDomain { .. }), "{error}");
        }
    }

    #[test]
    fn without_domctl_the_stable_calls_tell_all_but_hap() {
        let (xen, mock) = MockDriver::xen(1);
        let unknown = |hvm| DomainKind { hvm, hap: None, dying: false };
        for denied in [None, Some(libc::EPERM), Some(libc::ENOSYS)] {
            let refuse = || mock.set(|state| state.fail_next = denied.into_iter().collect());
            mock.set(|state| (state.domctl, state.not_hvm) = (0x99, false));
            refuse();
            assert_eq!(xen.domain_kind(DOMID).unwrap(), unknown(true));
            mock.set(|state| state.not_hvm = true);
            refuse();
            assert_eq!(xen.domain_kind(DOMID).unwrap(), unknown(false));
            refuse();
            let gone = xen.domain_kind(DomId::new(9));
            assert!(matches!(gone, Err(XenError::NoDomain { .. })), "{gone:?}");
        }
        assert!(mock.get(|state| state.restricted.is_none()), "asking gives up no right");
    }
}
