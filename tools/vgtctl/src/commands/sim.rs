//! `vgtctl sim`: the simulated host itself.

use libxengt::sim::{DomainKind, Sim, SimOptions};
use serde_json::json;

use crate::cli::{Global, SimVerb};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::{Report, table};
use crate::target;

pub(super) fn run(global: &Global, verb: &SimVerb) -> Result<Report, Failure> {
    let Some(dir) = target::sim_dir(global)? else {
        return Err(Failure::new(exit_code::USAGE, "which simulated host?").hint("give --sim or --sim=DIR"));
    };
    match verb {
        SimVerb::Init { aperture, ggtt, device, domains, force } => {
            let options =
                SimOptions { device: *device, aperture_mb: *aperture, ggtt_mb: *ggtt, domains: *domains };
            Sim::init(&dir, &options, *force)?;
            Report::done(
                format!("made a simulated host in {}\n", dir.display()),
                json!({
                    "directory": dir,
                    "device": format!("{device:#06x}"),
                    "aperture_mb": aperture,
                    "ggtt_mb": ggtt,
                    "domains": domains,
                }),
            )
        }
        SimVerb::Domains => {
            let domains = Sim::open_or_init(&dir)?.domains()?;
            let kind = |kind| match kind {
                DomainKind::Hvm => "hvm",
                DomainKind::Pv => "pv",
            };
            let rows: Vec<_> = domains
                .iter()
                .map(|domain| [domain.domid.to_string(), domain.name.clone(), kind(domain.kind).to_owned()])
                .collect();
            Report::done(table(["DOMID", "NAME", "KIND"], &rows), json!({ "domains": domains }))
        }
    }
}
