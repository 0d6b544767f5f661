//! The command line.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Boots real Xen, dom0 and guests in QEMU, without hardware virtualisation and without root.
#[derive(Debug, Parser)]
#[command(name = "xengt-lab", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Downloads, checks and unpacks what the lock file names
    Fetch {
        /// Resolve the newest packages of the locked series, and rewrite the lock file
        #[arg(long, conflicts_with = "list")]
        update: bool,
        /// Only list the files that are needed: name in the cache, and address
        #[arg(long)]
        list: bool,
    },
    /// Downloads, checks and unpacks an upstream source of the lock file, and prints where it is
    Source {
        /// Its name
        name: String,
        /// The first two numbers of its version
        series: String,
        /// Leave it packed, and print the file
        #[arg(long)]
        packed: bool,
    },
    /// Builds a locked Xen with our patches: hypervisor, hvmloader, libraries and xl; prints where they are
    XenBuild {
        /// The first two numbers of its version
        series: String,
        /// Other patches than ours: a directory with a file "series"
        #[arg(long, value_name = "DIR")]
        patches: Option<PathBuf>,
    },
    /// Builds the machine's QEMU, a locked one with our patches, and prints where it is
    QemuBuild,
    /// Builds a locked Linux with our patches, for dom0 and its guests, and prints where it is
    KernelBuild {
        /// The first two numbers of its version
        series: String,
    },
    /// Builds the images that the machine boots, and prints their paths
    Image,
    /// Boots the machine
    Boot(Boot),
    /// Gives the GPU model random work for a long time: it must make no mistake, and nothing must grow
    Soak(Soak),
    /// Runs scenarios; if none is named, all but `soak` and those of a kernel of our own
    Test {
        /// Names; `test --list` shows them
        scenarios: Vec<String>,
        /// Only list the scenarios
        #[arg(long)]
        list: bool,
        /// How many machines run at a time; each wants a core and 5 GB of memory [default: as many as there are cores
        /// and free memory for, and at least one]
        #[arg(long, short, value_name = "N")]
        jobs: Option<NonZero<usize>>,
        #[command(flatten)]
        machine: MachineOptions,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Boot {
    #[command(flatten)]
    pub(crate) machine: MachineOptions,
    #[command(flatten)]
    pub(crate) task: Task,
    #[command(flatten)]
    pub(crate) words: Words,
}

#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// How long, without the machine's start
    #[arg(long, default_value = "30", value_name = "N")]
    pub(crate) minutes: NonZero<u32>,
    /// What the random work follows from; a run prints its own [default: another one each time]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u32>,
    /// A QEMU to use in place of ours
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) qemu: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Task {
    /// A shell in dom0 on this terminal; Ctrl-A X ends the machine
    #[arg(long)]
    pub(crate) interactive: bool,
    /// Run a scenario with its console shown
    #[arg(long, value_name = "SCENARIO")]
    pub(crate) run: Option<String>,
}

/// What a scenario is told by the kernel's command line.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Words {
    /// Words for the scenario, as its script has them: "lab.minutes=60 lab.seed=7"
    #[arg(long, value_name = "WORDS", conflicts_with = "interactive", default_value = "")]
    pub(crate) words: String,
    /// How many minutes more than usual it may take
    #[arg(long, value_name = "N", conflicts_with = "interactive", default_value = "0")]
    pub(crate) longer: u32,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct MachineOptions {
    /// Xen: "stock"; "none" boots Linux alone; "4.17-xengt" is a locked one with our patches, and its tools; a
    /// directory that xen-build printed; or only the hypervisor, a file or a directory that has one [default: what the
    /// scenario needs, else stock]
    #[arg(long, value_name = "stock|none|SERIES-xengt|DIR")]
    pub(crate) xen: Option<PathBuf>,
    /// A kernel for dom0 in place of the locked one: "6.12-xengt" is a locked one with our patches, for guests too;
    /// or a file, with Xen's dom0 drivers built in
    #[arg(long, value_name = "SERIES-xengt|FILE")]
    pub(crate) kernel: Option<PathBuf>,
    /// The GPU that dom0 sees; with one the locked kernel is 6.12, with i915 [default: what the scenario needs, else
    /// none]
    #[arg(long, value_enum)]
    pub(crate) gpu: Option<Gpu>,
    /// A QEMU to use in place of ours
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) qemu: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Gpu {
    /// No GPU
    None,
    /// The GPU model
    Model,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn boot_wants_exactly_one_task() {
        let parse = |words: &[&str]| Cli::try_parse_from([&["xengt-lab", "boot"], words].concat());
        assert!(parse(&["--interactive"]).is_ok());
        assert!(parse(&["--run", "plumbing"]).is_ok());
        assert!(parse(&["--run", "plumbing", "--words", "lab.seed=7", "--longer", "60"]).is_ok());
        assert!(parse(&["--interactive", "--words", "lab.seed=7"]).is_err());
        assert!(parse(&[]).is_err());
        assert!(parse(&["--interactive", "--run", "plumbing"]).is_err());
    }
}
