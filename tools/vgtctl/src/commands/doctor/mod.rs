//! `vgtctl doctor`: is this host fit, and if not, what is to be done first?
//!
//! The checks go in the order in which things must be right; one that needs an earlier one to pass is
//! skipped and says so. Each has its evidence and its fix.

mod checks;
mod domain;
mod hypervisor;

use libxengt::host::Host;
use serde::Serialize;
use serde_json::json;

use crate::cli::OptionalDomain;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Report;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
    Skip,
}

/// One check's result.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    verdict: Verdict,
    evidence: String,
    fix: Option<String>,
}

impl Check {
    fn ok(check: &'static str, evidence: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, evidence: evidence.into(), fix: None }
    }

    fn skip(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Skip, evidence: why.into(), fix: None }
    }

    fn warn(check: &'static str, evidence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, evidence: evidence.into(), fix: Some(fix.into()) }
    }

    fn fail(check: &'static str, evidence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, evidence: evidence.into(), fix: Some(fix.into()) }
    }
}

pub(super) fn run(host: &Host, domain: &OptionalDomain) -> Result<Report, Failure> {
    let checks = checks::all(host, domain);
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (failed, warned) = (count(Verdict::Fail), count(Verdict::Warn));
    let mut text: String = checks.iter().map(line).collect();
    text.push_str(&format!(
        "{} ok, {warned} warnings, {failed} failed, {} skipped\n",
        count(Verdict::Ok),
        count(Verdict::Skip)
    ));
    let code = match (failed, warned) {
        (0, 0) => exit_code::DONE,
        (0, _) => exit_code::WARNINGS,
        _ => exit_code::UNSUPPORTED,
    };
    Ok(Report::done(text, json!({ "checks": checks, "fit": failed == 0 }))?.with_code(code))
}

fn line(check: &Check) -> String {
    let mark = match check.verdict {
        Verdict::Ok => "ok  ",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
        Verdict::Skip => "skip",
    };
    let fix = check.fix.as_ref().map(|fix| format!("      fix: {fix}\n")).unwrap_or_default();
    format!("{mark}  {}: {}\n{fix}", check.check, check.evidence)
}
