//! `leaves`: where the entries of a vGPU's tables lead in the machine, as the guest wrote them and Xen translates.

use std::collections::BTreeMap;
use std::error::Error;

use libxengt::addr::{DomId, Gfn, Gpa, GuestGma, PAGE_SIZE};
use libxengt::gtt::{Ggtt, GraphicsAddr, Ppgtt, Root, Run, Target, WalkBudget, gen9};
use libxengt::inspect::{MmioImage, VirtualGgtt};
use libxengt::root::Root as HostRoot;
use libxengt::xen::{FrameState, LiveMemory, Xen};

use crate::Outcome;

/// From so many entries on, a frame is the guest's own scratch page: i915 fills its tables with one.
const MANY: usize = 16;

/// Prints `0xADDRESS 0xMADDR` for each page.
pub(crate) fn tell(domid: DomId, ppgtt: bool) -> Outcome {
    let (root, xen) = (HostRoot::system(), Xen::open(&HostRoot::system())?);
    let pages = if ppgtt {
        let root = Root::from_pml4_register(MmioImage::open(&root, domid)?.pvinfo()?.pdp_registers[0]);
        let memory = LiveMemory::new(&xen, domid)?;
        pages(Ppgtt::new(&memory, root, gen9::MMU).dump_unique(WalkBudget::default()))?
    } else {
        pages(Ggtt::<GuestGma, _>::new(VirtualGgtt::open(&root, domid)?, gen9::MMU).dump())?
    };
    let (used, scratch) = without_scratch(pages);
    let gfns: Vec<Gfn> = used.iter().map(|(_, gfn)| *gfn).collect();
    let mut holes = 0;
    for ((at, gfn), state) in used.iter().zip(xen.machine_frames(domid, &gfns)?) {
        match state {
            FrameState::Ram(mfn) => println!("{at:#x} {:#x}", mfn.get() * PAGE_SIZE),
            other => {
                holes += 1;
                println!("{at:#x} of frame {gfn}: {other:?}");
            }
        }
    }
    println!("{} pages, {scratch} more lead to scratch, {holes} to nothing", used.len());
    Ok(holes == 0)
}

/// Each mapped page, and the guest's frame behind it.
fn pages<V: GraphicsAddr>(
    runs: impl Iterator<Item = Run<V, Gpa>>,
) -> Result<Vec<(u64, Gfn)>, Box<dyn Error>> {
    let mut pages = Vec::new();
    for run in runs {
        match run.target {
            Target::Mapped { addr, .. } => {
                let at = run.start.get();
                for offset in (0..run.len).step_by(4096) {
                    let gpa = addr.checked_add(offset).ok_or("a run ends beyond the last address")?;
                    pages.push((at + offset, gpa.frame()));
                }
            }
            Target::Hole => {}
            Target::Fault(error) => return Err(format!("{:#x}: {error}", run.start.get()).into()),
        }
    }
    Ok(pages)
}

/// Takes the frames away that many entries lead to, and counts these.
fn without_scratch(pages: Vec<(u64, Gfn)>) -> (Vec<(u64, Gfn)>, usize) {
    let mut entries = BTreeMap::<Gfn, usize>::new();
    for (_, gfn) in &pages {
        *entries.entry(*gfn).or_default() += 1;
    }
    let all = pages.len();
    let used: Vec<_> =
        pages.into_iter().filter(|(_, gfn)| entries.get(gfn).is_none_or(|n| *n < MANY)).collect();
    let scratch = all - used.len();
    (used, scratch)
}

#[cfg(test)]
mod tests {
    use libxengt::addr::Gfn;

    use super::without_scratch;

    #[test]
    fn without_scratch_leaves_out_only_what_many_entries_share() {
        let pages =
            |frames: &[u64]| (0..).zip(frames.iter().map(|frame| Gfn::new(*frame))).collect::<Vec<_>>();
        let mut frames = vec![7; 20];
        frames.extend([1, 2, 2, 3]);
        let (used, scratch) = without_scratch(pages(&frames));
        assert_eq!((used.len(), scratch), (4, 20));
        assert!(used.iter().all(|(_, gfn)| *gfn != Gfn::new(7)));
    }
}
