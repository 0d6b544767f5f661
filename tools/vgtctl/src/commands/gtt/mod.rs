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

use super::domains::{resolve, resolve_optional};
use crate::cli::Gtt;
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(host: &Host, verb: &Gtt) -> Result<Report, Failure> {
    match verb {
        Gtt::Translate { domain, tables, len, limit, addresses } => {
            let range = len.map(|len| (len, *limit));
            match resolve_optional(host, domain)? {
                Some(domid) => translate::run(host, domid, tables, range, addresses),
                None => translate::host_wide(host, tables, range, addresses),
            }
        }
        Gtt::Dump { domain, tables, no_scratch, limit } => {
            let wanted = dump::Wanted::of(tables, *no_scratch, *limit)?;
            match resolve_optional(host, domain)? {
                Some(domid) => dump::run(host, domid, tables, wanted),
                None => dump::host_wide(host, tables, wanted),
            }
        }
        Gtt::Audit { domain } => audit::run(host, resolve(host, domain)?),
    }
}
