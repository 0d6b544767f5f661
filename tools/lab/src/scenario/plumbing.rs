//! Real Xen and its toolstack.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "plumbing",
    about: "xl list, xl info and xenstore work in dom0; Xen offers HVM with nested paging",
    script: include_str!("../../scenarios/plumbing.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(300),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("xl-list")?.exits(0)?.says(&["Domain-0", " 0 "])?;
    let info = run.step("xl-info")?.exits(0)?;
    info.says(&["xen_version", ": 4."])?.says(&["xen_caps", "hvm-3.0-x86_64"])?.says(&[
        "virt_caps",
        "hvm",
        "hap",
    ])?;
    run.step("store")?.exits(0)?.says(&["Domain-0"])?;
    Ok(())
}
