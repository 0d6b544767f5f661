# Subop 29 of a Xen with our patches: on a running HVM guest, by Xen's own test and by libxengt, and from guests.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
test=/usr/lib/xen/bin/test-get-mfn
step no-guest $test -
step vgtctl vgtctl doctor

# A domain that asks for itself what only dom0 may: ask_from NAME KIND
ask_from() {
    cat >"/run/$1.cfg" <<CONFIG
name = "$1"
type = "$2"
memory = 16
vcpus = 1
kernel = "/lab/ask.elf"
on_crash = "preserve"
CONFIG
    xl create -q "/run/$1.cfg" && wait_for 60 grep -q '^ask: end' "$(guest_log "$1")"
    ask_code=$?
    tr -d '\r' <"$(guest_log "$1")"
    return "$ask_code"
}
step ask-pv ask_from pv pv
# The second of these maps a page that the first one grants to it.
step ask-pvh ask_from granter pvh
step ask-mapper ask_from mapper pvh
number() { sed -n "s/^ask: $2: //p" "$(guest_log "$1")" | tr -d '\r'; }
step grant lab-probe frames --domid "$(xl domid mapper)" "$(number mapper 'granted frame')" "$(number mapper 'mapped frame')"
step of-pv lab-probe frames --domid "$(xl domid pv)" 16
for asker in pv granter mapper; do step "destroy-$asker" xl destroy "$asker"; done

step start start_guest guest
domid=$(xl domid guest)
step live $test "$domid"
step crossings lab-probe crossings --domid "$domid"
step audit vgtctl gtt audit --domid "$domid"
# It still runs, and what it used is free once it is gone: no lock and no page was kept.
step runs in_guest guest 'echo still here'
step destroy xl destroy guest
step gone wait_for 60 only_dom0
step list-after xl list
# The last thing that Xen said is there.
step log sh -c 'xl debug-keys h && xl dmesg >/run/xen-log && grep "showing installed handlers" /run/xen-log'
step complaints grep -E 'BUG|ASSERT|Assertion|Xen WARN|[Ff]ault|violation|stuck|CPU lockup' /run/xen-log
