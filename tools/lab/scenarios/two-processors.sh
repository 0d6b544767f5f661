# Both processors of a guest ask a device model at once, each in its own place of the page of ioreqs; the guest goes while
# they do.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
card=/sys/bus/pci/devices/0000:00:05.0
# shellcheck disable=SC2034 # start_guest takes it
guest_vcpus=2
step start start_guest card
background /run/card lab-probe card --domid "$(xl domid card)" --slot 5
step serving wait_for 60 grep -q 'by server' /run/card
step found in_guest card "echo 1 >/sys/bus/pci/rescan; cat $card/vendor"

# Both processors at once, each in a page of its own.
# In a shell of its own, as the guest's first program counts in variables. often CPU
often() { printf '%s' "(times=0; while [ \$times -lt 5 ] && taskset $1 lab-guest mmio $card/resource2 $1 >/tmp/cpu$1; do times=\$((times + 1)); done; echo times \$times)"; }
both="$(often 1) & $(often 2); wait; grep -c same /tmp/cpu1 /tmp/cpu2"
step both in_guest card "$both"
guest_tell card "for cpu in 1 2; do while :; do taskset \$cpu lab-guest mmio $card/resource2 \$cpu; done >/dev/null & done; wait"
sleep 3
step destroy xl destroy card
step card-log ended /run/card
step gone wait_for 60 only_dom0
step list-after xl list
