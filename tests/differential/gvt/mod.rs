//! Graphics addresses against Linux 6.1's GVT-g, whose own text builds the tables and walks them.
//!
//! Where we differ on purpose, [`by_design`] says how and why.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests state what they expect; a failed expectation is their result"
)]

mod by_design;
mod ppgtt;
mod window;

use std::io::Write;
use std::sync::Once;

use libxengt::addr::Maddr;
use libxengt::memory::{FlatMemory, GuestMemory, MemoryError, MemoryErrorReason};
use xengt_opponent_gvt::{self as opponent, FIRST_SHADOW_MFN, Gvt, Host};

/// Whether GVT-g is missing. Says so once, past the harness, which hides what passing tests print.
fn skipped() -> bool {
    static SAID: Once = Once::new();
    if !opponent::available() {
        SAID.call_once(|| std::io::stderr().write_all(format!("{}\n", opponent::SKIP).as_bytes()).unwrap());
    }
    !opponent::available()
}

fn gvt(words: &[u64], host: Host) -> Gvt<'_> {
    Gvt::new(words, host).expect("the test is skipped without")
}

/// GVT-g's shadow tables, where its machine has them.
struct Machine<'g>(FlatMemory<Maddr, &'g [u64]>);

impl<'g> Machine<'g> {
    fn of(gvt: &'g Gvt<'_>) -> Self {
        Self(FlatMemory::new(gvt.shadow_words()))
    }

    fn at(at: Maddr, len: usize) -> Result<Maddr, MemoryError> {
        let beyond = MemoryError { at: at.get(), len, reason: MemoryErrorReason::Beyond };
        at.checked_sub(FIRST_SHADOW_MFN << 12).ok_or(beyond)
    }
}

impl GuestMemory for Machine<'_> {
    type Addr = Maddr;

    fn read_u64(&self, at: Maddr) -> Result<u64, MemoryError> {
        self.0.read_u64(Self::at(at, 8)?)
    }

    fn read(&self, at: Maddr, out: &mut [u8]) -> Result<(), MemoryError> {
        self.0.read(Self::at(at, out.len())?, out)
    }
}
