#!/usr/bin/env bash
# One of the Xen series' own tests that need no hypervisor, out of a built Xen.
#
# usage: xen-test.sh DIRECTORY PROGRAM
#
# DIRECTORY is what the lab's xen-build printed. Fails if the test does, or if it does not say what it has checked.
set -euo pipefail

built=${1:?usage: xen-test.sh DIRECTORY PROGRAM} program=${2:?usage: xen-test.sh DIRECTORY PROGRAM}
# The names that the packages have, whichever Xen this is.
programs=$built/usr/lib/xen-4.17
export LD_LIBRARY_PATH=$built/usr/lib/x86_64-linux-gnu LC_ALL=C

case $program in
check-xl-vgt) command=(sh "$programs/tests/$program" "$programs/bin/xl") ;;
*) command=("$programs/tests/$program") ;;
esac
if [ ! -f "$programs/tests/$program" ]; then
    printf '%s is not in %s: the series or the build has lost it\n' "$program" "$programs/tests"
    exit 1
fi

said=$("${command[@]}" 2>&1) || { code=$?; printf '%s\n%s: exit code %s\n' "$said" "$program" "$code"; exit 1; }
printf '%s\n' "$said"
# "test-vgt: 123 checks, 0 failed", or without the name.
count=$(sed -nE "s/^($program: )?([1-9][0-9]* (checks|runs|cases)), 0 failed\$/\2/p" <<<"$said")
if [ -z "$count" ]; then
    printf '%s said nothing of what it has checked, or that some of it failed\n' "$program"
    exit 1
fi
printf 'summary: %s\n' "$count"
