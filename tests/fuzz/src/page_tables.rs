//! Page tables as a guest could write them: cycles, self-references, frames beyond memory, wild bits.
#![forbid(unsafe_code)]

use crate::input::Input;
use crate::shadow::shadow_stays_inside;
use libxengt::addr::{Gpa, GuestGma, PpgttAddr};
use libxengt::gtt::{Fault, Ggtt, MmuSpec, Ppgtt, Root, Run, Target, WalkBudget, WalkError, gen8, gen9};
use libxengt::gtt::{GraphicsAddr, Translation};
use libxengt::memory::FlatMemory;

/// Tables there are; entries may name frames past them.
const TABLES: usize = 6;
/// Tables a range walk may read.
const BUDGET: WalkBudget = WalkBudget { tables: 24 };

/// Whatever the tables hold, every walk ends; runs cover what was asked for, in order, and are as long as
/// they can be; and single translations say the same as runs.
pub fn page_tables(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = input.u8();
    let spec = if choice & 1 == 0 { gen9::MMU } else { gen8::MMU };
    let root = if choice & 2 == 0 {
        Root::Pml4(Gpa::ZERO)
    } else {
        Root::from_pdp_registers([u64::from(choice >> 4) << 12, 0x1000, 0, input.u64()])
    };
    let (start, len) = (input.u64(), input.u64());
    let memory = FlatMemory::<Gpa, _>::new(tables(&mut input));
    let guest = Ppgtt::new(&memory, root, spec);
    ppgtt(&guest, start, len);
    shadow_stays_inside(&guest);
    ggtt(memory.words(), spec, start, len);
}

/// Words steered by the fuzzer: raw bits, or an entry that leads to one of the tables.
fn tables(input: &mut Input<'_>) -> Vec<u64> {
    let mut words = vec![0; TABLES * 512];
    while !input.is_empty() {
        let how = input.u8();
        let slot = usize::from(input.u16()) % words.len();
        let entry = if how & 0x80 == 0 {
            // Frames 0 to 7 over six tables: some lead beyond memory.
            u64::from(how & 7) << 12 | u64::from(how & 0x70) << 3 | 3
        } else {
            input.u64()
        };
        let repeat = if how & 8 == 0 { 1 } else { usize::from(input.u8()) };
        for (at, word) in (0..).zip(words.iter_mut().skip(slot).take(repeat)) {
            // Neighbours lead to neighbouring frames, or all to the same one.
            *word = if how & 0x10 == 0 { entry } else { entry.wrapping_add(at << 12) };
        }
    }
    words
}

fn ppgtt(ppgtt: &Ppgtt<'_, FlatMemory<Gpa, Vec<u64>>>, start: u64, len: u64) {
    let translate = |va: u64| ppgtt.translate(PpgttAddr::from_truncated(va));
    let start = PpgttAddr::from_truncated(start);
    for len in [len, len % (1 << 32), len % (1 << 21)] {
        match ppgtt.translate_range(start, len, BUDGET) {
            Ok(runs) => check_runs(runs, start, len, translate),
            Err(error) => {
                assert_eq!(error.fault, Fault::BeyondSpace { size: ppgtt.space() });
                assert!(u128::from(start.get()) + u128::from(len) > u128::from(ppgtt.space()));
            }
        }
    }
    let whole =
        ppgtt.translate_range(PpgttAddr::ZERO, ppgtt.space(), BUDGET).expect("the space is in itself");
    assert!(whole.filter(|run| run.target != Target::Hole).eq(ppgtt.dump(BUDGET)));
}

fn ggtt(words: &[u64], spec: MmuSpec, start: u64, len: u64) {
    let ggtt = Ggtt::<GuestGma, _>::new(words, spec);
    let start = GuestGma::from_truncated(start % ggtt.space());
    let len = len % (ggtt.space() - start.get() + 1);
    let runs = ggtt.translate_range(start, len).expect("the range was cut to fit");
    check_runs(runs, start, len, |va| ggtt.translate(GuestGma::from_truncated(va)));
    assert!(ggtt.translate(GuestGma::from_truncated(ggtt.space())).is_err());
    assert!(ggtt.translate_range(start, ggtt.space() - start.get() + 1).is_err());
}

fn check_runs<V: GraphicsAddr>(
    runs: impl Iterator<Item = Run<V, Gpa>>,
    start: V,
    len: u64,
    translate: impl Fn(u64) -> Result<Translation<Gpa>, WalkError>,
) {
    let mut next = start.get();
    let mut before: Option<Target<Gpa>> = None;
    for run in runs {
        assert_eq!(run.start.get(), next, "a gap or an overlap");
        assert!(run.len > 0, "an empty run");
        let last = run.len - 1;
        match run.target {
            Target::Mapped { addr, access } => {
                for offset in [0, last / 2, last] {
                    let one = translate(next + offset).expect("the run says that it is mapped");
                    assert_eq!((Some(one.addr), one.access), (addr.checked_add(offset), access));
                    assert!(one.remaining > 0 && one.remaining <= one.page_size.bytes());
                }
            }
            Target::Hole => {
                assert!(before != Some(Target::Hole), "two holes in a row at {next:#x}");
                for offset in [0, last / 2, last] {
                    assert_eq!(translate(next + offset).map_err(|error| error.fault), Err(Fault::NotPresent));
                }
            }
            Target::Fault(error) => match error.fault {
                Fault::BudgetSpent { .. } => {
                    assert_eq!(next + run.len, start.get() + len, "the walk gave up, and then went on");
                }
                fault => {
                    assert!(fault != Fault::NotPresent, "a hole is not a fault");
                    for offset in [0, last] {
                        let one =
                            translate(next + offset).expect_err("the run says that it is a fault").fault;
                        assert!(same_fault(one, fault), "{one:?} is not {fault:?}");
                    }
                }
            },
        }
        if let (Some(Target::Mapped { addr, access }), Target::Mapped { addr: ours, access: same }) =
            (before, run.target)
        {
            assert!(addr != ours || access != same, "two runs that are one at {next:#x}");
        }
        // For a mapped run, where the next one would go on.
        before = Some(match run.target {
            Target::Mapped { addr, access } => {
                addr.checked_add(run.len).map_or(Target::Hole, |addr| Target::Mapped { addr, access })
            }
            other => other,
        });
        next += run.len;
    }
    assert_eq!(next, start.get() + len, "not all of the range");
}

/// Ranges read whole tables and single walks single entries, so what could not be read has another size.
fn same_fault(one: Fault, run: Fault) -> bool {
    match (one, run) {
        (Fault::Memory(one), Fault::Memory(run)) => one.reason == run.reason,
        _ => one == run,
    }
}
