//! Checks that ask Xen and xenstore.

use std::path::Path;

use libxengt::addr::DomId;
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::host::Host;
use libxengt::xen::xenstore::Xenstore;
use libxengt::xen::{Domctl, MfnExtension, Xen, XenError};

use super::Check;

/// The hypervisor, or why it does not answer.
pub(super) enum Answering {
    Yes(Xen),
    No(XenError),
    Simulated,
    /// The host's files are a copy under --root, and the hypervisor is not one of them.
    Files,
}

pub(super) const SIMULATED: &str = "a simulated host has no hypervisor";
pub(super) const FILES: &str = "there are no Xen devices under this --root";
/// The oldest Xen that has every call that the kernel module makes.
const OLDEST: (u32, u32) = (4, 17);

pub(super) fn open(host: &Host) -> Answering {
    match host.sim() {
        Some(_) => Answering::Simulated,
        None => match Xen::open(host.root()) {
            Ok(xen) => Answering::Yes(xen),
            Err(error) if error.kind() == ErrorKind::NotFound && host.root().path() != Path::new("/") => {
                log::debug!("{error}");
                Answering::Files
            }
            Err(error) => Answering::No(error),
        },
    }
}

pub(super) fn failed(check: &'static str, error: &XenError) -> Check {
    let fix = error.hint().map_or_else(|| "see the message".to_owned(), std::borrow::Cow::into_owned);
    Check::fail(check, error.to_string(), fix)
}

pub(super) fn version(xen: &Answering) -> Check {
    const CHECK: &str = "xen version";
    let xen = match xen {
        Answering::Yes(xen) => xen,
        Answering::No(error) => return failed(CHECK, error),
        Answering::Simulated => return Check::skip(CHECK, SIMULATED),
        Answering::Files => return Check::skip(CHECK, FILES),
    };
    let (version, capabilities) = match xen.version().and_then(|v| Ok((v, xen.capabilities()?))) {
        Ok(answers) => answers,
        Err(error) => return failed(CHECK, &error),
    };
    if (version.major, version.minor) < OLDEST {
        return Check::fail(CHECK, format!("Xen {version}"), "install Xen 4.17 or newer");
    }
    if !capabilities.split(' ').any(|word| word == "hvm-3.0-x86_64") {
        let fix = "switch VT-x on in the firmware's setup: a vGPU needs an HVM guest";
        return Check::fail(CHECK, format!("Xen {version} runs no HVM guests ({capabilities})"), fix);
    }
    Check::ok(CHECK, format!("Xen {version}, runs HVM guests"))
}

pub(super) fn mfn_extension(xen: &Answering) -> Check {
    const CHECK: &str = "get_mfn_from_pfn";
    let xen = match xen {
        Answering::Yes(xen) => xen,
        Answering::No(_) => return Check::skip(CHECK, "Xen does not answer"),
        Answering::Simulated => return Check::skip(CHECK, SIMULATED),
        Answering::Files => return Check::skip(CHECK, FILES),
    };
    match xen.mfn_extension() {
        Ok(MfnExtension::MarksHoles) => Check::ok(CHECK, "present (memory subop 29), and marks holes"),
        Ok(MfnExtension::Present) => Check::ok(CHECK, "present (memory subop 29)"),
        Ok(MfnExtension::Absent) => Check::ok(CHECK, "absent, as in stock Xen; our kernel does not need it"),
        Err(error) => failed(CHECK, &error),
    }
}

pub(super) fn domctl(xen: &Answering) -> Check {
    const CHECK: &str = "domctl";
    let xen = match xen {
        Answering::Yes(xen) => xen,
        Answering::No(_) => return Check::skip(CHECK, "Xen does not answer"),
        Answering::Simulated => return Check::skip(CHECK, SIMULATED),
        Answering::Files => return Check::skip(CHECK, FILES),
    };
    domctl_said(xen.domctl())
}

fn domctl_said(answer: Result<Domctl, XenError>) -> Check {
    const CHECK: &str = "domctl";
    match answer {
        Ok(Domctl::Granted { interface }) => {
            Check::ok(CHECK, format!("Xen grants it to this domain (interface {interface:#x})"))
        }
        Ok(Domctl::Denied) => Check::fail(
            CHECK,
            "Xen denies it to this domain",
            "run it in dom0: only the control domain gives guests the GPU's memory and ports",
        ),
        Ok(_) => Check::skip(
            CHECK,
            "unknown: Xen's interface is none of 4.17 to 4.20, or its security policy (FLASK) denies the probe",
        ),
        Err(error) => failed(CHECK, &error),
    }
}

pub(super) fn iommu(xen: &Answering) -> Check {
    const CHECK: &str = "iommu";
    let xen = match xen {
        Answering::Yes(xen) => xen,
        Answering::No(_) => return Check::skip(CHECK, "Xen does not answer"),
        Answering::Simulated => return Check::skip(CHECK, SIMULATED),
        Answering::Files => return Check::skip(CHECK, FILES),
    };
    let line = match xen.command_line() {
        Ok(line) => line,
        Err(error) => return failed(CHECK, &error),
    };
    let has = |option: &str, value: &str| {
        let values = line.split(' ').filter_map(|word| word.strip_prefix(option)?.strip_prefix('='));
        values.flat_map(|list| list.split(',')).any(|word| word == value)
    };
    if has("dom0-iommu", "strict") {
        return Check::fail(
            CHECK,
            "dom0-iommu=strict is on Xen's command line: the GPU cannot reach guests' memory",
            "take it off Xen's command line, or add iommu=no-igfx",
        );
    }
    let igfx =
        if has("iommu", "no-igfx") { "iommu=no-igfx is set" } else { "the GPU's unit is left as it is" };
    Check::ok(CHECK, igfx)
}

/// The domains that live, or why that cannot be found out.
pub(super) fn live_domains(host: &Host) -> Result<Vec<DomId>, String> {
    if let Some(sim) = host.sim() {
        let domains = sim.domains().map_err(|error| error.to_string())?;
        return Ok(domains.iter().filter_map(|domain| DomId::try_new(domain.domid.into()).ok()).collect());
    }
    let mut store = Xenstore::open(host.root()).map_err(|error| error.to_string())?;
    let domains = store.domains().map_err(|error| error.to_string())?;
    Ok(domains.into_iter().map(|domain| domain.domid).collect())
}

#[cfg(test)]
mod tests {
    use libxengt::xen::{Domctl, XenError};

    use super::domctl_said;
    use crate::commands::doctor::Verdict;

    #[test]
    fn only_a_denial_or_a_failure_of_domctl_fails() {
        let call = "XEN_DOMCTL_getdomaininfo";
        for (answer, verdict) in [
            (Ok(Domctl::Granted { interface: 0x15 }), Verdict::Ok),
            (Ok(Domctl::UnknownInterface), Verdict::Skip),
            (Ok(Domctl::Denied), Verdict::Fail),
            (Err(XenError::Call { call, errno: 38 }), Verdict::Fail),
        ] {
            let check = domctl_said(answer);
            assert_eq!(check.verdict, verdict, "{check:?}");
            assert_eq!(check.fix.is_some(), verdict == Verdict::Fail, "{check:?}");
        }
    }
}
