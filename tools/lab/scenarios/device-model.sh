# A PCI card that exists only in lab-probe appears in a running guest; its program is killed, and all goes on.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
card=/sys/bus/pci/devices/0000:00:05.0
step start start_guest card
domid=$(xl domid card)
step empty in_guest card "echo 1 >/sys/bus/pci/rescan; ls $card"

background /run/card lab-probe card --domid "$domid" --slot 5
step serving wait_for 60 grep -q 'by server' /run/card
step found in_guest card "echo 1 >/sys/bus/pci/rescan; cat $card/vendor $card/device $card/subsystem_device $card/class; cat $card/resource; ls $card/msi_irqs"
step mmio in_guest card "lab-guest mmio $card/resource2"
# The guest's own driver serves the port, by interrupts that are messages.
# shellcheck disable=SC2016 # the guest's shell expands it
tty='tty=/dev/$(basename $(ls -d /sys/bus/pci/devices/0000:00:05.0/tty/*)); '
step serial in_guest card "$tty exec 4<>\$tty; stty raw -echo <&4; echo hello from the guest >&4; timeout 60 head -n 1 <&4; grep ttyS /proc/interrupts; exec 4>&-"
step list xl list

# Its program dies with no chance to clean up.
kill -9 "$(cat /run/card.pid)"
step card-log ended /run/card
step alive in_guest card 'echo still here'
# An access now waits for a program that is gone, until somebody ends its server.
guest_tell card "lab-guest mmio $card/resource2"
waiting=$guest_asked
sleep 5
step waiting guest_ended card "$waiting"
step dom0-alive xl list
step release lab-probe release --domid "$domid" --slot 5
step released wait_for 60 guest_ended card "$waiting"
step after in_guest card 'echo still here'

# A new one takes over; the domain goes under it.
background /run/card2 lab-probe card --domid "$domid" --slot 5
step serving-again wait_for 60 grep -q 'by server' /run/card2
step found-again in_guest card "echo 1 >$card/remove; echo 1 >/sys/bus/pci/rescan; cat $card/vendor; lab-guest mmio $card/resource2"
guest_tell card "while :; do lab-guest mmio $card/resource2; done >/dev/null"
sleep 3
step destroy xl destroy card
step card2-log ended /run/card2
step gone wait_for 60 only_dom0
step list-after xl list
