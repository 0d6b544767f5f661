# A guest whose vGPU xl makes, on our Xen; and what dom0 sees of it while the guest's own i915 works.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# shellcheck source=tools/lab/image/guests.sh
. /lab/guests.sh
# What Linux says of the emulated machine while it boots is not what is looked at here.
dmesg -c >/dev/null
step i915 modprobe i915 enable_gvt=1
# Trapped, each word that the guest's console draws is a trip to dom0.
step xengt modprobe xengt aperture=direct
vgpu_config gpu
step create xl create -q /run/gpu.cfg
domid=$(xl domid gpu)
step ready wait_for 300 grep -q '^guest: ready' "$(guest_log gpu)"
step list vgtctl list

# The host has no room for another one of 128 MB.
vgpu_config larger 'vgt_low_gm_sz = 128' 'vgt_high_gm_sz = 512'
step full xl create -q /run/larger.cfg
step full-left sh -c 'xl list; vgtctl list'

step driver in_guest gpu 'time load-i915' 600
step guest-dmesg in_guest gpu 'dmesg | grep -e i915 -e drm -e fb0 -e "Call Trace" -e WARN'
step console in_guest gpu 'cat /proc/fb; { uname -a; head -n 30 /proc/meminfo; } >/dev/tty1'

# Two tiled buffers mapped through fences, and a context, for as long as the guest's shell keeps the pipe open.
hold='mkfifo /tmp/hold; i915-exec -w tiled-x tiled-y pages </tmp/hold >/tmp/held 2>&1 & exec 3>/tmp/hold'
step hold in_guest gpu "$hold; until grep -q 'pass pages' /tmp/held; do sleep 1; done; cat /tmp/held" 300
step objects grep '^object ' "$(guest_plain gpu)"
address=$(sed -n 's/^object \([^ ]*\) .*/\1/p' "$(guest_plain gpu)" | tail -n 1)
step show vgtctl show --domain gpu
step fences vgtctl fence list --domain gpu --json
ask model-fences fences

ask model-ggtt-before ggtt
step ggtt lab-probe leaves --domid "$domid"
step ggtt-dump vgtctl gtt dump --domain gpu --limit 8
ask model-ggtt-after ggtt
# The shadow of the context's tables is what the GPU walks.
ask context "contexts $address"
# shellcheck disable=SC2154 # `ask` sets it
root=${reply#pml4 }
root=${root%% *}
ask model-ppgtt-before "ppgtt $root"
step ppgtt lab-probe leaves --domid "$domid" --ppgtt
ask model-ppgtt-after "ppgtt $root"
step ppgtt-translate vgtctl gtt translate --domain gpu --space ppgtt "${address%000}123"

step screenshot vgtctl screenshot --domain gpu /run/screen.png
ask screen keep "$(hexdump -v -e '1/1 "%02x"' /run/screen.png)"

step audit vgtctl gtt audit --domain gpu
# An entry of the window that leads to somebody else's memory: Xen's own, at 16 MB.
window=$(cut -d ' ' -f 2,3 "/sys/kernel/vgt/vm$domid/hidden")
planted=$(printf '0x%x' $((${window% *} + ${window#* } - 0x1000)))
ask plant "plant $planted 0x1000001"
step audit-planted vgtctl gtt audit --domain gpu
ask unplant "plant $planted $reply"
step audit-again vgtctl gtt audit --domain gpu

step exec in_guest gpu 'exec 3>&-; wait; i915-exec stores blits' 300
step destroy xl destroy gpu
step gone wait_for 30 only_dom0
step list-after vgtctl list
step complaints complaints
