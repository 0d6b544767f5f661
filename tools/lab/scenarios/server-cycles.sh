# 200 create/destroy cycles of a domain with an ioreq server: no growth in the memory of dom0 and Xen, nor in open files.
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
