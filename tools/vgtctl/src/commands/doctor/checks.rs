//! The checks themselves, in order. Those that ask the hypervisor are in `hypervisor`.

use std::fs;
use std::io;

use libxengt::capacity::{MAX_INSTANCES, TypeAvailability, Usage};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::gpu::Gpu;
use libxengt::host::Host;
use libxengt::node::{self, NodeError};
use libxengt::vgpu_type::VgpuType;

use super::hypervisor::{self, Answering};
use super::{Check, domain};
use crate::cli::OptionalDomain;
use crate::output::size;

pub(super) fn all(host: &Host, domain: &OptionalDomain) -> Vec<Check> {
    let gpu = host.gpu();
    let xen = hypervisor::open(host);
    let found = gpu.as_ref().ok();
    let gpu_check = match &gpu {
        Ok(gpu) => platform(gpu),
        Err(error) => Check::fail("gpu", error.to_string(), hint(error)),
    };
    let mut checks = vec![
        dom0(host),
        hypervisor::version(&xen),
        hypervisor::mfn_extension(&xen),
        hypervisor::domctl(&xen),
        gpu_check,
        found.map_or_else(|| no_gpu("driver"), driver),
        enable_gvt(host),
        guc(host),
        xengt(host),
        control_node(host),
        debugfs(host),
        found.map_or_else(|| no_gpu("graphics memory"), |gpu| graphics_memory(host, gpu)),
        other_driver(host),
        iommu(host, &xen),
        orphans(host),
    ];
    checks.extend(domain::all(host, &xen, domain));
    checks
}

fn hint(error: &impl Diagnose) -> String {
    error.hint().map_or_else(|| "see the message".to_owned(), std::borrow::Cow::into_owned)
}

fn no_gpu(check: &'static str) -> Check {
    Check::skip(check, "no GPU was found")
}

fn dom0(host: &Host) -> Check {
    const CHECK: &str = "dom0";
    let path = host.root().xen_capabilities();
    let fix = "boot Xen and run this in dom0; mount xenfs on /proc/xen if it is not there";
    match node::read_text(&path, "a list of capabilities") {
        Ok(text) if text.lines().any(|line| line == "control_d") => {
            Check::ok(CHECK, format!("{} says control_d", path.display()))
        }
        Ok(_) => Check::fail(CHECK, format!("{} does not say control_d", path.display()), fix),
        Err(error) => Check::fail(CHECK, error.to_string(), fix),
    }
}

fn platform(gpu: &Gpu) -> Check {
    const CHECK: &str = "gpu";
    match gpu.generation() {
        Ok(generation) => Check::ok(CHECK, format!("{} at {}, {generation:?}", gpu.id(), gpu.name)),
        Err(error) => Check::fail(CHECK, error.to_string(), hint(&error)),
    }
}

fn driver(gpu: &Gpu) -> Check {
    const CHECK: &str = "driver";
    match gpu.driver.as_deref() {
        Some("i915") => Check::ok(CHECK, "i915 holds the GPU"),
        Some(driver @ ("pciback" | "xen-pciback")) => Check::fail(
            CHECK,
            format!("{driver} hides the GPU from dom0"),
            "take the GPU out of xen-pciback.hide (or rd.qubes.hide_pci) and reboot",
        ),
        Some(driver) => Check::fail(CHECK, format!("{driver} holds the GPU"), "let i915 bind it"),
        None => Check::fail(CHECK, "no driver holds the GPU", "load i915 (`modprobe i915`)"),
    }
}

fn enable_gvt(host: &Host) -> Check {
    const CHECK: &str = "enable_gvt";
    let fix = "add i915.enable_gvt=1 to dom0's kernel command line and reboot";
    let path = host.root().module("i915").join("parameters/enable_gvt");
    match node::read_text(&path, "Y or N") {
        Ok(value) if value == "Y" || value == "1" => Check::ok(CHECK, "i915.enable_gvt is on"),
        Ok(_) => Check::fail(CHECK, "i915.enable_gvt is off", fix),
        Err(error) if error.is_missing() => Check::fail(
            CHECK,
            "i915 is not loaded, or built without GVT (CONFIG_DRM_I915_GVT)",
            "boot a dom0 kernel built with CONFIG_DRM_I915_GVT",
        ),
        Err(error) => Check::warn(CHECK, error.to_string(), odd_parameter(&error)),
    }
}

fn guc(host: &Host) -> Check {
    const CHECK: &str = "enable_guc";
    let path = host.root().module("i915").join("parameters/enable_guc");
    match node::read_value::<i64>(&path, "a number") {
        // -1 lets the driver choose; on these GPUs it chooses 0. Bit 0 is submission.
        Ok(value) if value == -1 || value & 1 == 0 => Check::ok(CHECK, format!("{value}: no GuC submission")),
        Ok(value) => Check::fail(
            CHECK,
            format!("{value}: GuC submission is on, GVT-g refuses it"),
            "add i915.enable_guc=0 to dom0's kernel command line and reboot",
        ),
        Err(error) if error.is_missing() => Check::skip(CHECK, "i915 does not show the parameter"),
        Err(error) => Check::warn(CHECK, error.to_string(), odd_parameter(&error)),
    }
}

/// What to do about a parameter that cannot be read, or that says what it never should.
fn odd_parameter(error: &NodeError) -> &'static str {
    match error.kind() {
        ErrorKind::Permission => "run it as root in dom0",
        _ => "this i915 is not one we know: boot a dom0 kernel built with CONFIG_DRM_I915_GVT",
    }
}

fn xengt(host: &Host) -> Check {
    const CHECK: &str = "xengt";
    let path = host.root().module("xengt");
    if path.is_dir() {
        Check::ok(CHECK, "the xengt module is loaded")
    } else if host.root().vgt().is_dir() {
        Check::ok(CHECK, "built into the kernel")
    } else {
        Check::fail(
            CHECK,
            format!("{} does not exist: the module is not loaded", path.display()),
            "`modprobe xengt`; if there is none, boot a kernel of our series; add it to the initramfs \
             (dracut: force_drivers+=\" xengt \")",
        )
    }
}

fn control_node(host: &Host) -> Check {
    const CHECK: &str = "control node";
    let path = host.root().vgt_control();
    match fs::OpenOptions::new().write(true).open(&path) {
        Ok(_) => Check::ok(CHECK, format!("{} can be written", path.display())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Check::fail(CHECK, format!("no permission for {}", path.display()), "run it as root")
        }
        Err(error) => {
            Check::fail(CHECK, format!("{}: {error}", path.display()), "load the xengt module first")
        }
    }
}

fn debugfs(host: &Host) -> Check {
    const CHECK: &str = "debugfs";
    let path = host.root().debug();
    match fs::read_dir(&path).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Check::ok(CHECK, format!("{} is mounted", path.display())),
        // A simulated host makes the directory with its first vGPU.
        _ if host.sim().is_some() => Check::ok(CHECK, "simulated"),
        Ok(false) => Check::warn(
            CHECK,
            format!("{} is empty", path.display()),
            "`mount -t debugfs none /sys/kernel/debug`, for gtt, fence and screenshot",
        ),
        Err(error) => Check::warn(
            CHECK,
            format!("{}: {error}", path.display()),
            "run it as root on a kernel with debugfs, for gtt, fence and screenshot",
        ),
    }
}

fn graphics_memory(host: &Host, gpu: &Gpu) -> Check {
    const CHECK: &str = "graphics memory";
    let Some(resources) = gpu.resources() else {
        return Check::warn(CHECK, "the size of the GGTT cannot be read", "run it as root");
    };
    let used = host.control().usage().ok().flatten().unwrap_or_default();
    let count = |ty, used: &Usage| match resources.availability(used, ty) {
        TypeAvailability::Fits { count, .. } => count,
        _ => 0,
    };
    let fit = |used: &Usage| VgpuType::ALL.iter().map(|ty| count(ty, used)).max().unwrap_or(0);
    let evidence = format!(
        "aperture {}, GGTT {}: {} of the smallest type fit, {} more now (the kernel allows {MAX_INSTANCES})",
        size(resources.aperture),
        size(resources.ggtt),
        fit(&Usage::default()),
        fit(&used)
    );
    if fit(&Usage::default()) == 0 {
        Check::fail(CHECK, evidence, "enlarge the aperture in the firmware's setup (256 MB at least)")
    } else {
        Check::ok(CHECK, evidence)
    }
}

fn other_driver(host: &Host) -> Check {
    const CHECK: &str = "other graphics";
    match ["nvidia", "nouveau", "xe"].into_iter().find(|name| host.root().module(name).is_dir()) {
        None => Check::ok(CHECK, "no other graphics driver is loaded"),
        Some("xe") => Check::warn(
            CHECK,
            "the xe driver is loaded",
            "GVT-g needs i915: add xe to the module blacklist if it takes the GPU",
        ),
        Some(name) => Check::warn(
            CHECK,
            format!("{name} is loaded"),
            "with PRIME offloading dom0's X server may render to the wrong GPU: make Intel's the primary",
        ),
    }
}

fn iommu(host: &Host, xen: &Answering) -> Check {
    const CHECK: &str = "iommu";
    let path = host.root().kernel_command_line();
    match node::read_text(&path, "the kernel's command line") {
        Ok(line) if line.split_ascii_whitespace().any(|word| word.starts_with("intel_iommu=")) => {
            Check::warn(
                CHECK,
                "intel_iommu= is on dom0's command line, where it does nothing under Xen",
                "Xen owns VT-d: put iommu=no-igfx on Xen's command line instead",
            )
        }
        Ok(_) => hypervisor::iommu(xen),
        Err(error) => Check::warn(CHECK, error.to_string(), "is proc mounted? `mount -t proc none /proc`"),
    }
}

fn orphans(host: &Host) -> Check {
    const CHECK: &str = "orphans";
    let live = match hypervisor::live_domains(host) {
        Ok(live) => live,
        Err(why) => return Check::skip(CHECK, format!("which domains live cannot be found out: {why}")),
    };
    let listed = match host.control().list() {
        Ok(listed) => listed,
        Err(error) => return Check::skip(CHECK, error.to_string()),
    };
    let orphans: Vec<_> = listed
        .iter()
        .map(|entry| entry.domid)
        .filter(|domid| !live.contains(domid))
        .map(|domid| domid.to_string())
        .collect();
    if orphans.is_empty() {
        Check::ok(CHECK, format!("{} vGPUs, each of a domain that lives", listed.len()))
    } else {
        let fix: Vec<_> = orphans.iter().map(|domid| format!("`vgtctl destroy --domid {domid}`")).collect();
        Check::warn(CHECK, format!("vGPUs of dead domains: {}", orphans.join(", ")), fix.join(", "))
    }
}
