#!/bin/sh
# The first program of the lab's guests: says that user space is there, does what its command line asks.
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
echo 'guest: end'
poweroff -f
