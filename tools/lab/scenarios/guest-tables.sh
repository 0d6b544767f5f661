# A guest builds graphics translation tables in its memory; dom0 walks them while it runs.
# shellcheck shell=sh source=tools/lab/image/guests.sh
. /lab/guests.sh
step start start_guest tables
domid=$(xl domid tables)
step build in_guest tables 'echo 4 >/proc/sys/vm/nr_hugepages; lab-guest tables >/tmp/tables 2>&1 & while kill -0 $! && ! grep -q ^end /tmp/tables; do sleep 1; done; cat /tmp/tables'
in_guest tables 'cat /tmp/tables' >/run/tables
step walk lab-probe walk --domid "$domid" /run/tables

# The same by hand, as a user would.
pml4=$(sed -n 's/^pml4 //p' /run/tables)
ggtt=$(sed -n 's/^ggtt \([^ ]*\) .*/\1/p' /run/tables)
# shellcheck disable=SC2046 # a list of addresses is what is wanted
step ppgtt vgtctl gtt translate --domid "$domid" --space ppgtt --pml4 "$pml4" $(sed -n 's/^map ppgtt \([^ ]*\) .*/\1/p' /run/tables)
# shellcheck disable=SC2046
step ggtt vgtctl gtt translate --domid "$domid" --space ggtt --table "$ggtt" $(sed -n 's/^map ggtt \([^ ]*\) .*/\1/p' /run/tables)
for kind in hole fault; do
    # shellcheck disable=SC2046
    step "$kind" vgtctl gtt translate --domid "$domid" --space ppgtt --pml4 "$pml4" $(sed -n "s/^$kind ppgtt //p" /run/tables)
done
# shellcheck disable=SC2046
step gone vgtctl gtt translate --domid "$domid" --space ppgtt --pml4 "$pml4" $(sed -n 's/^gone ppgtt \([^ ]*\) .*/\1/p' /run/tables)
step by-name vgtctl gtt translate --domain tables --space ppgtt --pml4 "$pml4" 0x20000000000
step dump vgtctl gtt dump --domid "$domid" --space ppgtt --pml4 "$pml4" --limit 4
step beyond vgtctl gtt translate --domid "$domid" --space ppgtt --pml4 0x7000000000 0
# The guest must do with half its memory: the kernel gives back what is free.
step shrink xl mem-set tables 256
step shrunk wait_for 120 guest_has_at_most tables 260
step walk-ballooned lab-probe walk --ballooned --domid "$domid" /run/tables
free=$(sed -n 's/^free ggtt \([^ ]*\) .*/\1/p' /run/tables)
# shellcheck disable=SC2046
step ballooned vgtctl gtt translate --domid "$domid" --table "$ggtt" $(n=0; while [ $n -lt 64 ]; do echo $((free + n * 4096 * 499)); n=$((n + 1)); done)
step audit vgtctl gtt audit --domid "$domid"
step doctor vgtctl doctor --domain tables
step crossings lab-probe crossings --domid "$domid"
step alive in_guest tables 'echo still here'

# The guest goes while its memory is mapped and read.
background /run/hold lab-probe hold --domid "$domid"
step holding wait_for 60 grep -q holding /run/hold
sleep 2
step destroy xl destroy tables
step held ended /run/hold
step left wait_for 60 only_dom0
step list-after xl list
step no-domain vgtctl gtt translate --domid "$domid" --space ppgtt --pml4 "$pml4" 0
step doctor-no-domain vgtctl doctor --domid "$domid"
