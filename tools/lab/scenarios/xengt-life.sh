# What happens to a vGPU in its guest's life, on our Xen: made and unmade 100 times, failing at each step, paused, rebooted,
# ballooned under, without its device model, destroyed at work.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# shellcheck source=tools/lab/image/guests.sh
. /lab/guests.sh
# What Linux says of the emulated machine while it boots is not what is looked at here.
dmesg -c >/dev/null
step i915 modprobe i915 enable_gvt=1
step xengt modprobe xengt

# A domain that never runs is enough for this.
guest_config idle ''
step idle xl create -p -q /run/idle.cfg
idle=$(xl domid idle)
steps() {
    fail=/sys/kernel/debug/xengt/fail_create_step
    for n in $(seq 20); do
        echo "$n" >$fail
        if echo "$idle,64,384,4" 2>/dev/null >/sys/kernel/vgt/control/create_vgt_instance; then
            echo "made with no failure from step $n on"
            break
        fi
        [ ! -e "/sys/kernel/vgt/vm$idle" ] || return 1
    done
    echo 0 >$fail
    vgtctl destroy --domid "$idle"
}
step steps steps
step steps-said complaints
dmesg -c >/dev/null
step cycles lab-probe vgpu-cycles --count 100 --domid "$idle"
step idle-gone sh -c 'xl destroy idle; vgtctl list'

guest_options='fbcon=map:1'
vgpu_config gpu
step create xl create -q /run/gpu.cfg
first=$(xl domid gpu)
step ready wait_for 300 grep -q '^guest: ready' "$(guest_log gpu)"
step driver in_guest gpu 'load-i915' 600

# A loop that says each result. It goes on while the vGPU is paused and its memory shrinks.
# shellcheck disable=SC2016 # the guest's shell expands this
guest_tell gpu 'while :; do i915-exec stores blits >/tmp/loop 2>&1; echo "loop $? $(grep -c pass /tmp/loop)"; done &'
loops() { grep -c '^loop 0 2' "$(guest_plain gpu)"; }
more() { # NUMBER: whether there are more than that
    [ "$(loops)" -gt "$1" ]
}
step works wait_for 120 more 1
step pause vgtctl pause --domain gpu
sleep 3
count=$(loops)
sleep 20
# What ran is done; the next one waits.
step stands test "$(loops)" -le $((count + 1))
step resume vgtctl resume --domain gpu
step works-again wait_for 120 more $((count + 1))
step xl-pause sh -c 'xl pause gpu && sleep 3 && xl unpause gpu'
count=$(loops)
step works-still wait_for 120 more "$count"

# The guest gives memory away while its GPU works.
step shrink xl mem-set gpu 400
step shrunk wait_for 120 guest_has_at_most gpu 402
count=$(loops)
step works-shrunk wait_for 120 more "$count"
step grow xl mem-set gpu 500
count=$(loops)
step works-grown wait_for 120 more "$count"
step stats cat "/sys/kernel/vgt/vm$first/stats"
step loops sh -c "grep '^loop' $(guest_plain gpu) | sort | uniq -c"

# Another domain then, with another vGPU.
is_another() { xl domid gpu >/run/domid-now && [ "$(cat /run/domid-now)" != "$first" ]; }
guest_tell gpu 'reboot -f'
step rebooted wait_for 120 is_another
# The console's log goes on where it was.
: >"$(guest_log gpu)"
rm -f /run/gpu.asked
step list vgtctl list
step ready-again wait_for 300 grep -q '^guest: ready' "$(guest_log gpu)"
step driver-again in_guest gpu 'load-i915' 600
step exec-again in_guest gpu 'i915-exec stores blits' 300

# Without its device model a guest is as good as dead, but it must go when it is told.
guest_tell gpu 'while :; do i915-exec stores blits >/dev/null; done &'
sleep 5
# shellcheck disable=SC2016 # the other shell does
step kill sh -c 'kill -9 $(pidof xen-qemu-system-i386)'
sleep 5
step destroy xl destroy gpu
step gone wait_for 60 only_dom0
step list-after vgtctl list

# Destroyed at work, by a toolstack that tells nobody: xengt hears of it by itself.
guest_config gpu 'lab.serve fbcon=map:1'
rm -f /run/gpu.asked "$(guest_log gpu)"
step create-third xl create -p -q /run/gpu.cfg
third=$(xl domid gpu)
step vgpu vgtctl create --domid "$third"
xl unpause gpu
step ready-third wait_for 300 grep -q '^guest: ready' "$(guest_log gpu)"
step driver-third in_guest gpu 'load-i915' 600
guest_tell gpu 'while :; do i915-exec stores blits >/dev/null; done &'
sleep 5
step destroy-third xl destroy gpu
step gone-third wait_for 60 only_dom0
step list-last vgtctl list
step unload rmmod xengt i915_gvt
step still-wedged cat /sys/kernel/debug/dri/0/i915_wedged
step complaints complaints
# The last thing that Xen said is there.
step log sh -c 'xl debug-keys h && xl dmesg >/run/xen-log && grep "showing installed handlers" /run/xen-log'
step xen-complaints grep -E 'BUG|ASSERT|Assertion|Xen WARN|[Ff]ault|violation|stuck|CPU lockup' /run/xen-log
