//! The end of a domain, told by xenstore.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::{StoreError, Xenstore};
use crate::addr::DomId;
use crate::root::Root;

const ENDS: &str = "@releaseDomain";
/// How many ends of domains are taken in at a time.
const EVENTS: u32 = 64;

/// Watches for the end of a domain.
///
/// Xen itself does not tell those who hold something of a domain that it is dying: what they hold keeps it, its frames
/// turn into holes, and most calls still succeed. Xenstore is told, by an interrupt.
#[derive(Debug)]
pub struct Lifetime {
    store: Xenstore,
    domid: DomId,
    /// Whether the store has known it.
    known: bool,
    ended: bool,
}

impl Lifetime {
    /// Watches `domid`, which lives: somebody else has to say so. While xenstore does not know it yet, it is being made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn watch(root: &Root, domid: DomId) -> Result<Self, StoreError> {
        Self::new(Xenstore::open(root)?, domid)
    }

    pub(in crate::xen) fn new(mut store: Xenstore, domid: DomId) -> Result<Self, StoreError> {
        // First the watch, then the question: what ends in between is told.
        store.watch(ENDS, "end")?;
        let known = store.is_introduced(domid)?;
        Ok(Self { store, domid, known, ended: false })
    }

    /// Whether the domain has ended. Does not wait, and asks only when some domain has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_ended(&mut self) -> Result<bool, StoreError> {
        let mut news = false;
        // What comes faster than this is told the next time.
        for _ in 0..EVENTS {
            if self.ended || self.store.next_event(Duration::ZERO)?.is_none() {
                break;
            }
            news = true;
        }
        if !self.ended && (news || !self.known) {
            let known = self.store.is_introduced(self.domid)?;
            self.ended = self.known && !known;
            self.known |= known;
        }
        Ok(self.ended)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use libxengt_sys as sys;

    use super::super::Xenstore;
    use super::super::mock::MockStore;
    use super::Lifetime;
    use crate::addr::DomId;

    fn watch(introduced: &str) -> (Lifetime, MockStore) {
        let mock = MockStore::new(&[("7", introduced)]);
        let store = Xenstore::new(Box::new(mock.clone()), Duration::from_millis(50));
        (Lifetime::new(store, DomId::new(7)).unwrap(), mock)
    }

    #[test]
    fn a_domain_ends_when_the_store_no_longer_knows_it() {
        let (mut lifetime, mock) = watch("T");
        assert!(!lifetime.has_ended().unwrap());
        mock.event("@releaseDomain\0end\0");
        assert!(!lifetime.has_ended().unwrap(), "another domain ended");
        mock.introduce("7", "F");
        assert!(!lifetime.has_ended().unwrap(), "nobody is asked before there is news");
        mock.event("@releaseDomain\0end\0");
        assert!(lifetime.has_ended().unwrap());
        mock.introduce("7", "T");
        mock.event("@releaseDomain\0end\0");
        assert!(lifetime.has_ended().unwrap(), "what has ended does not come back under its id");
    }

    #[test]
    fn a_domain_that_is_being_made_has_not_ended() {
        let (mut lifetime, mock) = watch("F");
        assert!(!lifetime.has_ended().unwrap());
        mock.event("@releaseDomain\0end\0");
        assert!(!lifetime.has_ended().unwrap());
        mock.introduce("7", "T");
        assert!(!lifetime.has_ended().unwrap());
        mock.introduce("7", "F");
        mock.event("@releaseDomain\0end\0");
        assert!(lifetime.has_ended().unwrap());
        mock.set(|state| state.closed = true);
        assert!(lifetime.has_ended().unwrap(), "nobody is asked any more");
    }

    #[test]
    fn a_store_that_dies_or_talks_nonsense_is_an_error() {
        let (mut lifetime, mock) = watch("T");
        mock.event("@releaseDomain\0end\0");
        mock.set(|state| state.answer = Some((sys::XS_IS_DOMAIN_INTRODUCED, b"maybe\0".to_vec())));
        assert!(lifetime.has_ended().unwrap_err().to_string().contains("maybe"));
        mock.set(|state| state.closed = true);
        assert!(lifetime.has_ended().is_err());
    }
}
