//! The PVINFO page: what a vGPU tells its guest's driver, and what the driver tells back.
//!
//! It is 4 KiB of the vGPU's MMIO space, at [`MMIO_OFFSET`]. The upper half states what the guest may use
//! (its slices of graphics memory and its fences); the driver answers in the lower half.
//! Source: i915 `i915_pvinfo.h` (`struct vgt_if`), `gvt/vgpu.c` (how it is filled), `gvt/handlers.c` (how
//! notifications are taken). Sizes are in bytes, the page is little-endian.
//!
//! Everything in the lower half, and all of a page read from a guest's memory, is the guest's to forge:
//! parsing checks the frame, and says nothing about whether the addresses in it are the guest's.
//!
//! ```
//! use libxengt::addr::{HostGma, MB};
//! use libxengt::{pvinfo::Pvinfo, window::Window};
//!
//! let window = Window::ballooned(
//!     (HostGma::new(0x0800_0000), 64 * MB),
//!     (HostGma::new(0x4000_0000), 384 * MB),
//! )?;
//! let page = Pvinfo::from_window(&window, 4).to_bytes();
//! assert_eq!(Pvinfo::parse(&page)?.ballooned_window()?, window);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod caps;
mod layout;
mod notify;

pub use caps::Caps;
pub use notify::{G2v, UnknownG2v};

use std::borrow::Cow;

use zerocopy::{FromBytes, FromZeros};

use crate::addr::{Gpa, GuestGma, HostGma};
use crate::error::{Diagnose, ErrorKind};
use crate::window::{Slice, Window, WindowError};
use layout::{Area, Page};

/// Where the page lies in the vGPU's MMIO space (BAR 0), in bytes.
pub const MMIO_OFFSET: u64 = 0x7_8000;
/// Size of the page in bytes.
pub const PAGE_BYTES: usize = 4096;
/// What the page starts with: "vGTvGTvG" in memory order.
pub const MAGIC: u64 = 0x4776_5447_7654_4776;
/// The layout's major version; another one may have moved every field.
pub const VERSION_MAJOR: u16 = 1;
/// What a cursor hot spot reads as until the driver has set it.
pub const CURSOR_UNSET: u32 = u32::MAX;

/// The page's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pvinfo {
    /// Minor version of the layout; 0 so far.
    pub version_minor: u16,
    /// The vGPU's number on the host, 1 to 7.
    pub id: u32,
    /// What the host side can do.
    pub caps: Caps,
    /// What of the GGTT belongs to the guest, in its own numbers.
    pub ranges: Ranges,
    /// Fence registers of the guest, from number 0.
    pub fences: u32,
    /// Written by the driver: 1 once it drives the display, 0 before.
    pub display_ready: u32,
    /// Written by the driver: the latest notification, see [`Self::notification`].
    pub g2v_notify: u32,
    /// Written by the driver: the cursor's hot spot (x, y) in pixels, [`CURSOR_UNSET`] if not set.
    pub cursor_hot: (u32, u32),
    /// Written by the driver: the page directory pointers as they stand, see [`Self::pdps`].
    pub pdp_registers: [u64; 4],
    /// Written by the driver: the context descriptor that an execlist notification is about.
    pub context_descriptor: u64,
}

/// The guest's two slices of graphics memory as (first address, size in bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ranges {
    /// The slice the CPU can reach.
    pub aperture: (GuestGma, u32),
    /// The slice it cannot.
    pub hidden: (GuestGma, u32),
}

/// Bytes that are no PVINFO page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PvinfoError {
    /// Fewer bytes than a page.
    #[error("a PVINFO page has {PAGE_BYTES} bytes, not {len}")]
    Short {
        /// How many there are.
        len: usize,
    },
    /// It does not start as one does.
    #[error("no PVINFO page: it starts with {found:#018x}, not {MAGIC:#018x}")]
    BadMagic {
        /// What it starts with.
        found: u64,
    },
    /// Its layout is not the known one.
    #[error("the PVINFO page has version {major}.{minor}, and only {VERSION_MAJOR}.x is known")]
    UnsupportedVersion {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
}

impl Diagnose for PvinfoError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Short { .. } => ErrorKind::InvalidInput,
            Self::BadMagic { .. } => ErrorKind::NotFound,
            Self::UnsupportedVersion { .. } => ErrorKind::Unsupported,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Short { .. } => format!("read {PAGE_BYTES} bytes at MMIO {MMIO_OFFSET:#x}").into(),
            Self::BadMagic { .. } => {
                Cow::Borrowed("check that this is a vGPU's MMIO space: on a real GPU nothing is there")
            }
            Self::UnsupportedVersion { .. } => Cow::Borrowed("use a kernel whose i915 has GVT-g version 1"),
        })
    }
}

impl Pvinfo {
    /// The page of a new vGPU, as `populate_pvinfo_page` in the kernel fills it; the id is left 0.
    #[must_use]
    pub fn from_window(window: &Window, fences: u32) -> Self {
        // A slice that is not alone in a 32-bit space is smaller than it, so its size fits.
        let range = |s: &Slice| (s.guest_base(), u32::try_from(s.size()).unwrap_or(u32::MAX));
        Self {
            version_minor: 0,
            id: 0,
            caps: Caps::GVT,
            ranges: Ranges { aperture: range(window.aperture()), hidden: range(window.hidden()) },
            fences,
            display_ready: 0,
            g2v_notify: 0,
            cursor_hot: (CURSOR_UNSET, CURSOR_UNSET),
            pdp_registers: [0; 4],
            context_descriptor: 0,
        }
    }

    /// Reads a page; bytes after the first [`PAGE_BYTES`] are ignored.
    ///
    /// # Errors
    /// [`PvinfoError`] if the bytes are too few, do not start with [`MAGIC`] or have another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, PvinfoError> {
        let (page, _) = Page::read_from_prefix(bytes).map_err(|_| PvinfoError::Short { len: bytes.len() })?;
        if page.magic.get() != MAGIC {
            return Err(PvinfoError::BadMagic { found: page.magic.get() });
        }
        let (major, minor) = (page.version_major.get(), page.version_minor.get());
        if major != VERSION_MAJOR {
            return Err(PvinfoError::UnsupportedVersion { major, minor });
        }
        let range = |a: &Area| (GuestGma::from_truncated(a.base.get().into()), a.size.get());
        Ok(Self {
            version_minor: minor,
            id: page.vgt_id.get(),
            caps: Caps(page.vgt_caps.get()),
            ranges: Ranges { aperture: range(&page.mappable), hidden: range(&page.nonmappable) },
            fences: page.fence_num.get(),
            display_ready: page.display_ready.get(),
            g2v_notify: page.g2v_notify.get(),
            cursor_hot: (page.cursor_x_hot.get(), page.cursor_y_hot.get()),
            pdp_registers: page.pdp.map(zerocopy::little_endian::U64::get),
            context_descriptor: page.context_descriptor.get(),
        })
    }

    /// The page in bytes; what is reserved in it is 0.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PAGE_BYTES] {
        let area = |(base, size): (GuestGma, u32)| Area {
            // An address of the 32-bit GGTT fits; the mask says so without a branch.
            base: u32::try_from(base.get() & u64::from(u32::MAX)).unwrap_or(u32::MAX).into(),
            size: size.into(),
        };
        let mut page = Page::new_zeroed();
        page.magic = MAGIC.into();
        page.version_major = VERSION_MAJOR.into();
        page.version_minor = self.version_minor.into();
        page.vgt_id = self.id.into();
        page.vgt_caps = self.caps.0.into();
        page.mappable = area(self.ranges.aperture);
        page.nonmappable = area(self.ranges.hidden);
        page.fence_num = self.fences.into();
        page.display_ready = self.display_ready.into();
        page.g2v_notify = self.g2v_notify.into();
        page.cursor_x_hot = self.cursor_hot.0.into();
        page.cursor_y_hot = self.cursor_hot.1.into();
        page.pdp = self.pdp_registers.map(Into::into);
        page.context_descriptor = self.context_descriptor.into();
        zerocopy::transmute!(page)
    }

    /// What of the GGTT belongs to the guest, in its own numbers.
    #[must_use]
    pub const fn ranges(&self) -> Ranges {
        self.ranges
    }

    /// The driver's latest notification.
    ///
    /// # Errors
    /// [`UnknownG2v`] if it is none of the known ones, as on a page whose driver has sent none.
    pub const fn notification(&self) -> Result<G2v, UnknownG2v> {
        G2v::of(self.g2v_notify)
    }

    /// The root tables of the latest PPGTT notification: with three levels the four page directories, with
    /// four the PML4 table and three values without meaning. Bits above the 52 of an address are dropped.
    #[must_use]
    pub fn pdps(&self) -> [Gpa; 4] {
        self.pdp_registers.map(Gpa::from_truncated)
    }

    /// The window, if the guest is ballooned: then its addresses are the host's.
    ///
    /// # Errors
    /// [`WindowError`] if the ranges make no window.
    pub fn ballooned_window(&self) -> Result<Window, WindowError> {
        let host = |(base, size): (GuestGma, u32)| (HostGma::from_truncated(base.get()), u64::from(size));
        Window::ballooned(host(self.ranges.aperture), host(self.ranges.hidden))
    }
}

#[cfg(test)]
mod tests;
