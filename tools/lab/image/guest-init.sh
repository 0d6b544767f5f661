#!/bin/sh
# The first program of the lab's guests: says that user space is there and what it sees; then, with lab.serve on the
# kernel's command line, runs the commands that come over its console, and else powers off.
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "guest: user space on $(uname -r), hypervisor $(cat /sys/hypervisor/type 2>/dev/null || echo none)"
grep -m 1 'model name' /proc/cpuinfo | sed 's/^/guest: /'
for function in /sys/bus/pci/devices/*; do
    [ -e "$function/vendor" ] || continue
    echo "guest: pci ${function##*/} $(cat "$function/vendor") $(cat "$function/device")"
done
if grep -q lab.serve /proc/cmdline; then
    stty -echo
    # A program that dies of an exception says where.
    dmesg -n 7
    echo 'guest: ready'
    n=0
    while read -r line; do
        n=$((n + 1))
        echo "guest: begin $n"
        eval "$line" 2>&1
        echo "guest: end $n exit $?"
    done
fi
echo 'guest: end'
poweroff -f
