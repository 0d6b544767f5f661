//! `vgtctl destroy`.

use libxengt::control::Command;
use libxengt::host::Host;

use super::domains::resolve;
use crate::cli::Change;
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(host: &Host, change: &Change) -> Result<Report, Failure> {
    let domid = resolve(host, &change.domain)?;
    if change.dry_run {
        host.control().get(domid)?;
        let (node, command) = (host.root().vgt_control(), Command::Destroy(domid).to_string());
        return Report::done(
            format!("would write {command:?} to {}\n", node.display()),
            serde_json::json!({ "dry_run": true, "path": node, "write": command }),
        );
    }
    host.control().destroy(domid)?;
    Report::done(
        format!("destroyed the vGPU of domain {domid}\n"),
        serde_json::json!({ "domid": domid.get() }),
    )
}
