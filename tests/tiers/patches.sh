# The patch series: each message has its tags, each patch applies to its bases, and what tests the hypercall passes.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

for series in $(git ls-files -- '*-patches/series' '*-patches/*/series'); do
    check "form-$(dirname "$series")" tests/patches/lint-form.sh "$(dirname "$series")"
done
check linters-refuse tests/patches/selftest.sh
check kernel-linter-refuses tests/patches/selftest-kernel.sh

# The sources of Xen that the lab's lock names; that they compile is for the lab, which builds all of them.
bases=$(awk '/^\[/ { source = $0 == "[[source]]" } source && /^name = "xen"$/ { xen = 1; next }
    xen && $1 == "version" { gsub(/"/, "", $3); split($3, v, "."); print v[1] "." v[2]; xen = 0 }' tools/lab/lab.lock)

apply() { # SOURCE WORK
    tests/patches/lint-apply.sh "$PWD/xen-patches" "$1" "$2" --no-compile
    say "summary: $(grep -cv '^#' xen-patches/series) patches, on $(basename "$3")"
}

# Compiles the hypervisor's own file for user space, with sanitizers, and counts locks.
hypercall() { # WORK
    make -s -C "$1/tools/tests/mfn-list" run | tee "$XENGT_RUN/hypercall"
    say "summary: $(tail -n 1 "$XENGT_RUN/hypercall")"
    grep -q '^[1-9][0-9]* checks, 0 failed$' "$XENGT_RUN/hypercall"
}

# Without the put that belongs to each get, it must fail: a test that cannot is none.
hypercall_leaks() { # WORK
    sed -i '/put_gfn(/d' "$1/xen/arch/x86/mm/mfn-list.c"
    if make -s -C "$1/tools/tests/mfn-list" run >"$XENGT_RUN/leaks"; then
        say 'the test passes without put_gfn'
        return 1
    fi
    say "summary: $(tail -n 1 "$XENGT_RUN/leaks")"
    grep -q '^[1-9][0-9]* checks, [1-9][0-9]* failed$' "$XENGT_RUN/leaks"
}

# A head names the bases that are tried, no others.
named_bases() {
    local patch named
    for patch in xen-patches/*.patch; do
        named=$(sed -n 's/^Base: //p' "$patch")
        if [ "$named" != "$(xargs <<<"$bases")" ]; then
            say "$patch: Base is $named, but the lab's lock has: $(xargs <<<"$bases")"
            return 1
        fi
    done
}
check bases-xen-patches named_bases

for base in $bases; do
    run "source-$base" cargo run --quiet --package lab -- source xen "$base"
    if [ "$status" != 0 ]; then
        lacking "xen-$base" "its source is not in the cache and cannot be fetched: $(tail -n 2 "$log" | head -n 1)"
        continue
    fi
    source=$(tail -n 1 "$log")
    work=$(mktemp -d)
    check "apply-xen-$base" apply "$source" "$work" "$base"
    if [ "$status" = 0 ]; then
        check "hypercall-xen-$base" hypercall "$work"
        check "hypercall-leaks-xen-$base" hypercall_leaks "$work"
    fi
    rm -rf "$work"
done

for series in $(git ls-files -- 'kernel-patches/*/series'); do
    dir=$(dirname "$series")
    run "source-$dir" cargo run --quiet --package lab -- source --packed linux "$(basename "$dir")"
    if [ "$status" != 0 ]; then
        lacking "applies-$dir" "its source is not in the cache and cannot be fetched: $(tail -n 2 "$log" | head -n 1)"
        continue
    fi
    check "applies-$dir" tests/patches/lint-kernel.sh "$dir" "$(tail -n 1 "$log")"
done

# What only computes in the kernel's Xen backend, as a program.
for series in $(git grep -l xengt -- 'kernel-patches/*/series'); do
    check_tests "units-$(dirname "$series")" tests/kernel/run.sh "$(dirname "$series")"
done
