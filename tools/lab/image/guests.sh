# How scenarios start guests and run commands in them.
# shellcheck shell=sh
# pci=noearly: else the kernel looks for an AMD GART on 256 buses, and each look is a trip to the device model.
# transparent_hugepage=never: else the kernel may move a program's pages, whose frames dom0 was told.

# Writes the configuration of an HVM guest with the real device model, and nothing at 00:02.0: guest_config NAME [OPTION]
# It has guest_vcpus processors, one if that is not set.
guest_config() {
    cat >"/run/$1.cfg" <<CONFIG
name = "$1"
type = "hvm"
memory = 512
vcpus = ${guest_vcpus:-1}
kernel = "/lab/vmlinuz"
ramdisk = "/lab/guest.cpio.gz"
cmdline = "console=hvc0 quiet mitigations=off tsc=reliable pci=noearly transparent_hugepage=never rdinit=/init $2"
vga = "none"
vnc = 0
usb = 0
on_poweroff = "destroy"
on_crash = "destroy"
on_reboot = "destroy"
xen_platform_pci = 0
device_model_args_hvm = ["-device", "xen-platform,addr=0x4"]
CONFIG
}

# Writes that of a guest whose vGPU our xl makes: vgpu_config NAME [LINE]... It has guest_options on its kernel's command
# line beside lab.serve.
vgpu_config() {
    vgpu_file=/run/$1.cfg
    guest_config "$1" "lab.serve ${guest_options:-}"
    # The platform device is xl's to place here.
    sed -i -e 's/^vga = .*/vga = "xengt"/' -e 's/^on_reboot = .*/on_reboot = "restart"/' \
        -e '/^xen_platform_pci/d' -e '/^device_model_args_hvm/d' "$vgpu_file"
    shift
    for vgpu_line in "$@"; do echo "$vgpu_line" >>"$vgpu_file"; done
}

guest_log() { printf '/var/log/xen/console/guest-%s.log\n' "$1"; }

# Starts a guest that takes commands, and waits until it does: start_guest NAME
start_guest() {
    guest_config "$1" lab.serve
    xl create -q "/run/$1.cfg" && wait_for 600 grep -q '^guest: ready' "$(guest_log "$1")"
}

# Runs a command in a guest, prints what it prints, and returns its exit code: in_guest NAME COMMAND [SECONDS]
in_guest() {
    guest_tell "$1" "$2" && guest_result "$1" "$guest_asked" "${3:-120}"
}

# Waits for a command that a guest was told, and does the same: guest_result NAME NUMBER SECONDS
guest_result() {
    wait_for "$3" guest_ended "$1" "$2" || return 124
    sed -n "/^guest: begin $2\$/,/^guest: end $2 /p" "$(guest_plain "$1")" | sed '1d;$d'
    return "$(sed -n "s/^guest: end $2 exit //p" "$(guest_plain "$1")")"
}

# Sends a command without waiting for its end: guest_tell NAME COMMAND. Its number is then in guest_asked.
guest_tell() {
    guest_asked=$(($(cat "/run/$1.asked" 2>/dev/null || echo 0) + 1))
    echo "$guest_asked" >"/run/$1.asked"
    guest_domid=$(xl domid "$1") || return
    printf '%s\n' "$2" >"$(xenstore-read "/local/domain/$guest_domid/console/tty")"
}

# Whether the command of that number has ended: guest_ended NAME NUMBER
guest_ended() { grep -q "^guest: end $2 exit " "$(guest_plain "$1")"; }

# The guest's console without carriage returns, as a file's name.
guest_plain() {
    tr -d '\r' <"$(guest_log "$1")" >"/run/$1.plain"
    printf '/run/%s.plain\n' "$1"
}

# Whether no domain but dom0 is left, not even a dying one.
only_dom0() { [ "$(xl list | wc -l)" = 2 ]; }

# Runs a command in the background: background LOG COMMAND... Its process is in LOG.pid, and when it ends, the log says
# "exited CODE".
background() {
    background_log=$1
    shift
    {
        "$@" >"$background_log" 2>&1 &
        echo $! >"$background_log.pid"
        wait $!
        echo "exited $?" >>"$background_log"
    } &
    wait_for 10 test -s "$background_log.pid"
}

# Waits until such a command has ended, and shows its log: ended LOG
ended() {
    wait_for 60 grep -q '^exited' "$1"
    ended_code=$?
    cat "$1"
    return "$ended_code"
}

# Whether a guest has that many MB or less: guest_has_at_most NAME MB
guest_has_at_most() { [ "$(xl list "$1" | awk 'NR == 2 { print $3 }')" -le "$2" ]; }
