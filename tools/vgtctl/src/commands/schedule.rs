//! `vgtctl pause` and `vgtctl resume`.

use libxengt::control::Seen;
use libxengt::host::Host;

use super::domains::resolve;
use crate::cli::Change;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(host: &Host, change: &Change, resume: bool) -> Result<Report, Failure> {
    let (domid, control) = (resolve(host, &change.domain)?, host.control());
    if change.dry_run {
        control.get(domid)?;
        let (node, command) = (host.root().vm(domid).join("schedule"), if resume { "1" } else { "0" });
        return Report::done(
            format!("would write {command:?} to {}\n", node.display()),
            serde_json::json!({ "dry_run": true, "path": node, "write": command }),
        );
    }
    let (seen, done) =
        if resume { (control.resume(domid)?, "resumed") } else { (control.pause(domid)?, "paused") };
    let confirmed = seen == Seen::Confirmed;
    let (note, code) = match confirmed {
        true => ("", exit_code::DONE),
        false => (" (accepted; this kernel does not show the state)", exit_code::WARNINGS),
    };
    let report = Report::done(
        format!("{done} the vGPU of domain {domid}{note}\n"),
        serde_json::json!({ "domid": domid.get(), "confirmed": confirmed }),
    )?;
    Ok(report.with_code(code))
}
