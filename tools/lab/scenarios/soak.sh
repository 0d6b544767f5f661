# Random work for i915 on the GPU model, with no Xen: a minute at a time, each from a seed of its own.
# lab.minutes=N and lab.seed=N on the kernel's command line say how long, and from which seed on.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
minutes=30 seed=1
# shellcheck disable=SC2013 # words are what is wanted
for word in $(cat /proc/cmdline); do
    case $word in
    lab.minutes=*) minutes=${word#*=} ;;
    lab.seed=*) seed=${word#*=} ;;
    esac
done

# After the first difference, what follows tells nothing.
work() { # SEED SECONDS
    i915-exec soak "$@" && return
    touch /run/failed
    return 1
}

# What there is while nobody uses i915, here and of the model's process.
sample() { # WHEN
    step "kernel-$1" kernel_holds
    ask "model-$1" process
}

kernel_holds() {
    # What i915 keeps for later goes first; some of it only after a grace period.
    for _ in 1 2; do
        echo 0x27f >/sys/kernel/debug/dri/0/i915_gem_drop_caches || return
        echo 3 >/proc/sys/vm/drop_caches
        sleep 1
    done
    sed -n 's/^\([0-9]*\) shrinkable .*, \([0-9]*\) bytes$/objects \1\nobject-bytes \2/p' \
        /sys/kernel/debug/dri/0/i915_gem_objects
    # One line is the head.
    echo "clients $(($(wc -l </sys/kernel/debug/dri/0/clients) - 1))"
    awk '/^MemTotal:/ { all = $2 } /^MemAvailable:/ { print "used-kb " all - $2 } /^SUnreclaim:/ { print "slab-kb " $2 }' \
        /proc/meminfo
}

gpu_up enable_gvt=1
step plan echo "minutes $minutes seed $seed"
# Caches fill and pools grow to their size before the first sample.
step warm-up work $((seed + minutes)) 20
sample early
minute=1
while [ "$minute" -le "$minutes" ] && [ ! -e /run/failed ]; do
    step "minute-$minute" work $((seed + minute - 1)) 60
    minute=$((minute + 1))
done
sample late
step hangs sh -c "dmesg | grep -i 'gpu hang'; true"
step still-wedged cat /sys/kernel/debug/dri/0/i915_wedged
step complaints complaints
