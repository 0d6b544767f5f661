//! The files of the host itself: the GPU's PCI function, modules, the hypervisor's words.

use std::os::unix::fs::symlink;

use super::{SimError, SimOptions, disk};
use crate::addr::MB;
use crate::root::Root;

/// Bytes of BAR 0: registers and GGTT.
pub(super) const MMIO_BYTES: u64 = 16 * MB;
/// Where the firmware put BAR 0.
const MMIO_START: u64 = 0xde00_0000;
/// Where the firmware put BAR 2.
const APERTURE_START: u64 = 0x20_0000_0000;
/// The function's name.
const GPU: &str = "0000:00:02.0";

/// Makes the host's tree under `root`, with no vGPU in it.
pub(super) fn build(root: &Root, options: &SimOptions) -> Result<(), SimError> {
    let dir = root.pci_devices().join(GPU);
    let aperture = u64::from(options.aperture_mb) * MB;
    disk::write(&dir.join("config"), 0o644, &config_space(options))?;
    disk::write(&dir.join("vendor"), 0o444, b"0x8086\n")?;
    disk::write(&dir.join("device"), 0o444, format!("{:#06x}\n", options.device).as_bytes())?;
    disk::write(&dir.join("class"), 0o444, b"0x030000\n")?;
    let line = |start: u64, len: u64, flags: u64| {
        let end = if len == 0 { 0 } else { start + len - 1 };
        format!("{start:#018x} {end:#018x} {flags:#018x}\n")
    };
    let resource = [
        line(MMIO_START, MMIO_BYTES, 0x14_0204),
        line(0, 0, 0),
        line(APERTURE_START, aperture, 0x14_220c),
        line(0, 0, 0),
        line(0xf000, 64, 0x4_0101),
    ];
    disk::write(&dir.join("resource"), 0o444, resource.concat().as_bytes())?;
    disk::sparse(&dir.join("resource0"), MMIO_BYTES)?;
    disk::sparse(&dir.join("resource2"), aperture)?;

    let driver = root.join("sys/bus/pci/drivers/i915");
    disk::make_dirs(&driver)?;
    let link = dir.join("driver");
    symlink("../../drivers/i915", &link).map_err(|e| SimError::io("link", &link, e))?;

    for (path, mode, content) in [
        ("sys/kernel/vgt/control/create_vgt_instance", 0o200, ""),
        ("sys/module/i915/parameters/enable_gvt", 0o400, "Y\n"),
        ("sys/module/i915/parameters/enable_guc", 0o400, "0\n"),
        ("sys/module/xengt/refcnt", 0o444, "0\n"),
        ("sys/hypervisor/type", 0o444, "xen\n"),
        ("sys/hypervisor/version/major", 0o444, "4\n"),
        ("sys/hypervisor/version/minor", 0o444, "19\n"),
        ("sys/hypervisor/version/extra", 0o444, ".5\n"),
        ("proc/xen/capabilities", 0o444, "control_d\n"),
        ("proc/cmdline", 0o444, "root=/dev/sda1 i915.enable_gvt=1\n"),
    ] {
        disk::write(&root.join(path), mode, content.as_bytes())?;
    }
    Ok(())
}

/// 256 bytes of configuration space: ids, class, BARs, and a GMCH word that gives the GGTT its size.
fn config_space(options: &SimOptions) -> [u8; 256] {
    let mut bytes = [0_u8; 256];
    let ggms: u16 = if options.ggtt_mb == 4096 { 3 } else { 2 };
    let mut put = |at: usize, value: &[u8]| {
        for (slot, byte) in bytes.iter_mut().skip(at).zip(value) {
            *slot = *byte;
        }
    };
    put(0x00, &0x8086_u16.to_le_bytes());
    put(0x02, &options.device.to_le_bytes());
    put(0x04, &0x0007_u16.to_le_bytes());
    put(0x08, &[0x02, 0x00, 0x00, 0x03]);
    put(0x10, &(MMIO_START | 0x4).to_le_bytes());
    put(0x18, &(APERTURE_START | 0xc).to_le_bytes());
    put(0x20, &0xf001_u32.to_le_bytes());
    put(0x50, &(ggms << 6).to_le_bytes());
    bytes
}
