//! vgtctl on a real dom0 without a GPU.

use std::time::Duration;

use super::{Needs, Scenario};
use crate::error::Result;
use crate::transcript::Transcript;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "vgtctl",
    about: "vgtctl doctor, host and list tell the truth about a dom0 without GPU and xengt",
    script: include_str!("../../scenarios/vgtctl.sh"),
    needs: Needs::STOCK,
    limit: Duration::from_secs(300),
    check,
};

fn check(run: &Transcript) -> Result<()> {
    let doctor = run.step("doctor")?.exits(5)?;
    doctor.says(&["ok ", "dom0:", "control_d"])?;
    // These come from the hypervisor itself.
    doctor.says(&["ok ", "xen version: Xen 4.", "runs HVM guests"])?;
    doctor.says(&["ok ", "get_mfn_from_pfn: absent"])?;
    doctor.says(&["ok ", "domctl: ", "interface 0x15"])?;
    for (check, evidence) in
        [("gpu:", "no Intel GPU"), ("xengt:", "not loaded"), ("control node:", "create_vgt_instance")]
    {
        doctor.says(&["FAIL ", check, evidence])?;
    }
    doctor.says(&[" ok, ", " failed"])?.never_says("panicked")?;

    let json = run.step("doctor-json")?.exits(5)?;
    json.says(&["\"schema\": \"vgtctl/1\""])?.says(&["\"fit\": false"])?;

    run.step("host")?.exits(5)?.says(&["error:", "no Intel GPU", "hint:"])?;
    run.step("list")?.exits(5)?.says(&["error:", "xengt", "hint:"])?;
    run.step("own-domain")?.exits(2)?.says(&["not a guest's domain id"])?;
    run.step("no-domain")?.exits(5)?.says(&["FAIL ", "domain: ", "77"])?.never_says("panicked")?;
    run.step("no-name")?.exits(3)?.says(&["error:", "nobody"])?;
    let not_root = run.step("not-root")?.exits(5)?.says(&["FAIL ", "privcmd: Permission denied"])?;
    not_root.says(&["fix: run it as root in dom0"])?.never_says("panicked")?;
    run.step("no-device")?.exits(5)?.says(&["hint:"])?.never_says("panicked")?;
    run.step("version")?.exits(0)?.says(&["vgtctl "])?;
    Ok(())
}
