//! Frames of another domain, mapped: read and written by volatile copies, each page with its own error.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::Xen;
use super::error::{Errno, XenError};
use super::map::{Access, Mapping};
use super::retry::retry;
use crate::addr::{DomId, Gfn};

const CALL: &str = "mapping frames (mmapbatch)";
/// How often pages that Xen paged out are asked for again, and how long to wait in between.
const PAGING_ROUNDS: u32 = 50;
const PAGING_PAUSE: Duration = Duration::from_millis(1);

/// Why a frame is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageError {
    /// Nothing that the domain owns is behind it: a hole, ballooned out, a device, beyond the end.
    Hole,
    /// The system refused, with this errno.
    Os(i32),
}

impl PageError {
    /// What a page's errno says. Xen has `EINVAL` for what is no RAM of the domain.
    fn of(Errno(errno): Errno) -> Self {
        match errno {
            libc::EINVAL | libc::ENXIO | libc::ERANGE => Self::Hole,
            errno => Self::Os(errno),
        }
    }
}

/// Frames of another domain in our address space, until drop.
///
/// They are held: the domain may give them up, and they stay what they were here.
#[derive(Debug)]
pub struct ForeignPages {
    domid: DomId,
    map: Mapping,
}

impl ForeignPages {
    /// Maps `gfns` of `domid`, in their order.
    ///
    /// # Errors
    /// [`XenError`] if nothing can be mapped: no such domain, no right to. A frame that is not there is that
    /// page's [`Self::error`].
    pub fn map(xen: &Xen, domid: DomId, access: Access, gfns: &[Gfn]) -> Result<Self, XenError> {
        let fail = || XenError::of_domain(CALL, domid);
        let map = retry(|| xen.driver.reserve(gfns.len(), access)).map_err(fail())?;
        let mut pages = Self { domid, map };
        let raw: Vec<u64> = gfns.iter().map(|gfn| gfn.get()).collect();
        pages.populate(xen, 0, &raw)?;
        // The kernel says of each page what is true of the domain, or of us: then it is not the pages that are missing.
        if let Err(first @ Errno(libc::ESRCH | libc::EPERM | libc::EACCES)) = pages.map.page(0)
            && (0..gfns.len()).all(|page| pages.map.page(page) == Err(first))
        {
            return Err(fail()(first));
        }
        for _ in 0..PAGING_ROUNDS {
            let paged_out: Vec<_> = (0..).zip(&raw).filter(|(page, _)| pages.is_paged_out(*page)).collect();
            if paged_out.is_empty() {
                break;
            }
            // One pause for all of them: what is waited for does not grow with what is paged out.
            std::thread::sleep(PAGING_PAUSE);
            for (page, gfn) in paged_out {
                pages.populate(xen, page, &[*gfn])?;
            }
        }
        Ok(pages)
    }

    fn is_paged_out(&self, page: usize) -> bool {
        self.map.page(page) == Err(Errno(libc::ENOENT))
    }

    /// Asks once more for page `page`, which is frame `gfn`, if it is not there.
    ///
    /// # Errors
    /// As [`Self::map`].
    pub(super) fn refresh(&mut self, xen: &Xen, page: usize, gfn: Gfn) -> Result<(), XenError> {
        if self.map.page(page).is_ok() { Ok(()) } else { self.populate(xen, page, &[gfn.get()]) }
    }

    fn populate(&mut self, xen: &Xen, first: usize, gfns: &[u64]) -> Result<(), XenError> {
        retry(|| xen.driver.populate(&mut self.map, first, self.domid, gfns))
            .map_err(XenError::of_domain(CALL, self.domid))
    }

    /// Maps the page that the ioreq server `id` of `domid` shares with its emulator.
    ///
    /// # Errors
    /// [`XenError`].
    pub fn map_ioreq_server(xen: &Xen, domid: DomId, id: super::ServerId) -> Result<Self, XenError> {
        // XENMEM_resource_ioreq_server_frame_ioreq(0): frame 0 holds buffered requests.
        const FRAME: u32 = 1;
        let fail = || XenError::of_domain("mapping the ioreq page (mmap_resource)", domid);
        let mut map = retry(|| xen.driver.reserve(1, Access::ReadWrite)).map_err(fail())?;
        let kind = libxengt_sys::XENMEM_resource_ioreq_server;
        retry(|| xen.driver.populate_resource(&mut map, domid, kind, id.get().into(), FRAME))
            .map_err(fail())?;
        Ok(Self { domid, map })
    }

    /// The domain.
    #[must_use]
    pub fn domid(&self) -> DomId {
        self.domid
    }

    /// How many pages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none (never: mapping none fails).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why page number `page` is not there, or `None` if it is.
    #[must_use]
    pub fn error(&self, page: usize) -> Option<PageError> {
        self.map.page(page).err().map(PageError::of)
    }

    /// Copies the little-endian word at byte `offset`, a multiple of 8, in one access.
    ///
    /// # Errors
    /// [`PageError`] if the page is not there; `EINVAL` if the offset is not a multiple of 8.
    pub fn read_u64(&self, offset: usize) -> Result<u64, PageError> {
        if !offset.is_multiple_of(8) {
            return Err(PageError::Os(libc::EINVAL));
        }
        self.map.read(offset).map(u64::from_le).map_err(PageError::of)
    }

    /// Copies bytes at byte `offset`, aligned words of 8 in one access each.
    ///
    /// # Errors
    /// [`PageError`] if a page is not there; `out` then holds nothing of meaning.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result<(), PageError> {
        self.map.read_bytes(offset, out).map_err(PageError::of)
    }

    /// Stores bytes at byte `offset`, aligned words of 8 in one access each.
    ///
    /// # Errors
    /// [`PageError`] if a page is not there, or mapped for reading only (`EACCES`); what comes before it may
    /// be stored.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), PageError> {
        self.map.write_bytes(offset, bytes).map_err(PageError::of)
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.map
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::{DOMID, MockDriver};
    use super::super::{Access, XenError};
    use super::{ForeignPages, PageError};
    use crate::addr::{DomId, Gfn};

    fn gfns(numbers: &[u64]) -> Vec<Gfn> {
        numbers.iter().copied().map(Gfn::new).collect()
    }

    #[test]
    fn each_page_is_there_or_says_why_not() {
        let (xen, mock) = MockDriver::xen(8);
        mock.set(|state| state.holes.extend([3]));
        mock.poke(2, 8, &0x1122_3344_5566_7788_u64.to_le_bytes());
        let pages = ForeignPages::map(&xen, DOMID, Access::Read, &gfns(&[2, 3, 900])).unwrap();
        assert_eq!(pages.error(0), None);
        assert_eq!(pages.error(1), Some(PageError::Hole));
        assert_eq!(pages.error(2), Some(PageError::Hole));
        assert_eq!(pages.error(3), Some(PageError::Hole), "past the end");
        assert_eq!(pages.read_u64(8), Ok(0x1122_3344_5566_7788));
        assert_eq!(pages.read_u64(4096), Err(PageError::Hole));
        assert_eq!(pages.read_u64(4), Err(PageError::Os(libc::EINVAL)));
        let mut out = [0; 16];
        assert_eq!(pages.read(4090, &mut out), Err(PageError::Hole), "runs into the hole");
        assert_eq!(pages.read(7, &mut out[..10]), Ok(()));
        assert_eq!(out[..10], [0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0]);
        assert_eq!(pages.write(0, &[1]), Err(PageError::Os(libc::EACCES)));
        assert_eq!(pages.read(usize::MAX, &mut out), Err(PageError::Hole));
    }

    #[test]
    fn a_running_guest_and_we_see_each_others_stores() {
        let (xen, mock) = MockDriver::xen(4);
        let pages = ForeignPages::map(&xen, DOMID, Access::ReadWrite, &gfns(&[3, 1])).unwrap();
        mock.poke(1, 0, &[7; 8]);
        assert_eq!(pages.read_u64(4096), Ok(0x0707_0707_0707_0707));
        pages.write(4097, b"written by dom0").unwrap();
        assert_eq!(mock.peek(1, 0, 17), b"\x07written by dom0\0");
    }

    #[test]
    fn interrupted_and_paged_out_pages_are_asked_for_again() {
        let (xen, mock) = MockDriver::xen(4);
        mock.set(|state| {
            state.fail_next = vec![libc::EINTR, libc::EAGAIN];
            state.paged_out = vec![(2, 3)];
        });
        let pages = ForeignPages::map(&xen, DOMID, Access::Read, &gfns(&[1, 2])).unwrap();
        assert_eq!((pages.error(0), pages.error(1)), (None, None));
        mock.set(|state| state.paged_out = vec![(2, u32::MAX)]);
        let pages = ForeignPages::map(&xen, DOMID, Access::Read, &gfns(&[1, 2])).unwrap();
        assert_eq!(pages.error(1), Some(PageError::Os(libc::ENOENT)), "it gives up");
    }

    #[test]
    fn many_pages_that_stay_paged_out_are_waited_for_as_long_as_one() {
        let (xen, mock) = MockDriver::xen(256);
        mock.set(|state| state.paged_out = (0..256).map(|gfn| (gfn, u32::MAX)).collect());
        let all: Vec<_> = (0..256).map(Gfn::new).collect();
        let start = std::time::Instant::now();
        let pages = ForeignPages::map(&xen, DOMID, Access::Read, &all).unwrap();
        // 256 pages, 50 times 1 ms each, would be 13 s.
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
        assert!((0..256).all(|page| pages.error(page) == Some(PageError::Os(libc::ENOENT))));
        assert_eq!(mock.get(|state| state.populates), 1 + 50 * 256);
    }

    #[test]
    fn a_domain_that_is_not_or_dies_is_an_error_of_the_whole() {
        let (xen, mock) = MockDriver::xen(4);
        let none = ForeignPages::map(&xen, DomId::new(9), Access::Read, &gfns(&[1])).unwrap_err();
        assert!(matches!(none, XenError::NoDomain { .. }), "{none}");
        let pages = ForeignPages::map(&xen, DOMID, Access::Read, &gfns(&[1])).unwrap();
        mock.set(|state| state.dead = true);
        assert_eq!(pages.read_u64(0), Ok(0), "what is mapped stays");
        assert!(matches!(
            ForeignPages::map(&xen, DOMID, Access::Read, &gfns(&[1])),
            Err(XenError::NoDomain { .. })
        ));
        assert!(ForeignPages::map(&xen, DOMID, Access::Read, &[]).is_err());
    }

    #[test]
    fn nothing_stays_mapped_whatever_fails() {
        let (xen, mock) = MockDriver::xen(64);
        let before = mock.maps();
        let all: Vec<_> = (0..64).map(Gfn::new).collect();
        for errno in 1..=133 {
            for after in 0..2 {
                mock.set(|state| {
                    state.fail_next = if after == 0 { vec![errno] } else { vec![] };
                    state.page_errno = (after == 1).then_some((5, errno));
                });
                drop(ForeignPages::map(&xen, DOMID, Access::Read, &all));
            }
        }
        assert_eq!(mock.maps(), before);
        let held = ForeignPages::map(&xen, DOMID, Access::Read, &all).unwrap();
        assert!(mock.maps() > before, "the count sees maps");
        drop(held);
        assert_eq!(mock.maps(), before);
    }
}
