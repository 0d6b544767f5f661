# Two guests render at once, each on a vGPU of its own, and neither can name an address of the other's.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# shellcheck source=tools/lab/image/guests.sh
. /lab/guests.sh
# What Linux says of the emulated machine while it boots is not what is looked at here.
dmesg -c >/dev/null
step i915 modprobe i915 enable_gvt=1
step xengt modprobe xengt
step types vgtctl types

# A guest draws no text on its screen: each word of it is a trip to dom0.
create() { # NAME
    guest_config "$1" 'lab.serve fbcon=map:1'
    xl create -p -q "/run/$1.cfg"
}

aperture_mb() {
    # shellcheck disable=SC2046 # words are what is wanted
    set -- $(sed -n 3p /sys/bus/pci/devices/0000:00:02.0/resource)
    echo $((($2 - $1 + 1) >> 20))
}

# A vGPU's parts of the GGTT, as lab-hostile takes them: start and size of what is in the aperture, and of the rest.
ranges() { # NAME
    node=/sys/kernel/vgt/vm$(xl domid "$1")
    for slice in aperture hidden; do
        read -r guest _ bytes <"$node/$slice"
        printf '%s %s ' "$guest" "$bytes"
    done
}

# The same in both guests, at the same time.
both() { # STEP COMMAND SECONDS
    guest_tell one "$2"
    one_asked=$guest_asked
    guest_tell two "$2"
    two_asked=$guest_asked
    step "$1-one" guest_result one "$one_asked" "$3"
    step "$1-two" guest_result two "$two_asked" "$3"
}

# The host keeps 128 MB of the aperture for itself, so that types of 128 and 64 MB need more than 256.
first=8
[ "$(aperture_mb)" -lt 320 ] || first=4
step aperture aperture_mb
step create-one create one
step create-two create two
step vgpu-one vgtctl create --domid "$(xl domid one)" --type $first
step vgpu-two vgtctl create --domid "$(xl domid two)" --type 8
step show-one vgtctl show --domain one --json
step show-two vgtctl show --domain two --json
step unpause sh -c 'xl unpause one && xl unpause two'
for guest in one two; do step "ready-$guest" wait_for 600 grep -q '^guest: ready' "$(guest_log $guest)"; done

both driver 'load-i915' 1800
both exec 'i915-exec stores blits tiled-x && i915-exec stores blits tiled-x' 900

step window-one in_guest one "lab-hostile window $(ranges two)" 300
step window-two in_guest two "lab-hostile window $(ranges one)" 300
# Each has left a fence of its own that covers the other's aperture.
step fences vgtctl fence list --json
step batches-one in_guest one "lab-hostile batches $(ranges two | cut -d ' ' -f 1)" 300
step batches-two in_guest two "lab-hostile batches $(ranges one | cut -d ' ' -f 1)" 300
both after 'i915-exec stores blits tiled-x' 900

# Rings of its own has a guest whose GPU no driver uses. GVT-g gives up on a guest that names foreign addresses, so each
# try has a vGPU of its own.
step destroy-one xl destroy one
step create-three create three
step vgpu-three vgtctl create --domid "$(xl domid three)" --type $first
step unpause-three xl unpause three
step ready-three wait_for 600 grep -q '^guest: ready' "$(guest_log three)"
renew() {
    vgtctl destroy --domid "$(xl domid three)" && vgtctl create --domid "$(xl domid three)" --type $first
}
for kind in store register atomic flush flush-long pipe pipe-time; do
    step "ring-$kind" in_guest three "lab-hostile ring $kind $(ranges two)" 300
    step "renew-$kind" renew
done
step last in_guest two 'i915-exec stores blits tiled-x' 900

step guest-dmesg in_guest two 'dmesg | grep -e i915 -e "Call Trace" -e WARN'
step destroy sh -c 'xl destroy two && xl destroy three'
step gone wait_for 60 only_dom0
step complaints gathered_complaints
