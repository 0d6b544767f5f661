//! The hypervisor edge: hypercalls, other domains' memory, event channels, xenstore.
//!
//! Over `/dev/xen/{privcmd,hypercall,evtchn,xenbus}` and the stable ABIs of Xen only: no libxenctrl, and nothing
//! to install. All of it needs root in dom0.
//!
//! | to | use |
//! |---|---|
//! | ask about Xen and a domain's memory | [`Xen`] |
//! | read and write a running guest's memory | [`ForeignPages`], [`LiveMemory`] |
//! | read this domain's own by machine addresses | [`OwnMemory`] |
//! | be a device model of a domain | [`DeviceModel`], [`ioreq`] |
//! | signal and be signalled | [`EventChannels`] |
//! | find domains by name | [`xenstore`] |
//!
//! A domain can die at any moment: then a call ends in [`XenError::NoDomain`]. Pages of it that are mapped stay
//! readable, and keep what is left of the domain in `xl list`, until they are dropped.
#![deny(unsafe_code)]

mod crossings;
mod device_model;
mod domctl;
mod driver;
mod error;
mod event_channels;
mod foreign;
pub mod ioreq;
#[expect(unsafe_code, reason = "the hypervisor edge: ioctls of the kernel's Xen devices")]
mod linux;
mod live;
#[expect(unsafe_code, reason = "the hypervisor edge: volatile access to other domains' pages")]
mod map;
mod memory;
#[cfg(any(test, feature = "testing"))]
mod mock;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(test), expect(dead_code, reason = "most of it is for the unit tests"))]
mod mock_events;
#[cfg(any(test, feature = "testing"))]
mod mock_instant;
mod own_frames;
mod own_memory;
mod retry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod version;
pub mod xenstore;

use std::sync::{Arc, OnceLock};

pub use crossings::Crossings;
pub use device_model::{DeviceModel, IoRange, MemType, Sbdf, ServerId, ShutdownReason};
pub use domctl::{DomainKind, Domctl};
pub use error::XenError;
pub use event_channels::{EventChannels, LocalPort};
pub use foreign::{ForeignPages, PageError};
pub use live::LiveMemory;
pub use map::Access;
pub use memory::{FrameState, MfnExtension};
pub use own_frames::OwnFrames;
pub use own_memory::OwnMemory;
pub use version::Version;

use crate::root::Root;
use crossings::{Counted, Counts};
use driver::Driver;

/// A handle on the hypervisor: one open `/dev/xen/privcmd`. Clones share it.
#[derive(Debug, Clone)]
pub struct Xen {
    driver: Arc<dyn Driver>,
    counts: Arc<Counts>,
    /// Whether it may only make device models' calls, for one domain.
    restricted: bool,
    /// What Xen said of [`MfnExtension`], once it was asked for frames: it does not change.
    marks_holes: Arc<OnceLock<bool>>,
}

impl Xen {
    /// Opens the devices under `root`.
    ///
    /// # Errors
    /// [`XenError::Open`] where there is no Xen, or this user may not talk to it.
    pub fn open(root: &Root) -> Result<Self, XenError> {
        Ok(Self::on(linux::Privcmd::open(root)?))
    }

    fn on(driver: impl Driver + 'static) -> Self {
        let counts = Arc::<Counts>::default();
        Self {
            driver: Arc::new(Counted { driver, counts: counts.clone() }),
            counts,
            restricted: false,
            marks_holes: Arc::default(),
        }
    }

    /// How often this handle and its clones went into the kernel. Counting costs one relaxed addition per call.
    #[must_use]
    pub fn crossings(&self) -> Crossings {
        self.counts.now()
    }
}

#[cfg(test)]
mod tests;
