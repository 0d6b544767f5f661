//! `crossings`: how many calls into the kernel it takes to translate a million frames, batched and one by one.

use std::error::Error;

use libxengt::addr::{DomId, Gfn};
use libxengt::root::Root;
use libxengt::xen::{Access, ForeignPages, FrameState, MfnExtension, Xen};

use crate::Outcome;

const MILLION: u64 = 1_000_000;
/// One by one, so many are measured and the rest is told by proportion: all of them take minutes here.
const SAMPLE: u64 = 2000;
/// Frames per mapping: a mapping is held while it is read, so it is not made of all at once.
const BATCH: usize = 2048;

pub(crate) fn count(domid: DomId) -> Outcome {
    let xen = Xen::open(&Root::system())?;
    // The guest has fewer frames than that: its own are asked for round and round.
    let end = xen.maximum_gpfn(domid)?.get().clamp(1, 0xf000);
    let gfns: Vec<Gfn> = (0..MILLION).map(|n| Gfn::new(n % end)).collect();
    let sample = gfns.get(..usize::try_from(SAMPLE)?).ok_or("too few frames")?;

    report(&xen, "foreign mapping, batched", MILLION, || mapped(&xen, domid, &gfns, BATCH))?;
    report(&xen, "foreign mapping, one by one", SAMPLE, || mapped(&xen, domid, sample, 1))?;
    match xen.mfn_extension()? {
        MfnExtension::Absent => println!("machine frames: this Xen has no get_mfn_from_pfn"),
        MfnExtension::Present | MfnExtension::MarksHoles => {
            report(&xen, "machine frames, batched", MILLION, || translated(&xen, domid, &gfns))?;
            report(&xen, "machine frames, one by one", SAMPLE, || {
                sample.iter().try_fold(0, |sum, gfn| Ok(sum + translated(&xen, domid, &[*gfn])?))
            })?;
        }
    }
    Ok(true)
}

fn report(
    xen: &Xen,
    what: &str,
    frames: u64,
    run: impl FnOnce() -> Result<u64, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let before = xen.crossings();
    let there = run()?;
    let made = xen.crossings().since(&before);
    let per_million = |count: u64| count * MILLION / frames;
    println!(
        "{what}: {} ioctls and {} mmaps per million frames ({there} of {frames} were there)",
        per_million(made.ioctls()),
        per_million(made.reservations)
    );
    Ok(())
}

fn mapped(xen: &Xen, domid: DomId, gfns: &[Gfn], batch: usize) -> Result<u64, Box<dyn Error>> {
    let mut there = 0;
    for part in gfns.chunks(batch) {
        let pages = ForeignPages::map(xen, domid, Access::Read, part)?;
        there += u64::try_from((0..part.len()).filter(|page| pages.error(*page).is_none()).count())?;
    }
    Ok(there)
}

fn translated(xen: &Xen, domid: DomId, gfns: &[Gfn]) -> Result<u64, Box<dyn Error>> {
    let states = xen.machine_frames(domid, gfns)?;
    Ok(u64::try_from(states.iter().filter(|state| matches!(state, FrameState::Ram(_))).count())?)
}
