//! `pages`: objects of a context of dom0's own i915, found by its page tables in dom0's memory.

use std::collections::BTreeMap;
use std::path::Path;

use libxengt::addr::{Maddr, PAGE_SIZE, PhysAddr, PpgttAddr, parse_u64};
use libxengt::gtt::{Ppgtt, Root, gen9};
use libxengt::memory::GuestMemory;
use libxengt::root::Root as HostRoot;
use libxengt::xen::{OwnMemory, Xen};

use crate::Outcome;

/// Pages that are not as they should be are told so often.
const TOLD: u64 = 5;

pub(crate) fn look(pml4: Maddr, file: &Path) -> Outcome {
    let objects = objects(&std::fs::read_to_string(file)?)?;
    let memory = OwnMemory::new(&Xen::open(&HostRoot::system())?);
    let table = Ppgtt::new(&memory, Root::Pml4(pml4), gen9::MMU);
    let (sizes, wrong) = compare(&table, &objects);
    let found: u64 = sizes.values().sum();
    println!("pages: {found} of {} objects hold what the GPU wrote, {wrong} wrong; {sizes:?}", objects.len());
    Ok(found > 0 && wrong == 0)
}

/// Address and bytes of each `object ADDRESS BYTES`; other lines are someone else's.
fn objects(text: &str) -> Result<Vec<(u64, u64)>, String> {
    let number = |word: &str| parse_u64(word, PpgttAddr::MAX.get()).map_err(|error| error.to_string());
    let lines = text.lines().filter_map(|line| line.strip_prefix("object ")?.split_once(' '));
    lines.map(|(at, bytes)| Ok((number(at)?, number(bytes)?))).collect()
}

/// The first word of each page is the low half of the page's number. Pages that hold it, by size, and how many do not.
fn compare<M: GuestMemory>(table: &Ppgtt<'_, M>, objects: &[(u64, u64)]) -> (BTreeMap<String, u64>, u64) {
    let (mut sizes, mut wrong) = (BTreeMap::new(), 0);
    let pages = objects.iter().flat_map(|(at, bytes)| (*at..at.saturating_add(*bytes)).step_by(4096));
    for at in pages {
        match page(table, at) {
            Ok(size) => *sizes.entry(size).or_default() += 1,
            Err(why) => {
                wrong += 1;
                if wrong <= TOLD {
                    println!("wrong: {at:#x}: {why}");
                }
            }
        }
    }
    (sizes, wrong)
}

fn page<M: GuestMemory>(table: &Ppgtt<'_, M>, at: u64) -> Result<String, String> {
    let at = PpgttAddr::try_new(at).map_err(|error| error.to_string())?;
    let found = table.translate(at).map_err(|error| error.to_string())?;
    let mut word = [0; 4];
    table.memory().read(found.addr, &mut word).map_err(|error| error.to_string())?;
    let (held, number) = (u32::from_le_bytes(word), at.get() / PAGE_SIZE);
    if u64::from(held) == number & u64::from(u32::MAX) {
        Ok(found.page_size.to_string())
    } else {
        Err(format!("{:#x} holds {held:#x}", found.addr.get()))
    }
}

#[cfg(test)]
mod tests {
    use libxengt::addr::Maddr;
    use libxengt::gtt::{Ppgtt, Root, gen9};
    use libxengt::memory::FlatMemory;

    use super::{compare, objects};

    #[test]
    fn compare_tells_pages_with_their_number_from_others_and_from_none() {
        // Frames 1 to 4 are the tables, 5 and 6 the pages.
        let mut words = vec![0_u64; 7 * 512];
        for frame in 1..4 {
            words[frame * 512] = u64::try_from(frame + 1).unwrap() << 12 | 3;
        }
        words[4 * 512 + 8] = 0x5003;
        words[4 * 512 + 9] = 0x6003;
        words[5 * 512] = 0xffff_ffff_0000_0008;
        words[6 * 512] = 9;
        let count = |words: &[u64], objects: &[(u64, u64)]| {
            let memory = FlatMemory::<Maddr, _>::new(words.to_vec());
            let table = Ppgtt::new(&memory, Root::Pml4(Maddr::new(0x1000)), gen9::MMU);
            let (sizes, wrong) = compare(&table, objects);
            (sizes.get("4K").copied().unwrap_or(0), wrong)
        };
        assert_eq!(count(&words, &[(0x8000, 0x2000)]), (2, 0));
        assert_eq!(count(&words, &[(0x8000, 0x3000)]), (2, 1), "one is not there");
        words[6 * 512] = 8;
        assert_eq!(count(&words, &[(0x8000, 0x2000)]), (1, 1), "one holds another's");
    }

    #[test]
    fn objects_are_told_among_other_lines() {
        let text = "pass tiled-x\nobject 0x1000 0x2000\nobject 0x5000 4096\npass pages\n";
        assert_eq!(objects(text).unwrap(), [(0x1000, 0x2000), (0x5000, 0x1000)]);
        assert!(objects("object 0x1000 many\n").is_err());
    }
}
