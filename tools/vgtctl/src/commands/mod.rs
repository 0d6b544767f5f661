//! One file per verb.

mod completions;
mod create;
mod destroy;
mod doctor;
mod domains;
mod fence;
mod gtt;
mod host;
mod list;
mod man;
mod schedule;
mod screenshot;
mod show;
mod sim;
mod types;
mod vgpu_text;

use crate::cli::{Cli, Fence, Gtt, SimVerb, Verb};
use crate::failure::Failure;
use crate::output::Report;
use crate::target;

/// The verb's name in JSON and messages.
pub(crate) fn name(verb: &Verb) -> &'static str {
    match verb {
        Verb::Host => "host",
        Verb::Types => "types",
        Verb::Create(_) => "create",
        Verb::Destroy(_) => "destroy",
        Verb::List => "list",
        Verb::Show(_) => "show",
        Verb::Pause(_) => "pause",
        Verb::Resume(_) => "resume",
        Verb::Gtt(Gtt::Translate { .. }) => "gtt translate",
        Verb::Gtt(Gtt::Dump { .. }) => "gtt dump",
        Verb::Gtt(Gtt::Audit { .. }) => "gtt audit",
        Verb::Fence(Fence::List { .. }) => "fence list",
        Verb::Screenshot(_) => "screenshot",
        Verb::Doctor { .. } => "doctor",
        Verb::Sim(SimVerb::Init { .. }) => "sim init",
        Verb::Sim(SimVerb::Domains) => "sim domains",
        Verb::Completions { .. } => "completions",
        Verb::Man { .. } => "man",
    }
}

/// Does what the command line says.
pub(crate) fn run(cli: &Cli) -> Result<Report, Failure> {
    let open = || target::open(&cli.global);
    match &cli.verb {
        Verb::Host => host::run(&open()?),
        Verb::Types => types::run(&open()?),
        Verb::Create(options) => create::run(&open()?, options),
        Verb::Destroy(change) => destroy::run(&open()?, change),
        Verb::List => list::run(&open()?),
        Verb::Show(domain) => show::run(&open()?, domain),
        Verb::Pause(change) => schedule::run(&open()?, change, false),
        Verb::Resume(change) => schedule::run(&open()?, change, true),
        Verb::Gtt(verb) => gtt::run(&open()?, verb),
        Verb::Fence(Fence::List { domain }) => fence::run(&open()?, domain),
        Verb::Screenshot(options) => screenshot::run(&open()?, options),
        Verb::Doctor { domain } => doctor::run(&open()?, domain),
        Verb::Sim(verb) => sim::run(&cli.global, verb),
        Verb::Completions { shell } => completions::run(*shell),
        Verb::Man { dir } => man::run(dir.as_deref()),
    }
}
