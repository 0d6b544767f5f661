//! What the kernel counts of one vGPU: the node `stats` of `vm<domid>`.

use crate::addr::DomId;
use crate::node::{self, NodeError};
use crate::root::Root;

/// The names that our kernel has today, in its order. Others may be added.
pub(crate) const NAMES: [&str; 14] = [
    "requests",
    "config",
    "registers",
    "ggtt",
    "aperture",
    "opregion",
    "tracked_writes",
    "invalidations",
    "interrupts",
    "refused",
    "pinned_pages",
    "parked_pages",
    "mapped_chunks",
    "direct_pages",
];
/// The longest name.
const MAX_NAME: usize = 32;

/// What happened since a vGPU was made, in the kernel's order. Names that this library does not know are kept.
///
/// | name | meaning |
/// |---|---|
/// | `requests` | accesses of the guest that Xen handed over |
/// | `config` | of these, to configuration space |
/// | `registers` | elements of these, to registers |
/// | `ggtt` | to entries of the GGTT |
/// | `aperture` | to the aperture |
/// | `opregion` | to the OpRegion |
/// | `tracked_writes` | to the guest's own page tables for its GPU |
/// | `invalidations` | times that the guest gave memory away |
/// | `interrupts` | that the guest got |
/// | `refused` | what the guest did and may not |
/// | `pinned_pages` | pages of the guest that Xen keeps for its GPU |
/// | `parked_pages` | of these, those that wait for the GPU to idle |
/// | `mapped_chunks` | 2 MiB pieces of the guest that dom0 has mapped |
/// | `direct_pages` | pages of the aperture that the guest has mapped |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    all: Vec<(String, u64)>,
}

impl Counters {
    /// Reads the counters of `domid`'s vGPU; `None` if the kernel shows none.
    ///
    /// # Errors
    /// [`NodeError`] if the node is unreadable or says what it should not.
    pub fn read(root: &Root, domid: DomId) -> Result<Option<Self>, NodeError> {
        const COUNTERS: &str = "on each line a name, a space and a decimal number, each name once";
        let path = root.vm(domid).join("stats");
        let Some(text) = node::optional(&path, |path| node::read_text(path, COUNTERS))? else {
            return Ok(None);
        };
        let mut all: Vec<(String, u64)> = Vec::with_capacity(NAMES.len());
        // A page has 1024 lines at most.
        for line in text.split('\n') {
            let counter = parse(line).filter(|(name, _)| all.iter().all(|(other, _)| other != name));
            let (name, value) = counter.ok_or_else(|| NodeError::garbage(&path, line, COUNTERS))?;
            all.push((name.to_owned(), value));
        }
        Ok(Some(Self { all }))
    }

    /// The counter of that name, if the kernel has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All counters in the kernel's order. A name has at most 32 lower-case letters, digits and underscores.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.all.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// One line, which is printed on terminals, so nothing but plain names and numbers.
fn parse(line: &str) -> Option<(&str, u64)> {
    let (name, number) = line.split_once(' ')?;
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_plain) {
        return None;
    }
    // As the kernel prints them: no sign and no zeros before, which Rust's own parser would take.
    let value = number.parse().ok().filter(|value: &u64| value.to_string() == number)?;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Counters, NAMES};
    use crate::addr::DomId;
    use crate::node::{NodeError, NodeProblem};
    use crate::root::Root;

    fn read(content: Option<&[u8]>) -> Result<Option<Counters>, NodeError> {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::at(dir.path());
        let vm = root.vm(DomId::new(7));
        fs::create_dir_all(&vm).unwrap();
        if let Some(content) = content {
            fs::write(vm.join("stats"), content).unwrap();
        }
        Counters::read(&root, DomId::new(7))
    }

    #[test]
    fn all_names_are_kept_in_their_order_and_unknown_ones_too() {
        let text = "requests 7\nteapots 0\nrefused 18446744073709551615\n";
        let counters = read(Some(text.as_bytes())).unwrap().unwrap();
        let all: Vec<_> = counters.iter().collect();
        assert_eq!(all, [("requests", 7), ("teapots", 0), ("refused", u64::MAX)]);
        assert_eq!([counters.get("requests"), counters.get("ggtt")], [Some(7), None]);
        let known: String = NAMES.iter().map(|name| format!("{name} 0\n")).collect();
        assert_eq!(read(Some(known.as_bytes())).unwrap().unwrap().iter().count(), NAMES.len());
    }

    #[test]
    fn a_kernel_that_counts_nothing_is_no_error() {
        assert_eq!(read(None).unwrap(), None);
    }

    #[test]
    fn rubbish_is_an_error_that_quotes_the_line() {
        let long = format!("{} 1", "a".repeat(33));
        let lines = [
            "requests",
            "requests  1",
            "requests -1",
            "requests +1",
            "requests 01",
            "requests 0x1",
            "requests 1 ",
        ];
        let odd =
            ["requests 18446744073709551616", "Requests 1", "\x1b[31m 1", " 1", "", "a\t1", "ggtt 5", &long];
        for line in lines.into_iter().chain(odd) {
            let text = format!("ggtt 4\n{line}\nconfig 3\n");
            let NodeProblem::Garbage { found, .. } = read(Some(text.as_bytes())).unwrap_err().problem else {
                panic!("{line:?}");
            };
            assert_eq!(found, line.trim_end());
        }
        assert!(matches!(read(Some(b"\n")).unwrap_err().problem, NodeProblem::Empty { .. }));
        let page = "a 1\n".repeat(1025);
        assert!(matches!(read(Some(page.as_bytes())).unwrap_err().problem, NodeProblem::TooLong { .. }));
    }
}
