//! The memory of the domain that asks, by machine addresses: where dom0's own graphics driver keeps its tables.
#![forbid(unsafe_code)]

use super::{LiveMemory, Xen};
use crate::addr::{Gpa, Maddr};
use crate::memory::{GuestMemory, MemoryError, MemoryErrorReason};

/// This domain's own memory, read by copies at machine addresses.
///
/// In a PV dom0 without an IOMMU in between, the addresses that its drivers give to devices are the machine's, and so
/// are those in their page tables. Of memory, Xen maps to this domain its own and no other's; in a dom0 that is PVH
/// every read fails, as Xen knows no machine frames there. What is mapped is kept for a while, as in [`LiveMemory`].
///
/// dom0 may map devices too (`get_page_from_l1e` in Xen's `arch/x86/mm.c`), and nothing here tells their frames from
/// memory: a read at such an address reads a register, which may change the device's state. So give it only addresses
/// that are known to be memory, as the root of a driver's tables and what these lead to.
#[derive(Debug)]
pub struct OwnMemory(LiveMemory);

impl OwnMemory {
    /// The memory of the domain that this runs in.
    #[must_use]
    pub fn new(xen: &Xen) -> Self {
        Self(LiveMemory::own(xen))
    }

    /// Unmaps everything: a frame that the kernel gave up meanwhile keeps its last content here until then.
    pub fn forget(&self) {
        self.0.forget();
    }
}

/// The number alone, as the frames of a PV domain are the machine's.
fn number(at: Maddr, len: usize) -> Result<Gpa, MemoryError> {
    let beyond = MemoryError { at: at.get(), len, reason: MemoryErrorReason::Beyond };
    Gpa::try_new(at.get()).map_err(|_| beyond)
}

/// Xen says of another domain's frame that it is busy.
fn not_ours(error: MemoryError) -> MemoryError {
    let reason = match error.reason {
        MemoryErrorReason::Os(libc::EBUSY | libc::EPERM) => MemoryErrorReason::Hole,
        reason => reason,
    };
    MemoryError { reason, ..error }
}

impl GuestMemory for OwnMemory {
    type Addr = Maddr;

    fn read_u64(&self, at: Maddr) -> Result<u64, MemoryError> {
        self.0.read_u64(number(at, 8)?).map_err(not_ours)
    }

    fn read_words(&self, at: Maddr, out: &mut [u64]) -> Result<(), MemoryError> {
        self.0.read_words(number(at, 8)?, out).map_err(not_ours)
    }

    fn read(&self, at: Maddr, out: &mut [u8]) -> Result<(), MemoryError> {
        self.0.read(number(at, out.len())?, out).map_err(not_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::MockDriver;
    use super::OwnMemory;
    use crate::addr::Maddr;
    use crate::memory::{GuestMemory, MemoryErrorReason};

    #[test]
    fn own_frames_are_read_one_by_one_and_those_of_others_are_holes() {
        let (xen, mock) = MockDriver::xen(64);
        mock.set(|state| {
            state.own = true;
            state.holes.extend([5]);
            state.page_errno = Some((6, libc::EBUSY));
        });
        mock.poke(3, 0xff8, &[1, 2, 3, 4, 5, 6, 7, 8]);
        mock.poke(4, 0, &[9]);
        let memory = OwnMemory::new(&xen);
        assert_eq!(memory.read_u64(Maddr::new(0x3ff8)).unwrap(), 0x0807_0605_0403_0201);
        assert_eq!(mock.get(|state| state.pages), 1, "no neighbour is touched");
        let mut words = [0; 2];
        memory.read_words(Maddr::new(0x3ff8), &mut words).unwrap();
        assert_eq!(words, [0x0807_0605_0403_0201, 9]);
        let mut bytes = [0; 2];
        memory.read(Maddr::new(0x3fff), &mut bytes).unwrap();
        assert_eq!(bytes, [8, 9]);
        for not_ours in [0x5000, 0x6000, 64 << 12] {
            let error = memory.read_u64(Maddr::new(not_ours)).unwrap_err();
            assert_eq!((error.at, error.reason), (not_ours, MemoryErrorReason::Hole));
        }
        let hypercalls = mock.get(|state| state.hypercalls);
        assert_eq!(hypercalls, 0, "nothing is asked about a domain that has no such number");
        memory.forget();
        mock.poke(4, 0, &[10]);
        memory.read(Maddr::new(0x3fff), &mut bytes).unwrap();
        assert_eq!(bytes, [8, 10]);
    }
}
