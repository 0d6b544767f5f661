//! `walk`: every address of the guest's tables, through foreign mappings, while the guest runs.

use std::error::Error;
use std::path::Path;

use libxengt::addr::{DomId, Gpa, GuestGma, PAGE_SIZE, PpgttAddr};
use libxengt::gtt::{Fault, Ggtt, MemoryGgtt, Ppgtt, Root, Translation, WalkBudget, WalkError, gen9};
use libxengt::memory::{GuestMemory, MemoryErrorReason};
use libxengt::root::Root as HostRoot;
use libxengt::xen::{LiveMemory, Xen};

use crate::Outcome;
use crate::statement::{self, Expected, Space, Statement};

/// What agreed, by kind.
#[derive(Debug, Default)]
struct Tally {
    mapped: u32,
    holes: u32,
    gone: u32,
    faults: u32,
    wrong: u32,
}

pub(crate) fn walk(domid: DomId, file: &Path, ballooned: bool) -> Outcome {
    let statements = statement::parse(&std::fs::read_to_string(file)?)?;
    let xen = Xen::open(&HostRoot::system())?;
    let memory = LiveMemory::new(&xen, domid)?;
    let pml4 = statements.iter().find_map(|s| if let Statement::Pml4(gpa) = s { Some(*gpa) } else { None });
    let table = statements.iter().find_map(|s| match s {
        Statement::Ggtt { gpa, bytes } => Some((*gpa, *bytes)),
        _ => None,
    });
    let (pml4, (base, bytes)) = pml4.zip(table).ok_or("the guest named no PML4 or no GGTT")?;
    let ppgtt = Ppgtt::new(&memory, Root::Pml4(Gpa::try_new(pml4)?), gen9::MMU);
    let entries = MemoryGgtt::new(&memory, Gpa::try_new(base)?, u32::try_from(bytes / 8)?);
    let ggtt = Ggtt::<GuestGma, _>::new(entries, gen9::MMU);

    let mut tally = Tally::default();
    let mut free = Free::default();
    for statement in &statements {
        if let Statement::Free { at, pages } = statement {
            free.look(&memory, |at| Ok(ggtt.translate(GuestGma::try_new(at)?)?.addr), *at, *pages)?;
        }
        let Statement::Address { space, at, expected } = statement else { continue };
        let found = match space {
            Space::Ppgtt => ppgtt.translate(PpgttAddr::try_new(*at)?),
            Space::Ggtt => ggtt.translate(GuestGma::try_new(*at)?),
        };
        if let Err(why) = tally.compare(&memory, expected, found) {
            println!("wrong: {space:?} {at:#x}: {why}; the guest says {expected:?}");
            tally.wrong += 1;
        }
    }
    let runs = ppgtt.dump(WalkBudget::default()).count() + ggtt.dump().count();
    println!(
        "walked: {} mapped, {} holes, {} gone, {} faults agree, {} wrong; {runs} runs dumped",
        tally.mapped, tally.holes, tally.gone, tally.faults, tally.wrong
    );
    println!(
        "of the pages that were free, {} are there and {} are gone, of {} looked at",
        free.there, free.gone, free.seen
    );
    let expected = if ballooned { free.gone > free.seen / 8 } else { free.gone == 0 };
    Ok(tally.wrong == 0 && tally.mapped > 0 && free.seen > 0 && expected)
}

/// Pages whose fate is the guest's kernel's choice.
#[derive(Debug, Default)]
struct Free {
    seen: u64,
    there: u64,
    gone: u64,
}

impl Free {
    /// Looks at some of `pages` pages of a space from `at` on.
    fn look(
        &mut self,
        memory: &LiveMemory,
        translate: impl Fn(u64) -> Result<Gpa, Box<dyn Error>>,
        at: u64,
        pages: u64,
    ) -> Result<(), Box<dyn Error>> {
        for page in (0..pages).step_by(16) {
            let gpa = translate(at + page * PAGE_SIZE)?;
            match memory.read_u64(gpa).map_err(|error| error.reason) {
                Ok(_) => self.there += 1,
                Err(MemoryErrorReason::Hole) => self.gone += 1,
                Err(other) => return Err(format!("{gpa:#x}: {other}").into()),
            }
            self.seen += 1;
        }
        Ok(())
    }
}

impl Tally {
    fn compare(
        &mut self,
        memory: &LiveMemory,
        expected: &Expected,
        found: Result<Translation<Gpa>, WalkError>,
    ) -> Result<(), String> {
        match (expected, found) {
            (Expected::Map { gpa, size, writable, value }, Ok(found)) => {
                let is = (found.addr.get(), found.page_size.to_string(), found.access.writable);
                if is != (*gpa, size.clone(), *writable) {
                    return Err(format!("leads to {is:x?}"));
                }
                let word = memory.read_u64(found.addr).map_err(|error| error.to_string())?;
                if value.is_some_and(|value| value != word) {
                    return Err(format!("holds {word:#x}"));
                }
                self.mapped += 1;
            }
            (Expected::Hole, Err(WalkError { fault: Fault::NotPresent, .. })) => self.holes += 1,
            (Expected::Gone { gpa }, Ok(found)) if found.addr.get() == *gpa => {
                match memory.read_u64(found.addr).map_err(|error| error.reason) {
                    Err(MemoryErrorReason::Hole | MemoryErrorReason::Beyond) => self.gone += 1,
                    other => return Err(format!("reading there gives {other:x?}")),
                }
            }
            (Expected::Fault, Err(error)) => match error.fault {
                Fault::Memory(memory) => {
                    println!("fault: {error}");
                    if !matches!(memory.reason, MemoryErrorReason::Hole | MemoryErrorReason::Beyond) {
                        return Err(error.to_string());
                    }
                    self.faults += 1;
                }
                Fault::BeyondSpace { .. } => self.faults += 1,
                _ => return Err(error.to_string()),
            },
            (_, found) => return Err(format!("{found:x?}")),
        }
        Ok(())
    }
}
