//! The hypercall that our series adds to Xen, on a running guest.

use std::time::Duration;

use super::Scenario;
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "get-mfn",
    about: "subop 29 translates a running guest's frames as mappings and Xen's table do, and keeps no lock",
    script: include_str!("../../scenarios/get-mfn.sh"),
    limit: Duration::from_secs(2400),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    run.step("no-guest")?.exits(0)?.says(&["ok   flags-are-known"])?.says(&["5 passed, 0 failed"])?;
    run.step("vgtctl")?.says(&["get_mfn_from_pfn: present (memory subop 29), and marks holes"])?;
    run.step("start")?.exits(0)?;
    let live = run.step("live")?.exits(0)?;
    for line in [
        "hole-then-good: 100 times",
        "holes-allowed",
        "size-0",
        "size-1",
        "size-2048",
        "too-long",
        "unknown-domain",
        "all-frames",
        "ballooned-out",
        "random-lists: 10000 lists",
    ] {
        live.says(&["ok  ", line])?;
    }
    live.says(&[" passed, 0 failed"])?.never_says("FAIL")?;
    run.step("runs")?.exits(0)?.says(&["still here"])?;
    run.step("destroy")?.exits(0)?;
    run.step("gone")?.exits(0)?;
    run.step("list-after")?.exits(0)?.says(&["Domain-0"])?.never_says("guest")?;
    // grep found nothing to complain of.
    run.step("log")?.exits(1)?;
    Ok(())
}
