# Subop 29 of a Xen with our patches, on a running HVM guest; the program is of Xen's own tree.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
test=/usr/lib/xen/bin/test-get-mfn
step no-guest $test -
step vgtctl vgtctl doctor
step start start_guest guest
step live $test "$(xl domid guest)"
# It still runs, and what it used is free once it is gone: no lock and no page was kept.
step runs in_guest guest 'echo still here'
step destroy xl destroy guest
step gone wait_for 60 only_dom0
step list-after xl list
step log sh -c 'xl dmesg | grep -E "BUG|ASSERT|Assertion|[Ff]ault|violation|stuck|CPU lockup"'
