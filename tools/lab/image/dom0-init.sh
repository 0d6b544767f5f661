#!/bin/sh
# The first program of the lab's dom0, or of a Linux alone (lab.bare): brings Xen's tools up, runs one scenario, powers
# off.
# The kernel's command line says which: lab.scenario=NAME, or lab.shell for a shell.
export PATH=/usr/lib/xen/bin:/bin:/sbin:/usr/bin:/usr/sbin HOME=/ TERM=linux
/bin/busybox mkdir -p /proc /sys /dev /run /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts # xenconsoled opens one for each guest
mount -t tmpfs run /run
mkdir -p /var/lib/xen /var/lib/xenstored /var/log/xen/console /var/lock /run/xen
ln -sfn /run /var/run

# Everything that the host shall read goes through these: one marked line for each thing. It has a serial port of its own,
# because Xen and Linux print on the console when they like, also in the middle of a line. A shell has no such port.
results=/dev/ttyS1
if grep -qw lab.shell /proc/cmdline; then results=/dev/console; else stty -F $results 115200 raw -echo; fi
exec 4<>$results || echo "this machine has no port for results: $results"
mark() { printf '@lab %s\n' "$*" >&4; }

# Runs a command as a named step: its output, line by line, then its exit code.
step() { # NAME COMMAND...
    step_name=$1
    shift
    mark "step $step_name"
    { "$@" 2>&1 4>&-; echo "lab-exit $?"; } | sed -e '/^lab-exit /!s/^/@lab | /' -e 's/^lab-exit /@lab exit /' >&4
}

# Waits until a command succeeds: wait_for SECONDS COMMAND...
wait_for() {
    wait_left=$1
    shift
    until "$@" >/dev/null 2>&1; do
        wait_left=$((wait_left - 1))
        [ "$wait_left" -gt 0 ] || return 1
        sleep 1
    done
}

# Asks the host something, and waits until it has done it: ask NAME REQUEST. The answer counts as a step's output; its
# first line is in $reply, unless it is a picture.
ask() {
    mark "ask $*"
    # shellcheck disable=SC2034 # for the scenarios
    read -r reply <&4 || finish 'broken the host does not answer'
}

finish() {
    mark "$*"
    # Not before the port has sent all of it.
    [ $results = /dev/console ] || stty -F $results raw -echo
    sync
    poweroff -f
    sleep 60
}

modules=/lib/modules/$(uname -r)
load() { # MODULE...
    for module in "$@"; do
        # A kernel of the user's own may have it built in.
        [ ! -f "$modules/$module.ko" ] || insmod "$modules/$module.ko" ||
            finish "broken cannot load $module.ko of $(uname -r)"
    done
}
start_xen() {
    mkdir -p /proc/xen
    load xen-privcmd # before xenfs, whose capabilities file needs it
    load xenfs xen-evtchn xen-gntdev xen-gntalloc
    for node in privcmd evtchn gntdev gntalloc; do
        [ -c "/dev/xen/$node" ] || finish "broken kernel $(uname -r) offers no /dev/xen/$node"
    done
    mount -t xenfs xenfs /proc/xen
    grep -q control_d /proc/xen/capabilities || finish 'broken this kernel is not dom0'

    xenstored || finish 'broken xenstored did not start'
    wait_for 60 xenstore-exists / || finish 'broken xenstored does not answer'
    xen-init-dom0 || finish 'broken xen-init-dom0 failed'
    xenconsoled --log=guest || finish 'broken xenconsoled did not start'
}
grep -qw lab.bare /proc/cmdline || start_xen
mark 'up'

# shellcheck disable=SC2013 # words are what is wanted
for word in $(cat /proc/cmdline); do
    case $word in
    lab.scenario=*)
        scenario=/lab/scenarios/${word#lab.scenario=}.sh
        [ -f "$scenario" ] || finish "broken the image has no $scenario"
        # shellcheck source=/dev/null
        . "$scenario"
        finish 'done'
        ;;
    lab.shell)
        echo 'dom0 of the lab. xl, vgtctl and busybox are here; exit or poweroff -f ends it.'
        setsid cttyhack sh
        finish 'done'
        ;;
    esac
done
finish 'broken neither lab.scenario=NAME nor lab.shell on the command line'
