# dom0 sees each write of a guest to a page of its memory, which holds afterwards what it would hold.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
step start start_guest writer
domid=$(xl domid writer)
step page in_guest writer 'mkfifo /tmp/go; lab-guest writes </tmp/go >/tmp/out & exec 3>/tmp/go; while ! grep -q ready /tmp/out; do sleep 1; done; cat /tmp/out'
page=$(in_guest writer 'grep page /tmp/out' | sed -n 's/^page //p')
# Waits for round N of the guest's program: round N
round() { in_guest writer "echo go >&3; while [ \$(grep -c ready /tmp/out) -le $1 ]; do sleep 1; done; sed '1,/^ready/d' /tmp/out"; }
step untracked round 1

background /run/track lab-probe track --domid "$domid" --page "$page"
step tracking wait_for 60 grep -q 'tracking frame' /run/track
step tracked round 2
kill -TERM "$(cat /run/track.pid)"
step track-log ended /run/track
step again round 3

# The tracker is killed, and the guest writes: it waits, until somebody ends the server, and its write is not lost.
background /run/track3 lab-probe track --domid "$domid" --page "$page"
step tracking-once-more wait_for 60 grep -q 'tracking frame' /run/track3
kill -9 "$(cat /run/track3.pid)"
step track3-log ended /run/track3
guest_tell writer "echo go >&3; while [ \$(grep -c ready /tmp/out) -le 4 ]; do sleep 1; done"
waiting=$guest_asked
sleep 5
step waiting guest_ended writer "$waiting"
step release lab-probe release --domid "$domid" --slot 6
step released wait_for 60 guest_ended writer "$waiting"
step kept in_guest writer "grep -c '^wrong 0' /tmp/out; ! grep differs /tmp/out"

# The guest goes in the middle of its writes to a tracked page.
background /run/track2 lab-probe track --domid "$domid" --page "$page"
step tracking-again wait_for 60 grep -q 'tracking frame' /run/track2
guest_tell writer 'while :; do echo go >&3; done'
step writing wait_for 60 grep -q '^copied' /run/track2
step destroy xl destroy writer
step track2-log ended /run/track2
step gone wait_for 60 only_dom0
step list-after xl list
