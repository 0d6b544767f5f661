# Real Xen, dom0 and guests in QEMU's TCG.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

# What the lab boots comes through apt, into the user's cache: nothing is installed, and root is not needed.
for program in apt-get apt-cache dpkg dpkg-deb setpriv tar; do
    if ! command -v "$program" >/dev/null; then
        fail lab "$program is missing: the lab needs a Debian system"
        exit 0
    fi
done

check build cargo build --quiet --package lab
check fetch cargo run --quiet --package lab -- fetch
check image cargo run --quiet --package lab -- image

# Each scenario counts, and the lab's last line must say so.
run scenarios cargo run --quiet --package lab -- test
grep -E '^(ok  |FAIL|    ) ' "$log" || true
passed=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$log")
failed=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$log")
if [ -z "$passed" ] || [ "$((passed + failed))" = 0 ] || { [ "$status" != 0 ] && [ "$failed" = 0 ]; }; then
    fail scenarios "the lab stopped before its end"
    show_log
else
    record scenarios "$seconds" "$passed" "$failed" 0
    printf '%s\n' "$((passed + failed))" >>"$XENGT_RUN/tests"
fi
