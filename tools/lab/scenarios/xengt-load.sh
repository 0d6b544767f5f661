# xengt comes up in dom0 on a stock Xen, and goes, many times.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# What Linux says of the emulated machine while it boots is not what is looked at here.
dmesg -c >/dev/null
step i915 modprobe i915 enable_gvt=1
step wedged cat /sys/kernel/debug/dri/0/i915_wedged
# What the other backend's users see must be what ours say; and one backend must make room for the other.
step kvmgt modprobe kvmgt
step kernel-types types
step occupied modprobe xengt
step no-kvmgt rmmod kvmgt

step xengt modprobe xengt
step doctor vgtctl doctor
step types vgtctl types
step types-json vgtctl types --json
step host vgtctl host
step list vgtctl list

# A command that no domain is meant by.
control=/sys/kernel/vgt/control/create_vgt_instance
wrong() {
    for command in '' x 1 1,64 1,64,384 0,64,384,4 1,0,384,4 1,64,384,0 1,64,384,4,2 1,64,384,4,1,101 1,64,384,4x \
        65536,64,384,4 99999999999,64,384,4; do
        echo "$command" >"$control" && echo "taken: $command"
    done
    true
}
step wrong wrong
step nobody sh -c "echo 77,64,384,4 >$control"
step no-such-type sh -c "echo 77,65,384,4 >$control"
step destroy-nobody sh -c "echo -77 >$control"
# Some tools take no notice of an error, so the log has each.
step refusals complaints
dmesg -c >/dev/null

cycles() {
    for cycle in $(seq 20); do
        rmmod xengt || return
        [ ! -e /sys/kernel/vgt ] || return
        modprobe xengt || return
        [ -e "$control" ] || return
    done
    echo "cycles $cycle"
}
step cycles cycles
step still-wedged cat /sys/kernel/debug/dri/0/i915_wedged
step unload rmmod xengt i915_gvt
step complaints complaints
# What only computes, in the kernel itself. Last, as a test module taints it, of which it warns.
kunit() { modprobe xengt_kunit && cat /sys/kernel/debug/kunit/*/results && rmmod xengt_kunit; }
step kunit kunit
