# Programs of dom0 and of a guest share the machine's one processor, and each keeps its registers.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
# In dom0: registers LOG SECONDS
registers() { background "$1" lab-guest registers "$2"; }
registers /run/first 15
registers /run/second 15
step dom0-first ended /run/first
step dom0-second ended /run/second
step start start_guest keeper
registers /run/third 30
registers /run/fourth 30
step guest in_guest keeper 'lab-guest registers 30 >/tmp/other & lab-guest registers 30; wait; sed "s/^/other /" /tmp/other'
step dom0-third ended /run/third
step dom0-fourth ended /run/fourth
step destroy xl destroy keeper
step gone wait_for 60 only_dom0
