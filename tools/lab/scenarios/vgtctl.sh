# vgtctl tells the truth about a dom0 that has no GPU and no xengt.
# shellcheck shell=sh
step doctor vgtctl doctor
step doctor-json vgtctl doctor --json
step host vgtctl host
step list vgtctl list
# Domains that have no vGPU: dom0 itself, and nobody.
step own-domain vgtctl doctor --domid 0
step no-domain vgtctl doctor --domid 77
step no-name vgtctl show --domain nobody
# Without its rights, and without Xen's devices.
echo nobody:x:65534:65534:nobody:/:/bin/sh >/etc/passwd
step not-root start-stop-daemon -S -c 65534:65534 -x /usr/bin/vgtctl -- doctor
mkdir -p /run/no-xen/proc
step no-device vgtctl --root=/run/no-xen gtt translate --domid 1 --space ppgtt --pml4 0 0
step version vgtctl --version
