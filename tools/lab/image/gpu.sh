# Brings i915 and GVT-g up, and shows what they say. Sourced by the scenarios that have a GPU.
# shellcheck shell=sh
mount -t debugfs debug /sys/kernel/debug

# Loads modules that others need. insmod takes them in the order in which they need each other.
in_order() { # MODULE...
    for module in "$@"; do
        # shellcheck disable=SC2154 # the first program sets it
        insmod "$modules/$module.ko" || return
    done
}

gpu_up() { # i915's OPTION...
    step drm in_order i2c-algo-bit drm drm_buddy wmi video ttm drm_kms_helper rc-core cec drm_display_helper
    step i915 insmod "$modules/i915.ko" "$@"
    step wedged cat /sys/kernel/debug/dri/0/i915_wedged
    step connectors connectors
    step framebuffer cat /proc/fb
    step kvmgt in_order irqbypass kvm vfio mdev kvmgt
    step types types
}

connectors() {
    for connector in /sys/class/drm/card0-*; do
        echo "${connector##*/} $(cat "$connector/status") $(head -n 1 "$connector/modes")"
    done
}

types() {
    for type in /sys/bus/pci/devices/0000:00:02.0/mdev_supported_types/*; do
        echo "${type##*/} available $(cat "$type/available_instances")"
    done
}

# Takes a picture of the screen, with something on it that i915 was told to show.
picture() { # NAME
    { printf '\033[2J\033[H'; uname -a; connectors; cat /proc/fb; head -n 20 /proc/meminfo; } >/dev/tty1
    sleep 1 # the console is drawn by a kernel thread, and a frame takes its time
    ask "$1" screenshot
}

# What the library and vgtctl read of the GPU through its BAR, and what the model says of the same. i915 goes on
# meanwhile, so the model says it before and after: what is then the same was so all along.
tables() {
    # Two tiled buffers, mapped through fences, and a context for as long as this shell keeps the pipe open.
    mkfifo /run/hold
    i915-exec -w tiled-x tiled-y pages </run/hold >/run/held 2>&1 &
    exec 3>/run/hold
    step held wait_for 60 grep -q 'pass pages' /run/held
    spaces
    step fences vgtctl fence list --json
    ask model-fences fences
    ask model-ggtt-before ggtt
    step ggtt dump
    step translate vgtctl gtt translate --space host "$(sed -n '1s/000-.*/123/p' /run/ggtt)"
    ask model-ggtt-after ggtt
    exec 3>&-
    wait
}

# The page tables of that program's context, which i915 keeps in dom0's memory.
spaces() {
    step objects grep '^object ' /run/held
    address=$(sed -n 's/^object \([^ ]*\) .*/\1/p' /run/held | tail -n 1)
    # No driver tells the root of its tables. The model has seen it, in the image of the context that maps the address.
    ask context "contexts $address"
    # shellcheck disable=SC2154 # `ask` sets it
    root=${reply#pml4 }
    root=${root%% *}
    # i915 runs a checked copy of a blitter batch, and lets go of it a second or two later: one of those that change.
    ask model-ppgtt-before "ppgtt $root"
    step ppgtt vgtctl gtt dump --space host-ppgtt --pml4 "$root" --no-scratch
    ask model-ppgtt-after "ppgtt $root"
    step ppgtt-translate vgtctl gtt translate --space host-ppgtt --pml4 "$root" "${address%000}123"
    step pages lab-probe pages --pml4 "$root" /run/held
    # Pages behind the object, which hold no number.
    echo "object $address 0x40000" >/run/larger
    step pages-larger lab-probe pages --pml4 "$root" /run/larger
}

dump() {
    vgtctl gtt dump --space host >/run/ggtt
    code=$?
    cat /run/ggtt
    return $code
}

# The kernel's messages from warnings up, one on a line, with their levels and without their times.
complaints() {
    # Not every kernel tells the times.
    dmesg -r | sed -n 's/^<\([0-4]\)>\(\[ *[0-9.]*\] \)\{0,1\}/\1 /p'
}

# The same, taken out of the log, so that there is room in it for more. How often each was said comes first, and numbers
# are gone: a guest can bring about thousands. gather_complaints adds to what gathered_complaints shows.
gather_complaints() {
    dmesg -c -r | sed -n 's/^<\([0-4]\)>\(\[ *[0-9.]*\] \)\{0,1\}/\1 /p' >>/run/complaints
}

gathered_complaints() {
    gather_complaints
    sed 's/0x[0-9a-f]\{1,\}/N/g; s/ [0-9a-f]\{8\} / N /g; s/\([^0-9a-zA-Z]\)[0-9a-f]*[0-9][0-9a-f]*/\1N/g; s/ N\( N\)* *$/ N/' /run/complaints |
        sort | uniq -c | sort -rn
}
