//! `track`: the guest's writes to one page, seen one by one.

use std::time::Duration;

use libxengt::addr::{DomId, Gpa};
use libxengt::root::Root;
use libxengt::xen::ioreq::{Handler, IoreqServer, Size};
use libxengt::xen::{IoRange, XenError};

use crate::Outcome;
use crate::card::slot_of;
use crate::stop::Stop;

/// Where nothing is.
const SLOT: u8 = 6;
const TICK: Duration = Duration::from_millis(100);

/// Says each write; copies of the same size in a row are told as one line.
#[derive(Debug, Default)]
struct Log {
    writes: u64,
    run: Option<(Gpa, Size, u64)>,
}

impl Log {
    fn flush(&mut self) {
        if let Some((at, size, count)) = self.run.take() {
            println!("copied {:#x} {} times {} bytes", at.page_offset(), count, size.bytes());
        }
    }
}

impl Handler for Log {
    fn tracked_write(&mut self, at: Gpa, size: Size, value: u64) {
        self.writes += 1;
        // The guest's program copies there and writes single values below.
        if at.page_offset() >= 0x400 {
            let run = self.run.get_or_insert((at, size, 0));
            // What the guest's program copies: the n-th word is n in each of its bytes.
            if at.get() != run.0.get() + 8 * run.2 || value != 0x0101_0101_0101_0101 * (run.2 & 0xff) {
                println!("wrong: {:#x} {value:#x} as copy {}", at.page_offset(), run.2);
            }
            run.2 += 1;
            return;
        }
        self.flush();
        println!("tracked {:#x} {} {value:#x}", at.page_offset(), size.bytes());
    }
}

pub(crate) fn track(domid: DomId, page: Gpa) -> Outcome {
    let stop = Stop::listen()?;
    // The function of a device that tracks, as a vGPU has one: by it the server is found when this program is killed.
    let function = IoRange::Pci(slot_of(SLOT));
    let mut server = IoreqServer::start(&Root::system(), domid, &[function], true)?;
    server.track(page.frame())?;
    println!("tracking frame {:#x} by server {}", page.frame().get(), server.id());
    let mut log = Log::default();
    let ended = loop {
        if stop.asked() {
            break Ok(());
        }
        if let Err(error) = server.serve(&mut log, TICK) {
            break Err(error);
        }
    };
    log.flush();
    let stats = server.stats();
    println!("writes {}, lost {}, invalid {}", log.writes, stats.lost, stats.invalid);
    match ended {
        Ok(()) => {
            server.untrack(page.frame())?;
            server.serve(&mut log, TICK)?;
            println!("untracked");
            Ok(stats.lost == 0 && stats.invalid == 0)
        }
        Err(error @ XenError::NoDomain { .. }) => {
            println!("ended: {error}");
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}
