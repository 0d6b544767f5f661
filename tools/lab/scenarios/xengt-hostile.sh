# A guest does random things to its vGPU for two minutes; dom0 survives, and another guest notices nothing.
# lab.minutes=N and lab.seed=N on the kernel's command line say how long, and what the random things follow from, and
# lab.kinds=KIND,... which kinds of things (fuzz.c of lab-hostile has them).
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# shellcheck source=tools/lab/image/guests.sh
. /lab/guests.sh
minutes=2 seed=1 kinds=
# shellcheck disable=SC2013 # words are what is wanted
for word in $(cat /proc/cmdline); do
    case $word in
    lab.minutes=*) minutes=${word#*=} ;;
    lab.seed=*) seed=${word#*=} ;;
    lab.kinds=*) kinds=$(echo "${word#*=}" | tr , ' ') ;;
    esac
done
seconds=$((minutes * 60))
# What Linux says of the emulated machine while it boots is not what is looked at here.
dmesg -c >/dev/null
step plan echo "minutes $minutes seed $seed kinds ${kinds:-all}"
step i915 modprobe i915 enable_gvt=1
step xengt modprobe xengt

# A guest draws no text on its screen: each word of it is a trip to dom0.
start() { # NAME
    guest_config "$1" 'lab.serve fbcon=map:1'
    xl create -p -q "/run/$1.cfg" && vgtctl create --domid "$(xl domid "$1")" --type 8 && xl unpause "$1" &&
        wait_for 600 grep -q '^guest: ready' "$(guest_log "$1")"
}
step victim start victim
step driver in_guest victim 'load-i915' 1800
step before in_guest victim 'i915-exec stores blits' 900
step hostile start hostile
# In the background, so that the guest takes more commands.
step work in_guest victim \
    '(until [ -e /stop ]; do i915-exec stores blits; echo "round ends $?"; done >/rounds 2>&1) & true'

# GVT-g gives up on a guest that goes too far, and a vGPU that it has given up on has little left to be tried. The guest
# then asks for another one.
fuzz() {
    guest_tell hostile "lab-hostile fuzz $seed $seconds $kinds"
    fuzz_asked=$guest_asked given=0 left=$((seconds * 5 + 600)) slowest=0
    domid=$(xl domid hostile)
    until guest_ended hostile "$fuzz_asked"; do
        began=$(date +%s)
        if ! xl list hostile >/dev/null 2>&1; then
            echo 'the hostile guest is gone'
            tail -n 20 "$(guest_plain hostile)"
            return 1
        fi
        if [ "$(grep -c '^fuzz: given up [0-9]*$' "$(guest_plain hostile)")" -gt "$given" ]; then
            given=$((given + 1))
            vgtctl -q destroy --domid "$domid" >/dev/null && vgtctl -q create --domid "$domid" --type 8 >/dev/null || return
        fi
        vgtctl list >/dev/null || return
        gather_complaints
        took=$(($(date +%s) - began))
        [ "$took" -le "$slowest" ] || slowest=$took
        left=$((left - 1 - took))
        [ "$left" -gt 0 ] || return 124
        sleep 1
    done
    echo "dom0: $given new vGPUs, slowest look $slowest s"
    guest_result hostile "$fuzz_asked" 10
}
step fuzz fuzz
step stats cat "/sys/kernel/vgt/vm$(xl domid hostile)/stats"
step list vgtctl list
step doctor vgtctl doctor

# The rounds that ended while it went on, and one that begins now.
step rounds in_guest victim 'grep -c "^pass blits" /rounds; grep -v -e "^pass " -e "^round ends 0" /rounds; touch /stop' 120
step after in_guest victim 'while ! tail -n 1 /rounds | grep -q "^round"; do sleep 1; done; i915-exec stores blits' 900
step victim-dmesg in_guest victim 'dmesg | grep -e i915 -e "Call Trace" -e WARN'

step destroy xl destroy hostile
no_hostile() { [ "$(xl list | wc -l)" = 3 ]; }
step gone wait_for 60 no_hostile
step place start another
step another vgtctl show --domain another
step still in_guest victim 'i915-exec stores blits' 900
step destroy-others sh -c 'xl destroy another && xl destroy victim'
step all-gone wait_for 60 only_dom0
step unload rmmod xengt
step said sh -c 'wc -l </run/complaints'
step complaints gathered_complaints
# The last thing that Xen said is there.
step xen-log sh -c 'xl debug-keys h && xl dmesg >/run/xen-log && grep "showing installed handlers" /run/xen-log'
step xen-complaints grep -E 'BUG|ASSERT|Assertion|Xen WARN|[Ff]ault|violation|stuck|CPU lockup' /run/xen-log
