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
check qemu cargo run --quiet --package lab -- qemu-build

# The tests in QEMU's series, on the QEMU that was just built.
qemu_tests() {
    local program source firmware
    program=$(cargo run --quiet --package lab -- qemu-build)
    source=$(cargo run --quiet --package lab -- source qemu 10.2)
    firmware=$(cargo run --quiet --package lab -- fetch)
    tests/patches/qemu-test.sh "$program" "$source" "$firmware"
}
check qemu-tests qemu_tests
printf '1\n' >>"$XENGT_RUN/tests"

# Xen with our series: what of the series' own tests needs no hypervisor runs here. The scenarios boot what is built.
xen_tests() { # SERIES
    local built program
    run "xen-$1" cargo run --quiet --package lab -- xen-build "$1"
    built=$(tail -n 1 "$log")
    if [ "$status" != 0 ] || [ ! -d "$built" ]; then
        fail "xen-$1" 'it could not be built'
        show_log
        return
    fi
    say "ok   xen-$1 ($seconds s)"
    record "xen-$1" "$seconds" 1 0 0
    for program in test-vgt test-vgt-config check-xl-vgt test-hvmloader-pci; do
        check "xen-$1-$program" tests/patches/xen-test.sh "$built" "$program"
        printf '1\n' >>"$XENGT_RUN/tests"
    done
    # Who bisects stops between two patches. What compiled once is remembered by its content.
    run "source-xen-$1" cargo run --quiet --package lab -- source xen "$1"
    check "xen-$1-each-patch" tests/patches/compile-each.sh xen-patches "$(tail -n 1 "$log")"
}
xen_tests 4.17
xen_tests 4.20

# The shell in dom0 that `boot --interactive` gives: what is typed there runs there.
interactive() {
    coproc LAB { exec cargo run --quiet --package lab -- boot --interactive 2>&1; }
    local shell=${LAB_PID} input=${LAB[1]}
    exec 7<&"${LAB[0]}"
    shown 'dom0 of the lab.'
    printf 'xl list\n' >&"$input"
    shown 'Domain-0 '
    printf 'vgtctl doctor\n' >&"$input"
    shown ' ok, '
    printf 'poweroff -f\n' >&"$input"
    cat <&7
    wait "$shell"
}

# Shows the console up to a line with that text.
shown() { # TEXT
    local line
    while IFS= read -r -t 300 line <&7; do
        printf '%s\n' "$line"
        case $line in *"$1"*) return 0 ;; esac
    done
    say "the console ended, or was silent for 300 s, before it said: $1"
    return 1
}

check interactive interactive

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
