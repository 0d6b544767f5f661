//! Checks of one domain: does it live, and could it have a vGPU?

use libxengt::addr::DomId;
use libxengt::host::Host;
use libxengt::sim::DomainKind as SimKind;
use libxengt::xen::{DomainKind, XenError};

use super::super::domains;
use super::Check;
use super::hypervisor::{self, Answering};
use crate::cli::OptionalDomain;

const DOMAIN: &str = "domain";
const HVM: &str = "domain is HVM";
const HAP: &str = "domain has HAP";
const LIST: &str = "`xl list` shows the domains that live";

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
            Ok(kind) => found(&titled(host, domid), kind),
            Err(error @ XenError::NoDomain { .. }) => {
                after(Check::fail(DOMAIN, error.to_string(), LIST), "there is no such domain")
            }
            Err(error) => after(hypervisor::failed(DOMAIN, &error), "Xen does not tell"),
        },
        Answering::No(_) => after(Check::skip(DOMAIN, "Xen does not answer"), "Xen does not answer"),
        Answering::Files => after(Check::skip(DOMAIN, hypervisor::FILES), hypervisor::FILES),
        Answering::Simulated => match simulated(host, domid) {
            Ok(Some(kind)) => found(&titled(host, domid), kind),
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

fn found(domain: &str, kind: DomainKind) -> Vec<Check> {
    let lives = if kind.dying {
        Check::fail(DOMAIN, format!("{domain} is being destroyed"), "start it again")
    } else {
        Check::ok(DOMAIN, format!("{domain} lives"))
    };
    let hvm = if kind.hvm {
        Check::ok(HVM, "it is")
    } else {
        Check::fail(HVM, "it is a PV domain", "set type=\"hvm\" in its configuration")
    };
    let hap = match (kind.hvm, kind.hap) {
        (false, _) => Check::skip(HAP, "only HVM domains have"),
        (true, Some(true)) => Check::ok(HAP, "it has hardware-assisted paging"),
        (true, Some(false)) => Check::fail(
            HAP,
            "it has shadow paging: the kernel module cannot follow its memory",
            "set hap=1 in its configuration; if that does not help, the CPU has no EPT or Xen runs with hap=0",
        ),
        (true, None) => Check::skip(HAP, "HAP unknown: only domctl could tell, which does not answer"),
    };
    vec![lives, hvm, hap]
}

#[cfg(test)]
mod tests {
    use super::{DomainKind, found};
    use crate::commands::doctor::Verdict::{Fail, Ok, Skip};

    #[test]
    fn a_kind_that_is_not_known_is_no_failure_and_one_that_is_wrong_is() {
        for (hvm, hap, dying, verdicts) in [
            (true, Some(true), false, [Ok, Ok, Ok]),
            (true, Some(false), false, [Ok, Ok, Fail]),
            (true, None, false, [Ok, Ok, Skip]),
            (false, Some(false), false, [Ok, Fail, Skip]),
            (false, None, false, [Ok, Fail, Skip]),
            (true, Some(true), true, [Fail, Ok, Ok]),
        ] {
            let checks = found("domain 7 (work)", DomainKind { hvm, hap, dying });
            let seen: Vec<_> = checks.iter().map(|check| check.verdict).collect();
            assert_eq!(seen, verdicts, "{checks:?}");
            assert!(checks[0].evidence.starts_with("domain 7 (work) "));
            assert!(checks.iter().all(|check| (check.verdict == Fail) == check.fix.is_some()));
        }
    }
}
