//! `frames`: what Xen says of some frames of a guest, and whether they can be mapped.

use libxengt::addr::{DomId, Gfn};
use libxengt::root::Root;
use libxengt::xen::{Access, ForeignPages, FrameState, Xen};

use crate::Outcome;

pub(crate) fn tell(domid: DomId, gfns: &[Gfn]) -> Outcome {
    let xen = Xen::open(&Root::system())?;
    println!("extension: {:?}", xen.mfn_extension()?);
    let states = xen.machine_frames(domid, gfns)?;
    let pages = ForeignPages::map(&xen, domid, Access::Read, gfns)?;
    for (page, (gfn, state)) in gfns.iter().zip(states).enumerate() {
        let behind = match state {
            FrameState::Ram(mfn) => format!("machine frame {:#x}", mfn.get()),
            FrameState::Hole => "hole".to_owned(),
            other => format!("{other:?}"),
        };
        let mapped = pages
            .error(page)
            .map_or_else(|| "can be mapped".to_owned(), |error| format!("cannot be mapped: {error:?}"));
        println!("frame {}: {behind}, {mapped}", gfn.get());
    }
    Ok(true)
}
