//! Domains and their names, as the simulated host or xenstore has them.

use libxengt::addr::DomId;
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::host::Host;
use libxengt::sim::Domain as SimDomain;
use libxengt::xen::xenstore::{NamedDomain, StoreError, Xenstore, find_domain};

use crate::cli::{Domain, OptionalDomain};
use crate::exit_code;
use crate::failure::Failure;

/// How many names a hint shows.
const NAMES_SHOWN: usize = 8;

/// The domain that the options name.
pub(super) fn resolve(host: &Host, domain: &Domain) -> Result<DomId, Failure> {
    chosen(host, domain.domid, domain.name.as_deref())?.ok_or_else(|| {
        // The command line's parser requires one of them.
        Failure::new(exit_code::USAGE, "which domain?").hint("give --domid or --domain")
    })
}

/// The domain that the options name, if they name one.
pub(super) fn resolve_optional(host: &Host, domain: &OptionalDomain) -> Result<Option<DomId>, Failure> {
    chosen(host, domain.domid, domain.name.as_deref())
}

fn chosen(host: &Host, domid: Option<DomId>, name: Option<&str>) -> Result<Option<DomId>, Failure> {
    match (domid, name) {
        (Some(domid), _) => Ok(Some(domid)),
        (None, None) => Ok(None),
        (None, Some(name)) => {
            let domains = all(host)?;
            let domid = find_domain(&domains, name).map_err(|error| unknown(name, &domains, error))?;
            log::info!("{name:?} is domain {domid}");
            Ok(Some(domid))
        }
    }
}

/// The domains that live, with their names.
pub(super) fn all(host: &Host) -> Result<Vec<NamedDomain>, Failure> {
    let Some(sim) = host.sim() else {
        let domains = Xenstore::open(host.root()).and_then(|mut store| store.domains());
        return domains.map_err(no_xenstore);
    };
    let named = |domain: SimDomain| {
        let domid = DomId::try_new(domain.domid.into()).ok()?;
        Some(NamedDomain { domid, name: domain.name })
    };
    Ok(sim.domains()?.into_iter().filter_map(named).collect())
}

fn no_xenstore(error: StoreError) -> Failure {
    // That the device is not there says nothing of any domain.
    let absent = matches!(&error, StoreError::Device(device) if device.kind() == ErrorKind::NotFound);
    let failure = Failure::from(error);
    match absent {
        true => Failure { code: exit_code::UNSUPPORTED, ..failure }
            .hint("names need xenstore, in dom0 under Xen; name the domain by its id, with --domid"),
        false => failure,
    }
}

fn unknown(name: &str, domains: &[NamedDomain], error: StoreError) -> Failure {
    let absent = matches!(error, StoreError::NoSuchName { .. });
    let failure = Failure::from(error);
    if !absent {
        return failure;
    }
    if let Some(domain) = domains.iter().find(|domain| domain.domid.to_string() == name) {
        return failure.hint(format_args!("domain {name} is named by its id with --domid {}", domain.domid));
    }
    let names: Vec<_> = domains.iter().map(|domain| domain.name.as_str()).filter(|n| !n.is_empty()).collect();
    let lower = name.to_lowercase();
    let close: Vec<_> = names
        .iter()
        .copied()
        .filter(|other| {
            let other = other.to_lowercase();
            other.contains(&lower) || lower.contains(&other)
        })
        .collect();
    let (what, names) = if close.is_empty() { ("the domains are called", names) } else { ("perhaps", close) };
    let shown = names.get(..NAMES_SHOWN).unwrap_or(&names).join(", ");
    match (names.is_empty(), names.len().saturating_sub(NAMES_SHOWN)) {
        (true, _) => failure.hint("no domain has a name; `xl list` shows them"),
        (false, 0) => failure.hint(format_args!("{what} {shown}")),
        (false, more) => failure.hint(format_args!("{what} {shown} and {more} more")),
    }
}

/// The domains' names, for people.
pub(super) struct DomainNames(Vec<NamedDomain>);

impl DomainNames {
    /// Asks the host, once. Where no names can be had, domains go without.
    pub(super) fn of(host: &Host) -> Self {
        Self(all(host).unwrap_or_else(|failure| {
            log::info!("domains go without their names: {}", failure.message);
            Vec::new()
        }))
    }

    pub(super) fn get(&self, domid: DomId) -> Option<String> {
        let domain = self.0.iter().find(|domain| domain.domid == domid)?;
        (!domain.name.is_empty()).then(|| domain.name.clone())
    }
}

/// One domain's name.
pub(super) fn domain_name(host: &Host, domid: DomId) -> Option<String> {
    DomainNames::of(host).get(domid)
}
