//! `release`: the end of what a killed program left of a PCI function's ioreq servers.

use libxengt::addr::DomId;
use libxengt::root::Root;
use libxengt::xen::ioreq::{Orphan, destroy_orphans};

use crate::Outcome;
use crate::card::slot_of;

pub(crate) fn release(domid: DomId, slot: u8) -> Outcome {
    let orphans = destroy_orphans(&Root::system(), domid, slot_of(slot))?;
    for Orphan { id, released, .. } in &orphans {
        println!("destroyed server {id}, for which {released} vCPUs waited");
    }
    println!("{} servers destroyed", orphans.len());
    Ok(true)
}
