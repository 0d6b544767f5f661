//! What `vgtctl` read of the GPU's tables through its BAR, against what the model says of the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{LabError, Result};
use crate::transcript::{Step, Transcript};

/// Bits 38 to 12 of an entry are the page's address, bit 0 says that it is present (Skylake PRM, volume 5).
const ADDRESS: u64 = (1 << 39) - (1 << 12);

/// A screen of 640x480 alone has 300 pages.
const FEWEST: usize = 300;

/// One page of so many may change while vgtctl reads the tables of a driver that works: some dozens, which is less than
/// a screen, or than the objects of a process.
const ONE_CHANGES_OF: usize = 8;

pub(super) fn check(run: &Transcript) -> Result<()> {
    run.step("held")?.exits(0)?;
    process(run)?;
    fences(run.step("fences")?.exits(0)?, run.step("model-fences")?)?;
    global(run)
}

/// The GPU's own table: vgtctl reads it through the BAR.
fn global(run: &Transcript) -> Result<()> {
    let read = dumped(run.step("ggtt")?.exits(0)?)?;
    let told = Told::new(entries(run.step("model-ggtt-before")?)?, entries(run.step("model-ggtt-after")?)?)?;
    let settled = told.same(&read)?;
    if settled < FEWEST {
        return Err(wrong(&format!("only {settled} pages stay mapped, expected a screen at least")));
    }
    // vgtctl asked for the first page of its own dump, somewhere within.
    let asked = run.step("translate")?.exits(0)?;
    if let Some((gma, maddr)) = read.first_key_value().filter(|(gma, _)| !told.changed.contains(gma)) {
        asked.says(&[&format!("{:#x} -> maddr {:#x},", gma + 0x123, maddr + 0x123)])?;
    }
    Ok(())
}

/// A context's own tables: vgtctl walks them in dom0's memory, the model has run a batch by them.
fn process(run: &Transcript) -> Result<()> {
    run.step("context")?.says(&["pml4 0x", " lrca 0x", "rcs0"])?;
    let read = dumped(run.step("ppgtt")?.exits(0)?)?;
    Told::new(leaves(run.step("model-ppgtt-before")?)?, leaves(run.step("model-ppgtt-after")?)?)?
        .same(&read)?;
    let objects = objects(run.step("objects")?.exits(0)?)?;
    let Some((last, _)) = all_mapped(&objects, &read)?.last() else {
        return Err(wrong("the program told no objects"));
    };
    let maddr = read.get(last).map_or(0, |maddr| maddr + 0x123);
    run.step("ppgtt-translate")?.exits(0)?.says(&[&format!("{:#x} -> maddr {maddr:#x},", last + 0x123)])?;
    run.step("pages")?.exits(0)?.says(&["hold what the GPU wrote, 0 wrong"])?;
    // A check that cannot fail proves nothing.
    run.step("pages-larger")?.exits(1)?.says(&["wrong: "])?;
    Ok(())
}

/// Address and bytes of each `object ADDRESS BYTES`.
pub(super) fn objects(step: &Step) -> Result<Vec<(u64, u64)>> {
    let words = step.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .map(|words| match words.as_slice() {
            ["object", at, bytes] => Ok((hex(at)?, hex(bytes)?)),
            other => Err(wrong(&format!("the program said {other:?}"))),
        })
        .collect()
}

/// Expects every page of the objects among those that were read.
pub(super) fn all_mapped<'o>(
    objects: &'o [(u64, u64)],
    read: &BTreeMap<u64, u64>,
) -> Result<&'o [(u64, u64)]> {
    let mut pages = objects.iter().flat_map(|(at, bytes)| (*at..at + bytes).step_by(4096));
    match pages.find(|page| !read.contains_key(page)) {
        None => Ok(objects),
        Some(page) => Err(wrong(&format!("{page:#x} of an object is not among what vgtctl found"))),
    }
}

/// Each page of `0xADDRESS 0xENTRY 0xBYTES`.
pub(super) fn leaves(step: &Step) -> Result<BTreeMap<u64, u64>> {
    let mut pages = BTreeMap::new();
    for line in step.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [at, entry, bytes] = words.as_slice() else {
            return Err(wrong(&format!("the model said {line:?}")));
        };
        let (at, bytes) = (hex(at)?, hex(bytes)?);
        // Of a larger page's address the bits below its size mean something else.
        let page = hex(entry)? & ADDRESS & !bytes.wrapping_sub(1);
        pages.extend((0..bytes).step_by(4096).map(|offset| (at + offset, page + offset)));
    }
    Ok(pages)
}

/// What vgtctl says is in each fence register.
pub(super) fn registers(step: &Step) -> impl Iterator<Item = String> {
    let raw = |line: &str| {
        line.split_once("\"raw\": \"").map(|(_, rest)| rest.trim_end_matches(['"', ',']).to_owned())
    };
    step.lines().filter_map(raw)
}

/// Expects the same registers, and two of them in use.
fn fences(read: &Step, told: &Step) -> Result<()> {
    let read: Vec<_> = registers(read).collect();
    let told: Vec<_> = told.lines().map(str::to_owned).collect();
    if read != told {
        return Err(wrong(&format!("fences: vgtctl read {read:?}, the model has {told:?}")));
    }
    match told.iter().filter(|value| *value != "0x0").count() {
        0 | 1 => Err(wrong("fewer than two fences are in use")),
        _ => Ok(()),
    }
}

/// Each page of `0xFIRST-0xLAST SIZE maddr 0xADDRESS, ...`.
fn dumped(step: &Step) -> Result<BTreeMap<u64, u64>> {
    let mut pages = BTreeMap::new();
    for line in step.lines().filter(|line| line.starts_with("0x")) {
        let words: Vec<_> = line.split([' ', '-', ',']).filter(|word| word.starts_with("0x")).collect();
        let [first, last, target] = words.as_slice() else {
            return Err(wrong(&format!("vgtctl said {line:?}")));
        };
        let (first, last, target) = (hex(first)?, hex(last)?, hex(target)?);
        let mapped = (first..=last).step_by(4096);
        pages.extend(mapped.map(|gma| (gma, target.wrapping_add(gma - first))));
    }
    Ok(pages)
}

/// Each present entry of `0xADDRESS 0xENTRY`.
pub(super) fn entries(step: &Step) -> Result<BTreeMap<u64, u64>> {
    let mut pages = BTreeMap::new();
    for line in step.lines() {
        let Some((gma, entry)) = line.split_once(' ') else {
            return Err(wrong(&format!("the model said {line:?}")));
        };
        let (gma, entry) = (hex(gma)?, hex(entry)?);
        if entry & 1 == 1 {
            pages.insert(gma, entry & ADDRESS);
        }
    }
    Ok(pages)
}

/// What the model said of a table before vgtctl read it, and what of that was otherwise afterwards.
pub(super) struct Told {
    before: BTreeMap<u64, u64>,
    changed: BTreeSet<u64>,
}

impl Told {
    /// Where too much changes, what is left to compare proves little.
    pub(super) fn new(before: BTreeMap<u64, u64>, after: BTreeMap<u64, u64>) -> Result<Self> {
        let pages: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        let all = pages.len();
        let changed: BTreeSet<_> =
            pages.into_iter().filter(|page| before.get(page) != after.get(page)).collect();
        if changed.len() * ONE_CHANGES_OF > all {
            let count = changed.len();
            return Err(wrong(&format!("{count} of the model's {all} pages changed while vgtctl read them")));
        }
        Ok(Self { before, changed })
    }

    /// Expects that vgtctl read the same, where nothing changed; tells how many pages that are.
    pub(super) fn same(&self, read: &BTreeMap<u64, u64>) -> Result<usize> {
        self.agree(read, self.before.keys())
    }

    /// Expects that what was read is so in the model too, which may have more; tells how many pages that are.
    pub(super) fn has(&self, read: &BTreeMap<u64, u64>) -> Result<usize> {
        self.agree(read, read.keys())
    }

    fn agree<'p>(
        &self,
        read: &'p BTreeMap<u64, u64>,
        judged: impl Iterator<Item = &'p u64> + Clone,
    ) -> Result<usize> {
        let settled = |page: &&u64| !self.changed.contains(page);
        let differs = |page: &&u64| settled(page) && read.get(page) != self.before.get(page);
        match read.keys().chain(judged.clone()).find(differs) {
            None => Ok(judged.filter(settled).count()),
            Some(page) => Err(wrong(&format!(
                "{page:#x} leads to {:x?} by vgtctl, to {:x?} in the model before and after",
                read.get(page),
                self.before.get(page)
            ))),
        }
    }
}

pub(super) fn hex(word: &str) -> Result<u64> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    u64::from_str_radix(digits, 16).map_err(|_| wrong(&format!("{word:?} is no number")))
}

pub(super) fn wrong(what: &str) -> LabError {
    LabError::Expectation(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Line;

    #[test]
    fn same_runs_and_entries_agree_and_each_difference_is_found() {
        let said = Step::saying(&[
            "0x000000001000-0x000000002fff     8 KB  maddr 0x5000, writable, PPAT 0",
            "1 runs",
        ]);
        let read = dumped(&said).unwrap();
        assert_eq!(read, BTreeMap::from([(0x1000, 0x5000), (0x2000, 0x6000)]));
        for (lines, agrees) in [
            (&["0x1000 0x5001", "0x2000 0x6003", "0x9000 0x8000"][..], true),
            (&["0x1000 0x5001", "0x2000 0x7003"], false),
            (&["0x1000 0x5001"], false),
            (&["0x1000 0x5001", "0x2000 0x6001", "0x9000 0x8001"], false),
        ] {
            let told = entries(&Step::saying(lines)).unwrap();
            let told = Told::new(told.clone(), told).unwrap();
            assert_eq!(told.same(&read).is_ok(), agrees, "{lines:?}");
        }
    }

    #[test]
    fn told_pages_that_changed_meanwhile_are_not_judged_and_all_others_are() {
        let before: BTreeMap<u64, u64> = (1..=16).map(|page| (page << 12, page << 20)).collect();
        let with = |pages: &[(u64, Option<u64>)]| {
            let mut table = before.clone();
            for (page, target) in pages {
                match target {
                    Some(target) => table.insert(*page, *target),
                    None => table.remove(page),
                };
            }
            table
        };
        // One goes and one comes; vgtctl may have seen either of each.
        let after = with(&[(0x2000, None), (0x20000, Some(0x7000))]);
        let told = Told::new(before.clone(), after.clone()).unwrap();
        for read in [&before, &after, &with(&[(0x2000, None)])] {
            assert_eq!(told.same(read).unwrap(), 15);
        }
        for planted in [(0x3000, None), (0x3000, Some(0x7000)), (0x21000, Some(0x7000))] {
            assert!(told.same(&with(&[planted])).is_err(), "{planted:?}");
        }
        // A page that leads elsewhere has changed too. Two of sixteen are as many as may.
        let moved = [(0x2000, Some(0)), (0x4000, Some(0)), (0x5000, Some(0))];
        assert!(Told::new(before.clone(), with(&moved[..2])).is_ok());
        assert!(Told::new(before.clone(), with(&moved)).is_err());
        assert!(Told::new(before.clone(), BTreeMap::new()).is_err());
    }

    fn transcript(steps: &[(&str, &[&str], i32)]) -> Transcript {
        let mut run = Transcript::default();
        for (name, lines, exit) in steps {
            run.take(Line::Step((*name).into())).unwrap();
            for line in *lines {
                run.take(Line::Output((*line).to_owned())).unwrap();
            }
            run.take(Line::Exit(*exit)).unwrap();
        }
        run
    }

    #[test]
    fn global_judges_what_stays_and_wants_a_screen_of_it() {
        let told = |pages: u64, skew: u64| {
            (1..=pages)
                .map(|page| format!("{:#x} {:#x}", page << 12, (page << 12) + skew + 1))
                .collect::<Vec<_>>()
        };
        let judge = |before: &[String], dump: &str, translated: &str, after: &[String]| {
            let [before, after] =
                [before, after].map(|told| told.iter().map(String::as_str).collect::<Vec<_>>());
            global(&transcript(&[
                ("model-ggtt-before", &before, 0),
                ("ggtt", &[dump], 0),
                ("translate", &[translated], 0),
                ("model-ggtt-after", &after, 0),
            ]))
            .is_ok()
        };
        let (all, dump) = (told(310, 0), "0x1000-0x136fff 1240 KB maddr 0x1000, writable, PPAT 0");
        let (first, other) = ("0x1123 -> maddr 0x1123, 4K page", "0x1123 -> maddr 0x9123, 4K page");
        assert!(judge(&all, dump, first, &all));
        assert!(!judge(&all, dump, other, &all), "vgtctl contradicts itself");
        assert!(!judge(&told(310, 0x1000), dump, first, &told(310, 0x1000)), "all pages lead elsewhere");
        assert!(!judge(&all, "0x1000-0x135fff 1236 KB maddr 0x1000", first, &all), "a page is missing");
        // The first page and the last go while vgtctl reads.
        assert!(judge(&all, dump, other, &all[1..309]));
        assert!(!judge(&all, dump, first, &all[..299]), "less than a screen stays");
        assert!(!judge(&all, dump, first, &all[..200]), "too much changes");
    }

    #[test]
    fn process_leaves_of_every_size_agree_and_a_planted_difference_is_found() {
        let dump = [
            "0x000000001000-0x000000002fff     8 KB  maddr 0x5000, writable, PPAT 0",
            "0x000000200000-0x0000003fffff     2 MB  maddr 0x4200000, writable, PPAT 4",
        ];
        let told = ["0x1000 0x5083", "0x2000 0x6003", "0x200000 0x4201083 0x200000"];
        let told = [[told[0], " 0x1000"].concat(), [told[1], " 0x1000"].concat(), told[2].to_owned()];
        let objects = ["object 0x2000 0x1000", "object 0x200000 0x200000"];
        let larger = ["object 0x2000 0x2000"];
        let judge = |told: &[String], named: &[&str], translated: &str, wrong: &str| {
            let told: Vec<_> = told.iter().map(String::as_str).collect();
            let held = format!("pages: 513 of 2 objects hold what the GPU wrote, {wrong} wrong; {{}}");
            // A batch of i915's own, which vgtctl does not see any more.
            let before = [&told[..], &["0x9000 0x8003 0x1000"]].concat();
            let run = transcript(&[
                ("context", &["pml4 0x1000 lrca 0x3000 rcs0"], 0),
                ("model-ppgtt-before", &before, 0),
                ("ppgtt", &dump, 0),
                ("model-ppgtt-after", &told, 0),
                ("objects", named, 0),
                ("ppgtt-translate", &[translated], 0),
                ("pages", &[held.as_str()], 0),
                ("pages-larger", &["wrong: 0x3000: not present"], 1),
            ]);
            process(&run).is_ok()
        };
        let translated = "0x200123 -> maddr 0x4200123, 2M page, writable, PPAT 4";
        assert!(judge(&told, &objects, translated, "0"));
        assert!(!judge(&told, &larger, translated, "0"), "a page of an object is missing");
        assert!(!judge(&told, &[], translated, "0"), "no object is no proof");
        assert!(!judge(&told, &objects, "0x200123 -> maddr 0x4200124, 2M page", "0"));
        assert!(!judge(&told, &objects, translated, "1"));
        for (leaf, planted) in [(0, "0x1000 0x7083 0x1000"), (2, "0x200000 0x4201083 0x1000")] {
            let mut told = told.clone();
            planted.clone_into(&mut told[leaf]);
            assert!(!judge(&told, &objects, translated, "0"), "{planted}");
        }
        assert!(!judge(&told[1..], &objects, translated, "0"), "a leaf that the model has not");
    }

    #[test]
    fn fences_must_be_equal_and_two_in_use() {
        let vgtctl = ["  {", "  \"raw\": \"0x5\",", "  \"raw\": \"0x7\""];
        let judge = |told: &[&str]| fences(&Step::saying(&vgtctl), &Step::saying(told));
        assert!(judge(&["0x5", "0x7"]).is_ok());
        assert!(judge(&["0x5", "0x6"]).is_err());
        assert!(judge(&["0x5", "0x7", "0x0"]).is_err());
        let idle = ["\"raw\": \"0x0\""];
        assert!(fences(&Step::saying(&idle), &Step::saying(&["0x0"])).is_err());
    }

    #[test]
    fn dumped_fault_is_an_error() {
        let said = Step::saying(&["0x000000001000-0x000000001fff     4 KB  fault: beyond"]);
        assert!(dumped(&said).is_err());
    }
}
