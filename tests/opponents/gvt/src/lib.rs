//! Linux 6.1's GVT-g page tables (`drivers/gpu/drm/i915/gvt/gtt.c`), callable from tests and benches.
//!
//! The kernel's own text builds the shadow tables and walks them. Around it stands a machine of a few lines
//! (`shim`): the guest's memory is a slice, the machine holds it at the same frames, radix trees are arrays,
//! locks and traces are nothing. All that is cheaper than in the kernel, so its times are lower bounds.
//!
//! [`Gvt::new`] answers `None` when GVT-g was not there to build (see `tests/opponents/fetch-gvt.sh`), so
//! callers need no `cfg` of their own.

#[cfg(have_gvt)]
mod ffi;
#[cfg(not(have_gvt))]
#[path = "absent.rs"]
mod ffi;

/// Whether GVT-g was there to build.
#[must_use]
pub const fn available() -> bool {
    cfg!(have_gvt)
}

/// Why a test without GVT-g did nothing, in the words to print.
pub const SKIP: &str = "SKIP gvt: not fetched, run tests/opponents/fetch-gvt.sh and set XENGT_GVT_DIR";

/// The first machine frame of shadow tables. Guest frames of tests lie below it.
pub const FIRST_SHADOW_MFN: u64 = 0x3_0000_0000;

/// The machine that GVT-g believes it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// `GRAPHICS_VER`: 8 or 9.
    pub generation: u8,
    /// Whether i915 and the guest's memory have 2 MiB pages; if not, GVT-g splits the guest's.
    pub pages_2m: bool,
    /// Guest frames below this one exist (for pages; tables must lie in the memory given).
    pub gfns: u64,
    /// How many shadow tables the machine has room for.
    pub shadow_tables: u32,
}

impl Default for Host {
    fn default() -> Self {
        Self { generation: 9, pages_2m: false, gfns: FIRST_SHADOW_MFN, shadow_tables: 256 }
    }
}

/// Where a guest's PPGTT starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The register PDP0 of a four-level space.
    L4(u64),
    /// The registers PDP0 to PDP3 of a three-level space.
    L3([u64; 4]),
}

/// A vGPU's part of the global GTT: (first byte, bytes) of each slice, and what the GPU has in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slices {
    /// The slice that the CPU can reach.
    pub aperture: (u64, u64),
    /// The slice that it cannot.
    pub hidden: (u64, u64),
    /// Bytes of the GPU's space that the CPU can reach, counted from 0.
    pub mappable: u64,
    /// Bytes of the GPU's space.
    pub total: u64,
}

/// What the kernel's functions return when they fail: a negative `errno`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

/// One vGPU on its machine, with the guest's memory from address 0 on.
#[derive(Debug)]
pub struct Gvt<'w>(ffi::Gvt<'w>);

impl<'w> Gvt<'w> {
    /// A vGPU whose guest's memory is `words`, whole pages; for [`Self::ggtt`] they are the entries of its
    /// global GTT instead. `None` if GVT-g was not there to build.
    ///
    /// # Panics
    /// If there is no memory for it, or `words` are not whole pages.
    #[must_use]
    pub fn new(words: &'w [u64], host: Host) -> Option<Self> {
        assert!(words.len().is_multiple_of(512), "the guest's memory is whole pages");
        ffi::Gvt::new(words, host).map(Self)
    }

    /// `intel_vgpu_create_ppgtt_mm`: builds the shadow tables of a PPGTT, after taking down the last one's.
    ///
    /// # Errors
    /// What GVT-g returns. There are no shadow tables then.
    pub fn shadow(&mut self, root: Root) -> Result<(), Errno> {
        self.0.shadow(root)
    }

    /// `intel_vgpu_gma_to_gpa` of the PPGTT shadowed last.
    #[inline]
    #[must_use]
    pub fn ppgtt(&self, gma: u64) -> Option<u64> {
        self.0.ppgtt(gma)
    }

    /// `intel_vgpu_gma_to_gpa` of the global GTT; looks at nothing that lies outside the words.
    #[must_use]
    pub fn ggtt(&self, gma: u64) -> Option<u64> {
        self.0.ggtt(gma)
    }

    /// The registers PDP0 to PDP3 as GVT-g gives them to the GPU.
    #[must_use]
    pub fn shadow_roots(&self) -> [u64; 4] {
        self.0.shadow_roots()
    }

    /// The machine's memory from [`FIRST_SHADOW_MFN`] on: the shadow tables.
    #[must_use]
    pub fn shadow_words(&self) -> &[u64] {
        self.0.shadow_words()
    }

    /// Gives the vGPU its slices; before that it has none.
    pub fn set_slices(&mut self, slices: Slices) {
        self.0.set_slices(slices);
    }

    /// `intel_gvt_ggtt_gmadr_g2h`.
    ///
    /// # Errors
    /// What GVT-g returns.
    pub fn g2h(&self, guest: u64) -> Result<u64, Errno> {
        self.0.g2h(guest)
    }

    /// `intel_gvt_ggtt_gmadr_h2g`.
    ///
    /// # Errors
    /// What GVT-g returns.
    pub fn h2g(&self, host: u64) -> Result<u64, Errno> {
        self.0.h2g(host)
    }
}
