//! `vgtctl gtt`.

mod audit;
mod dump;
mod foreign;
mod machine;
mod owned;
mod runs;
mod tables;
mod translate;

pub(super) use tables::{guest_memory, spec};

use libxengt::host::Host;

use super::domains::resolve;
use crate::cli::Gtt;
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(host: &Host, verb: &Gtt) -> Result<Report, Failure> {
    match verb {
        Gtt::Translate { domain, tables, len, limit, addresses } => {
            let domid = resolve(host, domain)?;
            translate::run(host, domid, tables, len.map(|len| (len, *limit)), addresses)
        }
        Gtt::Dump { domain, tables, limit } => dump::run(host, resolve(host, domain)?, tables, *limit),
        Gtt::Audit { domain } => audit::run(host, resolve(host, domain)?),
    }
}
