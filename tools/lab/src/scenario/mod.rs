//! The scenarios: a script that runs in dom0, and what is expected of its steps.

mod device_model;
mod get_mfn;
mod gpu;
mod gpu_tables;
mod guest_tables;
mod hostile;
mod hvm_guest;
mod plumbing;
mod registers;
mod server_cycles;
pub(crate) mod soak;
mod two_processors;
mod vgtctl;
mod write_tracking;
mod xengt;
mod xengt_hostile;
mod xengt_life;
mod xengt_two;
mod xengt_xl;
mod xl_vgt;

use std::time::Duration;

use crate::cli::Gpu;
use crate::error::{LabError, Result};
use crate::transcript::Transcript;

/// One scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it shows, in a line.
    pub(crate) about: &'static str,
    /// Runs in dom0 after its tools are up. It calls `step NAME COMMAND...` of the first program.
    pub(crate) script: &'static str,
    pub(crate) needs: Needs,
    /// From power-on to power-off. Several times what it takes on an idle machine: emulation shares its cores.
    pub(crate) limit: Duration,
    pub(crate) check: fn(&Transcript) -> Result<()>,
}

/// All of them.
const ALL: &[Scenario] = &[
    plumbing::SCENARIO,
    registers::SCENARIO,
    vgtctl::SCENARIO,
    hvm_guest::SCENARIO,
    guest_tables::SCENARIO,
    device_model::SCENARIO,
    two_processors::SCENARIO,
    write_tracking::SCENARIO,
    server_cycles::SCENARIO,
    xl_vgt::SCENARIO,
    xl_vgt::ON_4_20,
    get_mfn::SCENARIO,
    get_mfn::ON_4_20,
    gpu::BARE,
    gpu::DOM0,
    soak::SCENARIO,
    xengt::LOAD,
    xengt::GUEST,
    xengt::LOAD_6_18,
    xengt::GUEST_6_18,
    xengt_hostile::SCENARIO,
    xengt_life::SCENARIO,
    xengt_two::SCENARIO,
    xengt_xl::SCENARIO,
];

/// What a scenario runs on, unless the user says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// As `--xen` has it.
    pub(crate) xen: &'static str,
    pub(crate) processors: u8,
    pub(crate) gpu: Gpu,
    /// As `--kernel` has it; the packages' one if there is none.
    pub(crate) kernel: Option<&'static str>,
}

impl Scenario {
    /// The word of the kernel's command line by which it runs.
    pub(crate) fn task(&self) -> String {
        format!("lab.scenario={}", self.name)
    }
}

impl Needs {
    /// The packages' Xen and kernel. Guests are slower with more than one processor.
    const STOCK: Self = Self { xen: "stock", processors: 1, gpu: Gpu::None, kernel: None };
    const PATCHED: Self = Self { xen: "4.17-xengt", ..Self::STOCK };
    const PATCHED_4_20: Self = Self { xen: "4.20-xengt", ..Self::STOCK };
    const MODEL: Self = Self { gpu: Gpu::Model, ..Self::STOCK };
}

/// All of them.
pub(crate) fn every() -> impl Iterator<Item = &'static Scenario> {
    ALL.iter()
}

/// The scenarios of these names; if there are none, all but `soak`, which takes long, and those of a kernel of our own.
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Scenario>> {
    if names.is_empty() {
        let in_turn = |one: &&Scenario| one.name != soak::SCENARIO.name && one.needs.kernel.is_none();
        return Ok(every().filter(in_turn).collect());
    }
    names.iter().map(|name| find(name)).collect()
}

/// The scenario of that name.
pub(crate) fn find(name: &str) -> Result<&'static Scenario> {
    every().find(|scenario| scenario.name == name).ok_or_else(|| LabError::UnknownScenario {
        name: name.to_owned(),
        known: every().map(|scenario| scenario.name).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_unknown_scenario_lists_those_there_are() {
        let error = named(&["plumbing".into(), "plumbling".into()]).unwrap_err();
        assert!(
            error.to_string().contains("plumbling") && error.to_string().contains("hvm-guest"),
            "{error}"
        );
    }

    #[test]
    fn needs_of_the_series_scenarios_are_a_patched_xen() {
        let xen = |name: &str| find(name).unwrap().needs.xen;
        assert_eq!((xen("plumbing"), xen("xl-vgt")), ("stock", "4.17-xengt"));
        assert_eq!((xen("get-mfn"), xen("get-mfn-4-20")), ("4.17-xengt", "4.20-xengt"));
        assert_eq!((xen("gpu-bare"), xen("gpu-dom0")), ("none", "stock"));
    }

    #[test]
    fn needs_of_the_gpu_scenarios_are_the_model() {
        let gpu = |name: &str| find(name).unwrap().needs.gpu;
        assert_eq!((gpu("plumbing"), gpu("gpu-bare"), gpu("gpu-dom0")), (Gpu::None, Gpu::Model, Gpu::Model));
    }

    #[test]
    fn check_empty_transcript_passes_no_scenario() {
        for scenario in every() {
            assert!((scenario.check)(&Transcript::default()).is_err(), "{}", scenario.name);
        }
    }

    #[test]
    fn names_are_words_that_a_kernel_command_line_can_hold() {
        for scenario in every() {
            assert!(
                scenario
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{}",
                scenario.name
            );
            assert!(!scenario.about.is_empty() && scenario.script.contains("step "), "{}", scenario.name);
        }
    }
}
