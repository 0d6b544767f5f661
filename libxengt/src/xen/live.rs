//! A running guest's memory for the walkers: a bounded set of mapped pages behind [`GuestMemory`].
#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use super::foreign::{ForeignPages, PageError};
use super::map::Access;
use super::{Xen, XenError};
use crate::addr::{DomId, Gfn, Gpa, PAGE_SIZE};
use crate::memory::{GuestMemory, MemoryError, MemoryErrorReason, page_parts};

/// Frames that are mapped together: page tables lie close to each other, and a crossing costs more than pages.
const CHUNK: u64 = 16;
/// How many chunks are held at a time; with [`CHUNK`], 2 MiB.
const CHUNKS: usize = 32;

/// A running guest's memory, read by copies.
///
/// Pages stay mapped for a while, 512 at most: a frame that the guest gives up meanwhile keeps its last content
/// here until [`Self::forget`].
#[derive(Debug)]
pub struct LiveMemory {
    xen: Xen,
    domid: DomId,
    access: Access,
    /// Frames that are mapped together.
    chunk: u64,
    /// Most recently used last.
    chunks: Mutex<Vec<Chunk>>,
}

#[derive(Debug)]
struct Chunk {
    first: Gfn,
    pages: ForeignPages,
}

impl LiveMemory {
    /// The memory of `domid`.
    ///
    /// # Errors
    /// [`XenError`] if there is no such domain, or this handle may not ask about it.
    pub fn new(xen: &Xen, domid: DomId) -> Result<Self, XenError> {
        Self::with_access(xen, domid, Access::Read)
    }

    pub(super) fn with_access(xen: &Xen, domid: DomId, access: Access) -> Result<Self, XenError> {
        if !xen.restricted {
            xen.maximum_gpfn(domid)?;
        }
        Ok(Self { xen: xen.clone(), domid, access, chunk: CHUNK, chunks: Mutex::default() })
    }

    /// This domain's own, by machine frames. Each is mapped alone: a neighbour may be anybody's.
    pub(super) fn own(xen: &Xen) -> Self {
        let (domid, access) = (DomId::SELF, Access::Read);
        Self { xen: xen.clone(), domid, access, chunk: 1, chunks: Mutex::default() }
    }

    /// The domain.
    #[must_use]
    pub fn domid(&self) -> DomId {
        self.domid
    }

    /// Unmaps everything, so that later reads see the guest's frames as they are then.
    pub fn forget(&self) {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Stores `bytes` at `at`; `EACCES` unless the memory was made writable.
    pub(super) fn write(&self, at: Gpa, bytes: &[u8]) -> Result<(), MemoryError> {
        let fail = |reason| MemoryError { at: at.get(), len: bytes.len(), reason };
        let mut rest = bytes;
        for (part_at, part_len) in page_parts(at, bytes.len()) {
            let (part, after) =
                rest.split_at_checked(part_len).ok_or_else(|| fail(MemoryErrorReason::Beyond))?;
            self.with_page(part_at.frame(), |pages, offset| {
                pages.write(offset.saturating_add(in_page(part_at)), part)
            })
            .map_err(fail)?;
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(fail(MemoryErrorReason::Beyond)) }
    }

    /// Lets `with` copy from or to the page of `gfn`.
    fn with_page<T>(
        &self,
        gfn: Gfn,
        mut with: impl FnMut(&ForeignPages, usize) -> Result<T, PageError>,
    ) -> Result<T, MemoryErrorReason> {
        // A panic while it was locked left whole chunks.
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        let first = Gfn::from_truncated(gfn.get() / self.chunk * self.chunk);
        let page = usize::try_from(gfn.get() - first.get()).unwrap_or(usize::MAX);
        let offset = page.saturating_mul(super::map::PAGE);
        match chunks.iter().rposition(|chunk| chunk.first == first) {
            // The last one is the one that the last read used: most reads end here.
            Some(at) if at + 1 == chunks.len() => {}
            Some(at) => {
                let chunk = chunks.remove(at);
                chunks.push(chunk);
            }
            None => {
                let pages = self.map(first).map_err(|error| reason(&error))?;
                if chunks.len() >= CHUNKS {
                    chunks.remove(0);
                }
                chunks.push(Chunk { first, pages });
            }
        }
        let Some(chunk) = chunks.last_mut() else { return Err(MemoryErrorReason::Os(libc::EIO)) };
        if chunk.pages.error(page).is_some() {
            // The guest may have put a page there since.
            chunk.pages.refresh(&self.xen, page, gfn).map_err(|error| reason(&error))?;
        }
        with(&chunk.pages, offset).map_err(|error| match error {
            PageError::Hole => self.hole_or_beyond(gfn),
            PageError::Os(errno) => MemoryErrorReason::Os(errno),
        })
    }

    fn map(&self, first: Gfn) -> Result<ForeignPages, XenError> {
        let gfns: Vec<_> = (0..self.chunk).map_while(|n| first.checked_add(n)).collect();
        ForeignPages::map(&self.xen, self.domid, self.access, &gfns)
    }

    fn hole_or_beyond(&self, gfn: Gfn) -> MemoryErrorReason {
        if self.domid == DomId::SELF {
            // Xen would tell the last of our own numbers, and these are the machine's.
            return MemoryErrorReason::Hole;
        }
        match self.xen.maximum_gpfn(self.domid) {
            Ok(last) if gfn > last => MemoryErrorReason::Beyond,
            Ok(_) => MemoryErrorReason::Hole,
            // Such a handle may not ask where the end is.
            Err(_) if self.xen.restricted => MemoryErrorReason::Hole,
            Err(error) => reason(&error),
        }
    }
}

fn reason(error: &XenError) -> MemoryErrorReason {
    MemoryErrorReason::Os(error.errno().unwrap_or(libc::EIO))
}

/// The offset inside its page, as a length.
fn in_page(at: Gpa) -> usize {
    usize::try_from(at.get() % PAGE_SIZE).unwrap_or_default()
}

impl GuestMemory for LiveMemory {
    type Addr = Gpa;

    fn read_u64(&self, at: Gpa) -> Result<u64, MemoryError> {
        let fail = |reason| MemoryError { at: at.get(), len: 8, reason };
        if !at.is_aligned(8) {
            return Err(fail(MemoryErrorReason::Os(libc::EINVAL)));
        }
        self.with_page(at.frame(), |pages, offset| pages.read_u64(offset.saturating_add(in_page(at))))
            .map_err(fail)
    }

    fn read(&self, at: Gpa, out: &mut [u8]) -> Result<(), MemoryError> {
        let len = out.len();
        let fail = |reason| MemoryError { at: at.get(), len, reason };
        let mut rest = out;
        for (part_at, part_len) in page_parts(at, len) {
            let (part, after) =
                rest.split_at_mut_checked(part_len).ok_or_else(|| fail(MemoryErrorReason::Beyond))?;
            self.with_page(part_at.frame(), |pages, offset| {
                pages.read(offset.saturating_add(in_page(part_at)), part)
            })
            .map_err(fail)?;
            rest = after;
        }
        // The parts end early where the address space does.
        if rest.is_empty() { Ok(()) } else { Err(fail(MemoryErrorReason::Beyond)) }
    }

    fn read_words(&self, at: Gpa, out: &mut [u64]) -> Result<(), MemoryError> {
        if !at.is_aligned(8) {
            return Err(MemoryError { at: at.get(), len: 8, reason: MemoryErrorReason::Os(libc::EINVAL) });
        }
        // Aligned bytes are copied word by word, so no word is half old and half new.
        self.read(at, zerocopy::IntoBytes::as_mut_bytes(out))?;
        out.iter_mut().for_each(|word| *word = u64::from_le(*word));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::XenError;
    use super::super::mock::{DOMID, MockDriver};
    use super::{CHUNK, CHUNKS, LiveMemory};
    use crate::addr::{DomId, Gpa};
    use crate::memory::{GuestMemory, MemoryErrorReason};

    #[test]
    fn reads_cross_pages_and_chunks() {
        let (xen, mock) = MockDriver::xen(64);
        let memory = LiveMemory::new(&xen, DOMID).unwrap();
        mock.poke(15, 4088, &[1, 2, 3, 4, 5, 6, 7, 8]);
        mock.poke(16, 0, &[9, 10, 11]);
        let mut out = [0; 8];
        memory.read(Gpa::new(0xffff - 4), &mut out).unwrap();
        assert_eq!(out, [4, 5, 6, 7, 8, 9, 10, 11]);
        let mut words = [0; 2];
        memory.read_words(Gpa::new(0xfff8), &mut words).unwrap();
        assert_eq!(words, [0x0807_0605_0403_0201, 0x000b_0a09]);
        assert_eq!(memory.read_u64(Gpa::new(0xfff8)).unwrap(), words[0]);
        assert_eq!(mock.get(|state| state.populates), 2, "one crossing per chunk");
    }

    #[test]
    fn holes_the_end_and_misalignment_have_their_reasons() {
        let (xen, mock) = MockDriver::xen(64);
        mock.set(|state| state.holes.extend([5]));
        let memory = LiveMemory::new(&xen, DOMID).unwrap();
        let of = |at| memory.read_u64(Gpa::new(at)).unwrap_err().reason;
        assert_eq!(of(0x5000), MemoryErrorReason::Hole);
        assert_eq!(of(64 << 12), MemoryErrorReason::Beyond);
        assert_eq!(of(Gpa::MAX.get() - 7), MemoryErrorReason::Beyond);
        assert_eq!(of(0x6004), MemoryErrorReason::Os(libc::EINVAL));
        assert!(memory.read(Gpa::MAX, &mut [0; 2]).is_err());
        assert!(memory.read(Gpa::new(0x4ffc), &mut [0; 8]).is_err());
        mock.set(|state| state.holes.clear());
        mock.poke(5, 0, &[1]);
        assert_eq!(memory.read_u64(Gpa::new(0x5000)).unwrap(), 1, "a page that came later is seen");
    }

    #[test]
    fn what_is_held_is_bounded_and_let_go() {
        let frames = CHUNK * (u64::try_from(CHUNKS).unwrap() + 8);
        let (xen, mock) = MockDriver::xen(frames);
        let before = mock.maps();
        let memory = LiveMemory::new(&xen, DOMID).unwrap();
        let mut most = 0;
        for gfn in (0..frames).step_by(16).chain([0]) {
            memory.read_u64(Gpa::new(gfn << 12)).unwrap();
            most = most.max(mock.maps() - before);
        }
        assert!((1..=CHUNKS).contains(&most), "{most} maps of a chunk each");
        memory.forget();
        assert_eq!(mock.maps(), before);
    }

    #[test]
    fn a_domain_that_dies_is_an_error_and_what_is_mapped_stays() {
        let (xen, mock) = MockDriver::xen(64);
        assert!(matches!(LiveMemory::new(&xen, DomId::new(9)), Err(XenError::NoDomain { .. })));
        let memory = LiveMemory::new(&xen, DOMID).unwrap();
        memory.read_u64(Gpa::new(0)).unwrap();
        mock.set(|state| state.dead = true);
        assert!(memory.read_u64(Gpa::new(0)).is_ok());
        let error = memory.read_u64(Gpa::new(0x2_0000)).unwrap_err();
        assert_eq!(error.reason, MemoryErrorReason::Os(libc::ESRCH));
    }
}
