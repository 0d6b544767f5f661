# Real Xen, dom0 and guests in QEMU's TCG.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

if [ -d tools/lab ]; then
    fail lab "there is a lab but this tier does not run it"
else
    skip lab "no lab in this tree yet: everything here ran on the simulated host"
fi
