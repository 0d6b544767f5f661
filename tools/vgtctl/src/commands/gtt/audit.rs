//! `vgtctl gtt audit`: the host's GGTT entries in a vGPU's window against the domain's own frames.

use libxengt::addr::{DomId, HostGma, Mfn, PAGE_SIZE};
use libxengt::gtt::{Finding, Ggtt, GgttSource, Target, WalkError};
use libxengt::host::Host;
use libxengt::inspect::scratch_frame;
use libxengt::window::Window;
use serde_json::{Value, json};

use super::foreign::{Recurring, Scratch, Sorted};
use super::owned::{Authority, Owned};
use super::tables;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, hex, size};

/// More findings of one class than this say nothing new.
const MAX_FINDINGS: usize = 1000;

pub(super) fn run(host: &Host, domid: DomId) -> Result<Report, Failure> {
    // First what no other kernel module could help: a Xen that does not tell whose a frame is.
    let authority = Authority::of(host, domid)?;
    let vgpu = host.control().get(domid)?;
    let Some(window) = vgpu.window else {
        let message = "this kernel does not show the vGPU's window in the host's GGTT";
        return Err(
            Failure::new(exit_code::UNSUPPORTED, message).hint("the audit needs a kernel with our series")
        );
    };
    let mut owned = authority.owned(host, domid, &window)?;
    let table = tables::host_table(host, tables::spec(host)?)?;
    let told = scratch_frame(host.root(), domid)?;
    let mut look = Look::at(&table, &window, &owned, told)?;
    // A guest that runs changes its table between our two looks at it; what is really wrong stays wrong.
    for _ in 1..owned.looks() {
        if look.sorted.rest.is_empty() {
            break;
        }
        owned = authority.owned(host, domid, &window)?;
        look = Look::at(&table, &window, &owned, told)?;
    }
    look.report(domid, &window, &owned)
}

/// Findings of one class: all are counted, the first are shown.
#[derive(Default)]
struct Listed {
    json: Vec<Value>,
    count: usize,
}

impl Listed {
    /// Counts one more, and returns its line if it is shown.
    fn add(&mut self, describe: impl FnOnce() -> (String, Value)) -> String {
        self.count += 1;
        if self.json.len() >= MAX_FINDINGS {
            return String::new();
        }
        let (line, object) = describe();
        self.json.push(object);
        line
    }

    fn is_cut(&self) -> bool {
        self.count > self.json.len()
    }

    fn shown(&self) -> String {
        if self.is_cut() { format!(" ({} of them shown)", self.json.len()) } else { String::new() }
    }
}

/// What one look at the host's table found.
struct Look {
    /// Bytes of the window that are mapped.
    mapped: u64,
    scratch: Scratch,
    sorted: Sorted,
}

impl Look {
    fn at<S: GgttSource>(
        table: &Ggtt<HostGma, S>,
        window: &Window,
        owned: &Owned,
        told: Option<Mfn>,
    ) -> Result<Self, WalkError> {
        let (mut mapped, mut findings) = (0_u64, Vec::new());
        for slice in [window.aperture(), window.hidden()] {
            let runs = table.translate_range(slice.host_base(), slice.size())?;
            mapped += runs
                .filter(|run| matches!(run.target, Target::Mapped { .. }))
                .fold(0_u64, |sum, run| sum.saturating_add(run.len));
            findings.extend(table.audit(slice.host_base(), slice.size(), owned.frames())?);
        }
        let scratch = owned.scratch(told);
        Ok(Self { mapped, scratch, sorted: Sorted::of(findings, scratch) })
    }

    fn report(&self, domid: DomId, window: &Window, owned: &Owned) -> Result<Report, Failure> {
        let mut text = String::new();
        let (mut violations, mut not_proved) = (Listed::default(), Listed::default());
        for finding in &self.sorted.rest {
            let list = match finding {
                Finding::Outside(_) if owned.unknown() > 0 => &mut not_proved,
                _ => &mut violations,
            };
            text.push_str(&list.add(|| describe(window, finding, owned)));
        }
        let certain = self.sorted.certain(owned.unknown());
        let place = format!("in the window of domain {domid}");
        let unused = self.sorted.unused;
        let contradicted = match self.scratch {
            Scratch::Named(mfn) if unused > 0 => {
                text.push_str(&format!(
                    "{unused} entries that the guest does not use lead to the kernel's scratch page, machine frame {:#x}\n",
                    mfn.get()
                ));
                false
            }
            Scratch::Contradicted(mfn) => {
                text.push_str(&format!(
                    "the kernel names machine frame {:#x} as its scratch page, but that is the domain's own: no entry is \
                     excused\n",
                    mfn.get()
                ));
                true
            }
            _ => false,
        };
        if let Some(Recurring { mfn, entries }) = self.sorted.recurring {
            let known = if owned.unknown() > 0 { "known to be " } else { "" };
            text.push_str(&format!(
                "{entries} entries lead to one frame that is not {known}the domain's, machine frame {:#x}: GVT-g's \
                 scratch page, or a violation; the kernel does not tell\n",
                mfn.get()
            ));
        }
        if violations.count > 0 {
            text.push_str(&format!("{} violations {place}{}\n", violations.count, violations.shown()));
        }
        if not_proved.count > 0 {
            text.push_str(&format!(
                "{} findings {place}{} are not proved: {} guest frames could not be found out",
                not_proved.count,
                not_proved.shown(),
                owned.unknown()
            ));
            text.push_str(&match certain {
                0 => "\n".to_owned(),
                _ => format!(", but at least {certain} of the machine frames are not the domain's\n"),
            });
        }
        let clean = self.sorted.rest.is_empty() && self.sorted.recurring.is_none() && !contradicted;
        if clean {
            let own = size(self.mapped.saturating_sub(unused.saturating_mul(PAGE_SIZE)));
            let all = if unused > 0 { "all other" } else { "all" };
            text.push_str(&format!("clean: {all} {own} mapped {place} are the domain's own memory\n"));
        } else if self.sorted.rest.is_empty() {
            text.push_str(&format!("no violation is proved {place}, and that there is none is not proved\n"));
        }
        let code = match (clean, violations.count == 0 && certain == 0) {
            (true, _) => exit_code::DONE,
            (false, true) => exit_code::WARNINGS,
            (false, false) => exit_code::FAILURE,
        };
        let json = json!({
            "domid": domid.get(),
            "clean": clean,
            "mapped_bytes": self.mapped,
            "domain_frames": owned.frames().len(),
            "holes": owned.holes(),
            "unknown": owned.unknown(),
            "violations": violations.json,
            "not_proved": not_proved.json,
            "foreign_frames_at_least": certain,
            "recurring_mfn": self.sorted.recurring.map(|recurring| hex(recurring.mfn.get())),
            "recurring_entries": self.sorted.recurring.map(|recurring| recurring.entries),
            "scratch_mfn": self.scratch.told().map(|mfn| hex(mfn.get())),
            "scratch_entries": self.scratch.told().map(|_| unused),
            "cut": violations.is_cut() || not_proved.is_cut(),
        });
        Ok(Report::done(text, json)?.with_code(code))
    }
}

fn describe(window: &Window, finding: &Finding<HostGma, Mfn>, owned: &Owned) -> (String, Value) {
    let guest = |gma: HostGma| window.h2g(gma).ok().map(|gma| hex(gma.get()));
    let place = |gma: HostGma| match guest(gma) {
        Some(guest) => format!("host gma {gma} (guest {guest})"),
        None => format!("host gma {gma}"),
    };
    match finding {
        Finding::Outside(violation) => (
            format!(
                "{}: {} lead to machine frame {:#x}, {} (entry {:#x})\n",
                place(violation.address),
                size(violation.len),
                violation.frame.get(),
                owned.wrong(),
                violation.entry
            ),
            json!({
                "host_gma": hex(violation.address.get()),
                "guest_gma": guest(violation.address),
                "bytes": violation.len,
                "mfn": hex(violation.frame.get()),
                "entry": hex(violation.entry),
            }),
        ),
        Finding::Unresolved { address, len, error } => (
            format!("{}: {} do not resolve: {error}\n", place(*address), size(*len)),
            json!({
                "host_gma": hex(address.get()),
                "guest_gma": guest(*address),
                "bytes": len,
                "error": error.to_string(),
            }),
        ),
    }
}

#[cfg(test)]
mod tests {
    use libxengt::addr::{DomId, HostGma, Mfn};
    use libxengt::gtt::{FrameSet, Ggtt, gen9};
    use libxengt::window::Window;
    use libxengt::xen::OwnFrames;

    use super::{Look, Owned};
    use crate::exit_code;
    use crate::output::Report;

    /// The report on a window of 64 pages whose entries lead to `frames`; the domain's are 0x100 to 0x1ff.
    fn report(frames: impl IntoIterator<Item = u64>, unknown: u64) -> Report {
        report_with(frames, unknown, None)
    }

    /// The same, where the kernel says which its scratch page is.
    fn report_with(frames: impl IntoIterator<Item = u64>, unknown: u64, told: Option<u64>) -> Report {
        let mut entries: Vec<u64> = frames.into_iter().map(|frame| frame << 12 | 1).collect();
        entries.resize(64, 0);
        let table = Ggtt::<HostGma, _>::new(&entries[..], gen9::MMU);
        let frames = FrameSet::from_ranges([(Mfn::new(0x100), 0x100)]);
        let owned = Owned::Named(OwnFrames { frames, holes: 2, unknown });
        let half = 32 << 12;
        let window = Window::ballooned((HostGma::ZERO, half), (HostGma::new(half), half)).unwrap();
        Look::at(&table, &window, &owned, told.map(Mfn::new))
            .unwrap()
            .report(DomId::new(7), &window, &owned)
            .unwrap()
    }

    fn lengths(report: &Report) -> (usize, usize) {
        let length = |key: &str| report.json[key].as_array().unwrap().len();
        (length("violations"), length("not_proved"))
    }

    #[test]
    fn the_domains_own_memory_is_clean() {
        let report = report(0x100..0x120, 5);
        assert_eq!(report.code, exit_code::DONE);
        assert_eq!(
            report.text,
            "clean: all 128 KB mapped in the window of domain 7 are the domain's own memory\n"
        );
        assert_eq!((&report.json["holes"], &report.json["unknown"]), (&2.into(), &5.into()));
    }

    #[test]
    fn a_foreign_frame_is_a_violation_where_all_frames_are_known_and_else_not_proved() {
        let frames = [0x100, 0x300, 0x101, 0x310];
        let proved = report(frames, 0);
        assert_eq!((proved.code, lengths(&proved)), (exit_code::FAILURE, (2, 0)));
        assert!(proved.text.ends_with("\n2 violations in the window of domain 7\n"), "{}", proved.text);
        assert!(!proved.text.contains("not proved"));
        let open = report(frames, 2);
        assert_eq!((open.code, lengths(&open)), (exit_code::WARNINGS, (0, 2)));
        assert!(open.text.contains("2 findings in the window of domain 7 are not proved: 2 guest frames"));
        assert!(!open.text.contains("violations"), "{}", open.text);
        assert_eq!((&open.json["clean"], &open.json["foreign_frames_at_least"]), (&false.into(), &0.into()));
    }

    #[test]
    fn more_foreign_frames_than_unknown_ones_prove_a_violation_but_not_which() {
        let report = report([0x300, 0x310, 0x320], 1);
        assert_eq!((report.code, lengths(&report)), (exit_code::FAILURE, (0, 3)));
        assert!(report.text.ends_with(", but at least 2 of the machine frames are not the domain's\n"));
        assert_eq!(report.json["foreign_frames_at_least"], 2);
    }

    #[test]
    fn what_does_not_resolve_is_a_violation_whatever_is_unknown() {
        let report = report([0x100, 0xfff_ffff_ff00, 0x300], 9);
        assert_eq!((report.code, lengths(&report)), (exit_code::FAILURE, (1, 1)));
    }

    #[test]
    fn one_frame_in_all_unused_entries_is_one_line_and_a_warning() {
        let unused = || (0..60).map(|_| 0x500);
        let line = "60 entries lead to one frame that is not the domain's, machine frame 0x500: GVT-g's scratch page, or \
                    a violation; the kernel does not tell\n";
        let alone = report([0x100].into_iter().chain(unused()), 0);
        assert_eq!((alone.code, lengths(&alone)), (exit_code::WARNINGS, (0, 0)));
        assert!(alone.text.starts_with(line) && alone.text.lines().count() == 2, "{}", alone.text);
        assert!(!alone.text.contains("clean:"));
        assert_eq!(
            (&alone.json["clean"], &alone.json["recurring_mfn"], &alone.json["recurring_entries"]),
            (&false.into(), &"0x500".into(), &60.into())
        );
        let beside = report([0x900].into_iter().chain(unused()), 0);
        assert_eq!((beside.code, lengths(&beside)), (exit_code::FAILURE, (1, 0)));
        assert!(beside.text.contains(line) && beside.text.contains("\n1 violations in"), "{}", beside.text);
        assert!(report(unused(), 1).text.contains("not known to be the domain's"));
    }

    #[test]
    fn entries_on_the_page_that_the_kernel_names_are_said_apart_and_leave_the_window_clean() {
        let unused = || (0..60).map(|_| 0x500);
        let line =
            "60 entries that the guest does not use lead to the kernel's scratch page, machine frame 0x500\n";
        for unknown in [0, 3] {
            let clean = report_with((0x100..0x103).chain(unused()), unknown, Some(0x500));
            assert_eq!((clean.code, lengths(&clean)), (exit_code::DONE, (0, 0)));
            let rest =
                "clean: all other 12 KB mapped in the window of domain 7 are the domain's own memory\n";
            assert_eq!(clean.text, line.to_owned() + rest);
            let json = &clean.json;
            assert_eq!((&json["clean"], &json["mapped_bytes"]), (&true.into(), &(63 << 12).into()));
            assert_eq!((&json["scratch_mfn"], &json["scratch_entries"]), (&"0x500".into(), &60.into()));
            assert!(json["recurring_mfn"].is_null());
        }
        let beside = report_with([0x900].into_iter().chain(unused()), 0, Some(0x500));
        assert_eq!((beside.code, lengths(&beside)), (exit_code::FAILURE, (1, 0)));
        assert!(beside.text.contains(line) && beside.text.contains("\n1 violations in"), "{}", beside.text);
        let none = report_with([0x100], 0, Some(0x500));
        assert_eq!((none.code, none.text.lines().count()), (exit_code::DONE, 1));
        assert_eq!(none.json["scratch_entries"], 0);
    }

    #[test]
    fn a_frame_that_recurs_is_no_excuse_where_the_kernel_names_another() {
        let other = report_with((0..60).map(|_| 0x500), 0, Some(0x501));
        assert_eq!((other.code, lengths(&other)), (exit_code::FAILURE, (60, 0)));
        assert!(other.json["recurring_mfn"].is_null());
        let open = report_with((0..60).map(|_| 0x500), 1, Some(0x501));
        assert_eq!((open.code, lengths(&open)), (exit_code::WARNINGS, (0, 60)));
    }

    #[test]
    fn a_named_page_that_is_the_domains_own_proves_nothing_and_hides_nothing() {
        let own = report_with([0x100, 0x180, 0x180], 0, Some(0x180));
        assert_eq!((own.code, &own.json["clean"]), (exit_code::WARNINGS, &false.into()));
        assert!(
            own.text.starts_with("the kernel names machine frame 0x180 as its scratch page, but"),
            "{}",
            own.text
        );
        assert!(own.text.contains("no violation is proved"), "{}", own.text);
        let beside = report_with([0x180, 0x500].into_iter().chain([0x500; 20]), 0, Some(0x180));
        assert_eq!((beside.code, lengths(&beside)), (exit_code::FAILURE, (21, 0)));
    }
}
