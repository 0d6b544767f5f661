# 200 domains with an ioreq server come and go; dom0 and Xen have as much memory and as many open files as before.
# shellcheck shell=sh
cat >/run/cycle.cfg <<'CONFIG'
name = "cycle"
type = "pvh"
memory = 16
vcpus = 1
kernel = "/lab/nothing.elf"
CONFIG
step cycles lab-probe cycles --count 200 /run/cycle.cfg
step list-after xl list
