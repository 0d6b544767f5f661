# An HVM guest with the real device model boots a Linux to its user space and powers itself off.
# shellcheck shell=sh
# pci=noearly: else the kernel looks for an AMD GART on 256 buses, and each look is a trip to the device model.
cat >/run/guest.cfg <<'CONFIG'
name = "guest"
type = "hvm"
memory = 512
vcpus = 1
kernel = "/lab/vmlinuz"
ramdisk = "/lab/guest.cpio.gz"
cmdline = "console=hvc0 quiet mitigations=off tsc=reliable pci=noearly rdinit=/init"
vga = "none"
vnc = 0
usb = 0
on_poweroff = "destroy"
on_crash = "destroy"
on_reboot = "destroy"
xen_platform_pci = 0
device_model_args_hvm = ["-device", "xen-platform,addr=0x4"]
CONFIG
console=/var/log/xen/console/guest-guest.log
step create xl create /run/guest.cfg
step list xl list
step wait wait_for 300 grep -q '^guest: end' "$console"
step console cat "$console"
step gone wait_for 60 sh -c '! xl domid guest'
step list-after xl list
