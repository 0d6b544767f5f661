//! The calls into C (`shim/entry.c`).
#![expect(unsafe_code, reason = "GVT-g is C; the guest's words are borrowed for as long as it may read them")]

use core::ffi::c_int;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::{Errno, Host, Root, Slices};

/// `struct xengt_gvt`.
#[repr(C)]
struct Opaque([u8; 0]);

unsafe extern "C" {
    fn xengt_gvt_new(
        words: *const u64,
        frames: u64,
        shadow_pages: u32,
        generation: c_int,
        huge: bool,
        valid_gfns: u64,
    ) -> *mut Opaque;
    fn xengt_gvt_free(all: *mut Opaque);
    fn xengt_gvt_window(all: *mut Opaque, low: *const u64, high: *const u64, mappable: u64, total: u64);
    fn xengt_gvt_g2h(all: *mut Opaque, guest: u64, host: *mut u64) -> c_int;
    fn xengt_gvt_h2g(all: *mut Opaque, host: u64, guest: *mut u64) -> c_int;
    fn xengt_gvt_shadow(all: *mut Opaque, four_levels: bool, pdps: *mut u64) -> c_int;
    fn xengt_gvt_shadow_root(all: *const Opaque, index: u32) -> u64;
    fn xengt_gvt_shadow_words(all: *const Opaque, count: *mut u64) -> *const u64;
    fn xengt_gvt_ppgtt(all: *mut Opaque, gma: u64) -> u64;
    fn xengt_gvt_ggtt(all: *mut Opaque, gma: u64) -> u64;
}

/// `INTEL_GVT_INVALID_ADDR`.
const INVALID: u64 = !0;

#[derive(Debug)]
pub(crate) struct Gvt<'w> {
    // INVARIANT: made by xengt_gvt_new, freed by nobody else; the pointer keeps this type on one thread.
    all: NonNull<Opaque>,
    /// Bytes of the global GTT that the words hold entries for.
    ggtt_space: u64,
    words: PhantomData<&'w [u64]>,
}

impl<'w> Gvt<'w> {
    #[expect(clippy::expect_used, reason = "a competitor that cannot be set up has no result")]
    #[expect(clippy::unnecessary_wraps, reason = "the signature is shared with the build that has no GVT-g")]
    pub(crate) fn new(words: &'w [u64], host: Host) -> Option<Self> {
        let len = u64::try_from(words.len()).expect("fits");
        let Host { generation, pages_2m, gfns, shadow_tables } = host;
        // SAFETY: `words` are as many as said, and stay borrowed as long as what is made of them lives.
        let all = unsafe {
            xengt_gvt_new(words.as_ptr(), len / 512, shadow_tables, generation.into(), pages_2m, gfns)
        };
        Some(Self { all: NonNull::new(all).expect("memory"), ggtt_space: len << 12, words: PhantomData })
    }

    pub(crate) fn shadow(&mut self, root: Root) -> Result<(), Errno> {
        let (four_levels, mut pdps) = match root {
            Root::L4(pdp0) => (true, [pdp0, 0, 0, 0]),
            Root::L3(pdps) => (false, pdps),
        };
        // SAFETY: by the invariant; `pdps` are the four words that it reads.
        let result = unsafe { xengt_gvt_shadow(self.all.as_ptr(), four_levels, pdps.as_mut_ptr()) };
        errno(result)
    }

    #[inline]
    pub(crate) fn ppgtt(&self, gma: u64) -> Option<u64> {
        // SAFETY: by the invariant; the walk reads shadow tables of its own and, bounds checked, the words.
        let gpa = unsafe { xengt_gvt_ppgtt(self.all.as_ptr(), gma) };
        (gpa != INVALID).then_some(gpa)
    }

    pub(crate) fn ggtt(&self, gma: u64) -> Option<u64> {
        if gma >= self.ggtt_space {
            return None;
        }
        // SAFETY: by the invariant; the entry it reads lies in the words, as was just seen.
        let gpa = unsafe { xengt_gvt_ggtt(self.all.as_ptr(), gma) };
        (gpa != INVALID).then_some(gpa)
    }

    pub(crate) fn shadow_roots(&self) -> [u64; 4] {
        // SAFETY: by the invariant.
        [0, 1, 2, 3].map(|index| unsafe { xengt_gvt_shadow_root(self.all.as_ptr(), index) })
    }

    #[expect(clippy::expect_used, reason = "a count of words in memory fits")]
    pub(crate) fn shadow_words(&self) -> &[u64] {
        let mut count = 0;
        // SAFETY: by the invariant.
        let words = unsafe { xengt_gvt_shadow_words(self.all.as_ptr(), &raw mut count) };
        let count = usize::try_from(count).expect("fits");
        // SAFETY: that many words of tables are initialised; what writes them needs `&mut self`.
        unsafe { core::slice::from_raw_parts(words, count) }
    }

    pub(crate) fn set_slices(&mut self, slices: Slices) {
        let Slices { aperture, hidden, mappable, total } = slices;
        let (low, high) = ([aperture.0, aperture.1], [hidden.0, hidden.1]);
        // SAFETY: by the invariant; both arrays are the two words that it reads.
        unsafe { xengt_gvt_window(self.all.as_ptr(), low.as_ptr(), high.as_ptr(), mappable, total) }
    }

    pub(crate) fn g2h(&self, guest: u64) -> Result<u64, Errno> {
        let mut host = 0;
        // SAFETY: by the invariant.
        errno(unsafe { xengt_gvt_g2h(self.all.as_ptr(), guest, &raw mut host) })?;
        Ok(host)
    }

    pub(crate) fn h2g(&self, host: u64) -> Result<u64, Errno> {
        let mut guest = 0;
        // SAFETY: by the invariant.
        errno(unsafe { xengt_gvt_h2g(self.all.as_ptr(), host, &raw mut guest) })?;
        Ok(guest)
    }
}

impl Drop for Gvt<'_> {
    fn drop(&mut self) {
        // SAFETY: by the invariant; this is the only call.
        unsafe { xengt_gvt_free(self.all.as_ptr()) }
    }
}

const fn errno(result: c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(Errno(result)) }
}
