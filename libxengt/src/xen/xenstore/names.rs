//! Domains by name.
#![forbid(unsafe_code)]

use super::{StoreError, Xenstore};
use crate::addr::DomId;

/// The most bytes of a name that are shown: what a domain is called is somebody else's choice.
const NAME_MAX: usize = 256;

/// A domain and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDomain {
    /// The domain.
    pub domid: DomId,
    /// What it is called; what could upset a terminal is replaced.
    pub name: String,
}

impl Xenstore {
    /// The guest domains that live, in order of their ids; one without a name has an empty one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn domains(&mut self) -> Result<Vec<NamedDomain>, StoreError> {
        let ids = self.directory("/local/domain")?.unwrap_or_default();
        // Domain 0 has a node there too, and is no guest.
        let mut ids: Vec<DomId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
            .map(|domid| Ok(NamedDomain { domid, name: self.name(domid)?.unwrap_or_default() }))
            .collect()
    }

    /// What `domid` is called, or `None` if it has no name, or there is no such domain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn name(&mut self, domid: DomId) -> Result<Option<String>, StoreError> {
        let name = self.read(&format!("/local/domain/{domid}/name"))?;
        Ok(name.map(|name| printable(&name)))
    }

    /// The domain that is called `name`.
    ///
    /// # Errors
    /// [`StoreError::NoSuchName`], [`StoreError::AmbiguousName`], and others of the store.
    pub fn domid(&mut self, name: &str) -> Result<DomId, StoreError> {
        find_domain(&self.domains()?, name)
    }
}

/// The one of `domains` that is called `name`. Names are no keys: guests cannot change theirs, but tools can give
/// one twice.
///
/// # Errors
/// [`StoreError::NoSuchName`], [`StoreError::AmbiguousName`].
pub fn find_domain(domains: &[NamedDomain], name: &str) -> Result<DomId, StoreError> {
    let mut called = domains.iter().filter(|domain| !name.is_empty() && domain.name == name);
    let name = || name.to_owned();
    match (called.next(), called.next()) {
        (None, _) => Err(StoreError::NoSuchName { name: name() }),
        (Some(only), None) => Ok(only.domid),
        (Some(first), Some(second)) => {
            Err(StoreError::AmbiguousName { name: name(), first: first.domid, second: second.domid })
        }
    }
}

fn printable(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name.get(..NAME_MAX).unwrap_or(name));
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::mock::MockStore;
    use super::{NamedDomain, StoreError, Xenstore};
    use crate::addr::DomId;
    use crate::error::{Diagnose, ErrorKind};

    fn store(nodes: &[(&str, &str)]) -> Xenstore {
        Xenstore::new(Box::new(MockStore::new(nodes)), Duration::from_millis(20))
    }

    #[test]
    fn names_lead_to_domains_and_back() {
        let mut store = store(&[
            ("/local/domain/0/name", "Domain-0"),
            ("/local/domain/12/name", "work"),
            ("/local/domain/7/name", "personal"),
            ("/local/domain/9/memory", "1"),
            ("/local/domain/junk/name", "x"),
            ("/local/domain/99999/name", "y"),
        ]);
        let named = |domid, name: &str| NamedDomain { domid: DomId::new(domid), name: name.into() };
        assert_eq!(store.domains().unwrap(), [named(7, "personal"), named(9, ""), named(12, "work")]);
        assert_eq!(store.domid("work").unwrap(), DomId::new(12));
        assert_eq!(store.name(DomId::new(7)).unwrap().as_deref(), Some("personal"));
        assert_eq!(store.name(DomId::new(8)).unwrap(), None);
        for absent in ["", "Domain-0", "wor", "x"] {
            let error = store.domid(absent).unwrap_err();
            assert!(matches!(error, StoreError::NoSuchName { .. }), "{error}");
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    }

    #[test]
    fn names_twice_and_names_that_play_tricks() {
        let mut store = store(&[
            ("/local/domain/1/name", "twin"),
            ("/local/domain/2/name", "twin"),
            ("/local/domain/3/name", "\x1b[2Jgone"),
            ("/local/domain/4/name", &"n".repeat(4000)),
        ]);
        let error = store.domid("twin").unwrap_err();
        assert_eq!(error.to_string(), "domains 1 and 2 are both called \"twin\"");
        assert_eq!(store.name(DomId::new(3)).unwrap().unwrap(), "\u{fffd}[2Jgone");
        assert_eq!(store.name(DomId::new(4)).unwrap().unwrap().len(), 256);
    }

    #[test]
    fn a_store_without_domains_has_none() {
        assert_eq!(store(&[]).domains().unwrap(), []);
    }
}
