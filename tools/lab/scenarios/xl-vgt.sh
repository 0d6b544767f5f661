# vga="xengt" in xl and libxl. The driver's control node is a file that is missing, then one that is full, then a FIFO;
# who reads it plays the driver, and a card that only lab-probe knows plays the vGPU.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
driver=/sys/kernel/vgt
node=$driver/control/create_vgt_instance

nothing_left() { only_dom0 && ! pidof xen-qemu-system-i386; }
left() { wait_for 30 nothing_left || { xl list && pidof xen-qemu-system-i386 && return 1; }; }
# Writes follow each other at once if the driver makes no vGPU.
commands_joined() { tr -d '\n' </run/commands && echo; }
told() { [ "$(wc -l </run/commands)" -ge "$1" ]; }
arguments() { tr '\0' ' ' <"/proc/$(pidof xen-qemu-system-i386)/cmdline" && echo; }
is_another() { xl domid "$1" >/run/domid-now && [ "$(cat /run/domid-now)" != "$2" ]; }

# A host without the driver.
vgpu_config vgpu
step no-driver xl create /run/vgpu.cfg
step no-driver-left left
for bad in vgt_low_gm_sz=0 vgt_high_gm_sz=4097 vgt_fence_sz=33 'vgt_low_gm_sz="64MB"'; do
    step "bad-$bad" xl create /run/vgpu.cfg "$bad"
done
step bad-left left

# A driver that has no room.
mount -t tmpfs driver /sys/kernel
mkdir -p "$driver/control"
ln -s /dev/full "$node"
vgpu_config full
step full xl create /run/full.cfg
step full-had-qemu ls /var/log/xen/qemu-dm-full.log
step full-left left

# A driver that takes everything: a command is a read, and a line in /run/commands; a line's end in one is shown as "~".
rm "$node"
mkfifo "$node"
exec 9<>"$node"
: >/run/commands
while command=$(dd bs=4096 count=1 <&9 2>/dev/null | tr '\n' '~'); do
    echo "$command" >>/run/commands
    case $command in -*) rmdir "$driver/vm${command#-}" 2>/dev/null ;; esac
done &
# It makes no vGPU yet.
vgpu_config idle
step idle xl create /run/idle.cfg
step idle-told wait_for 10 grep -q -e - /run/commands
step idle-commands commands_joined
step idle-left left

# It does now; as libxl looks as soon as it has written, it did so before.
: >/run/commands
for vgpu in 1 2 3 4 5 6 7 8 9 10 11 12; do mkdir "$driver/vm$vgpu"; done
vgpu_config vgpu 'vgt_low_gm_sz = 128' 'vgt_high_gm_sz = 512'
step create xl create -q -p /run/vgpu.cfg
step create-told wait_for 10 told 1
step create-commands cat /run/commands
step domid xl domid vgpu
step arguments arguments
xl list -l vgpu >/run/vgpu.json
step config grep -e '"kind"' -e '"vgt_' /run/vgpu.json

# What comes after the device model at 00:02.0 is what the guest finds there.
domid=$(xl domid vgpu)
background /run/card lab-probe card --domid "$domid" --slot 2
step serving wait_for 60 grep -q 'by server' /run/card
step unpause xl unpause vgpu
step ready wait_for 300 grep -q '^guest: ready' "$(guest_log vgpu)"
# shellcheck disable=SC2016 # the guest's shell expands this
step found in_guest vgpu 'cd /sys/bus/pci/devices; for card in *; do echo $card $(cat $card/vendor $card/device); done'

step save xl save vgpu /run/save
step alive in_guest vgpu 'echo still here'

guest_tell vgpu 'reboot -f'
step rebooted wait_for 120 is_another vgpu "$domid"
step reboot-told wait_for 60 told 3
step domid-again xl domid vgpu
again=$(xl domid vgpu)
step destroy xl destroy vgpu
step destroy-told wait_for 10 grep -qx -e "-$again" /run/commands
step commands cat /run/commands
step destroy-left left
step vgpus ls "$driver"

# A guest without one.
rm -rf "$driver"/vm*
: >/run/commands
guest_config plain ''
step plain xl create -q /run/plain.cfg
step plain-end wait_for 300 grep -q '^guest: end' "$(guest_log plain)"
step plain-console cat "$(guest_log plain)"
step plain-left left
step plain-commands cat /run/commands
# That nothing was written means something only if it were heard.
echo hello >"$node"
step heard wait_for 10 grep -qx 'hello~' /run/commands
step list-after xl list
