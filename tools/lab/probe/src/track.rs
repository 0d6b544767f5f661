//! `track`: the guest's writes to one page, seen one by one.

use std::time::Duration;

use libxengt::addr::{DomId, Gpa};
use libxengt::root::Root;
use libxengt::xen::XenError;
use libxengt::xen::ioreq::{Handler, IoreqServer, Size};

use crate::Outcome;
use crate::stop::Stop;

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
            run.2 += 1;
            return;
        }
        self.flush();
        println!("tracked {:#x} {} {value:#x}", at.page_offset(), size.bytes());
    }
}

pub(crate) fn track(domid: DomId, page: Gpa) -> Outcome {
    let stop = Stop::listen()?;
    let mut server = IoreqServer::start(&Root::system(), domid, &[], true)?;
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
