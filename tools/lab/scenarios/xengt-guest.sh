# A guest's own i915 on a vGPU that xengt made for it, on a stock Xen.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# shellcheck source=tools/lab/image/guests.sh
. /lab/guests.sh
# What Linux says of the emulated machine while it boots is not what is looked at here.
dmesg -c >/dev/null
step i915 modprobe i915 enable_gvt=1
step xengt modprobe xengt

# The guest draws no text on its screen: each word of it is a trip to dom0, and a screen would take a quarter of an hour.
create() {
    guest_config gpu 'lab.serve fbcon=map:1'
    xl create -p -q /run/gpu.cfg
}
step create create
step vgpu vgtctl create --domid "$(xl domid gpu)"
step show vgtctl show --domain gpu
step unpause xl unpause gpu
step ready wait_for 300 grep -q '^guest: ready' "$(guest_log gpu)"
step guest-saw sh -c "grep '^guest: ' $(guest_log gpu)"
step stats cat "/sys/kernel/vgt/vm$(xl domid gpu)/stats"
step driver in_guest gpu 'time load-i915' 900
step guest-dmesg in_guest gpu 'dmesg | grep -e i915 -e drm -e "fb0" -e "Call Trace" -e WARN'
# A vGPU has no preemption.
step exec in_guest gpu 'time i915-exec stores many blits tiled-x tiled-y hang' 900
step interrupts in_guest gpu 'grep i915 /proc/interrupts'
step stats-after cat "/sys/kernel/vgt/vm$(xl domid gpu)/stats"
step guest-doctor vgtctl doctor --domid "$(xl domid gpu)"
step destroy xl destroy gpu
step gone wait_for 30 only_dom0
step complaints complaints
