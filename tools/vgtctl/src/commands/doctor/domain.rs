//! Checks of one domain: does it live, and could it have a vGPU?

use libxengt::addr::DomId;
use libxengt::host::Host;
use libxengt::sim::DomainKind as SimKind;
use libxengt::xen::xenstore::Xenstore;
use libxengt::xen::{DomainKind, XenError};

use super::super::domains;
use super::Check;
use super::hypervisor::{self, Answering};
use crate::cli::OptionalDomain;

const DOMAIN: &str = "domain";
const HVM: &str = "domain is HVM";
const HAP: &str = "domain has HAP";
const LIST: &str = "`xl list` shows the domains that live";

/// What Xen has one kind of and libxl two: PVH domains are HVM ones without a device model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GuestType {
    Hvm,
    Pvh,
}

impl GuestType {
    /// What libxl noted in xenstore when it made the domain; `None` if somebody else made it, or it says neither.
    fn of(host: &Host, domid: DomId) -> Option<Self> {
        let read =
            Xenstore::open(host.root()).and_then(|mut store| store.read(&format!("/libxl/{domid}/type")));
        read.unwrap_or_else(|error| {
            log::info!("whether domain {domid} is PVH cannot be found out: {error}");
            None
        })
        .and_then(|value| Self::parse(&value))
    }

    fn parse(value: &[u8]) -> Option<Self> {
        match value {
            b"hvm" => Some(Self::Hvm),
            b"pvh" => Some(Self::Pvh),
            _ => None,
        }
    }
}

/// Nothing where no domain is asked about.
pub(super) fn all(host: &Host, xen: &Answering, asked: &OptionalDomain) -> Vec<Check> {
    let domid = match domains::resolve_optional(host, asked) {
        Ok(None) => return Vec::new(),
        Ok(Some(domid)) => domid,
        Err(failure) => {
            let fix = failure.hint.unwrap_or_else(|| LIST.to_owned());
            return after(Check::fail(DOMAIN, failure.message, fix), "which domain is meant is not known");
        }
    };
    match xen {
        Answering::Yes(xen) => match xen.domain_kind(domid) {
            Ok(kind) => found(&titled(host, domid), kind, GuestType::of(host, domid)),
            Err(error @ XenError::NoDomain { .. }) => {
                after(Check::fail(DOMAIN, error.to_string(), LIST), "there is no such domain")
            }
            Err(error) => after(hypervisor::failed(DOMAIN, &error), "Xen does not tell"),
        },
        Answering::No(_) => after(Check::skip(DOMAIN, "Xen does not answer"), "Xen does not answer"),
        Answering::Files => after(Check::skip(DOMAIN, hypervisor::FILES), hypervisor::FILES),
        Answering::Simulated => match simulated(host, domid) {
            Ok(Some(kind)) => found(&titled(host, domid), kind, Some(GuestType::Hvm)),
            Ok(None) => {
                let none = Check::fail(
                    DOMAIN,
                    format!("there is no domain {domid}"),
                    "`vgtctl sim domains` shows them",
                );
                after(none, "there is no such domain")
            }
            Err(why) => after(Check::skip(DOMAIN, why), "the simulated host does not tell"),
        },
    }
}

/// What cannot be asked any more after `first`.
fn after(first: Check, why: &'static str) -> Vec<Check> {
    vec![first, Check::skip(HVM, why), Check::skip(HAP, why)]
}

fn simulated(host: &Host, domid: DomId) -> Result<Option<DomainKind>, String> {
    let domains = host.sim().map(|sim| sim.domains().map_err(|error| error.to_string())).transpose()?;
    let domain = domains.into_iter().flatten().find(|domain| domain.domid == domid.get());
    Ok(domain.map(|domain| {
        let hvm = domain.kind == SimKind::Hvm;
        DomainKind { hvm, hap: Some(hvm), dying: false }
    }))
}

fn titled(host: &Host, domid: DomId) -> String {
    let name = domains::domain_name(host, domid).map(|name| format!(" ({name})")).unwrap_or_default();
    format!("domain {domid}{name}")
}

fn found(domain: &str, kind: DomainKind, told: Option<GuestType>) -> Vec<Check> {
    const SET: &str = "set type=\"hvm\" in its configuration";
    let lives = if kind.dying {
        Check::fail(DOMAIN, format!("{domain} is being destroyed"), "start it again")
    } else {
        Check::ok(DOMAIN, format!("{domain} lives"))
    };
    let hvm = match (kind.hvm, told) {
        (false, _) => Check::fail(HVM, "it is a PV domain", SET),
        (true, Some(GuestType::Hvm)) => Check::ok(HVM, "it is"),
        (true, Some(GuestType::Pvh)) => {
            Check::fail(HVM, "it is a PVH domain: it has no device model, and a vGPU needs one", SET)
        }
        (true, None) => Check::warn(
            HVM,
            "it is HVM or PVH: Xen does not tell which, and xenstore has no note of libxl's",
            "see that its configuration has type=\"hvm\": a PVH domain has no device model, and a vGPU needs one",
        ),
    };
    let hap = match (kind.hvm, kind.hap) {
        (false, _) => Check::skip(HAP, "only HVM domains have"),
        (true, Some(true)) => Check::ok(HAP, "it has hardware-assisted paging"),
        (true, Some(false)) => Check::fail(
            HAP,
            "it has shadow paging: the kernel module cannot follow its memory",
            "set hap=1 in its configuration; if that does not help, the CPU has no EPT or Xen runs with hap=0",
        ),
        (true, None) => Check::warn(
            HAP,
            "unknown: only domctl could tell, which does not answer",
            "ask in dom0 of Xen 4.17 to 4.20; elsewhere see that neither its configuration nor Xen's command line \
             has hap=0",
        ),
    };
    vec![lives, hvm, hap]
}

#[cfg(test)]
mod tests {
    use super::GuestType::{Hvm, Pvh};
    use super::{DomainKind, GuestType, found};
    use crate::commands::doctor::Verdict::{Fail, Ok, Skip, Warn};

    #[test]
    fn what_is_wrong_fails_and_what_is_not_known_is_no_silent_pass() {
        for (hvm, told, hap, dying, verdicts) in [
            (true, Some(Hvm), Some(true), false, [Ok, Ok, Ok]),
            (true, Some(Hvm), Some(false), false, [Ok, Ok, Fail]),
            (true, Some(Hvm), None, false, [Ok, Ok, Warn]),
            (true, Some(Pvh), Some(true), false, [Ok, Fail, Ok]),
            (true, Some(Pvh), None, false, [Ok, Fail, Warn]),
            (true, None, Some(true), false, [Ok, Warn, Ok]),
            (true, None, None, false, [Ok, Warn, Warn]),
            (false, None, Some(false), false, [Ok, Fail, Skip]),
            (false, None, None, false, [Ok, Fail, Skip]),
            // Xen knows better than a note.
            (false, Some(Hvm), None, false, [Ok, Fail, Skip]),
            (true, Some(Hvm), Some(true), true, [Fail, Ok, Ok]),
        ] {
            let checks = found("domain 7 (work)", DomainKind { hvm, hap, dying }, told);
            let seen: Vec<_> = checks.iter().map(|check| check.verdict).collect();
            assert_eq!(seen, verdicts, "{checks:?}");
            assert!(checks[0].evidence.starts_with("domain 7 (work) "));
            assert!(checks.iter().all(|check| matches!(check.verdict, Fail | Warn) == check.fix.is_some()));
            let said = checks[1].evidence.as_str();
            assert_eq!(said.contains("HVM or PVH"), checks[1].verdict == Warn, "{said}");
        }
    }

    #[test]
    fn libxls_note_tells_pvh_from_hvm_and_anything_else_tells_nothing() {
        let notes: [&[u8]; 6] = [b"hvm", b"pvh", b"pv", b"", b"hvm\0", b"HVM"];
        assert_eq!(notes.map(GuestType::parse), [Some(Hvm), Some(Pvh), None, None, None, None]);
    }
}
