# An HVM guest with the real device model boots a Linux to its user space and powers itself off.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
guest_config guest ''
console=$(guest_log guest)
step create xl create /run/guest.cfg
step list xl list
step wait wait_for 300 grep -q '^guest: end' "$console"
step console cat "$console"
step gone wait_for 60 only_dom0
step list-after xl list
