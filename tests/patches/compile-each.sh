#!/usr/bin/env bash
# Each patch of a Xen series compiles with only those before it: who bisects stops at any of them.
#
# usage: compile-each.sh PATCHES SOURCE
#
# SOURCE is an unpacked source of the lab, named by its hash. It takes minutes, so what compiled is remembered under the
# hash of all that it was made from, and not done again.
set -euo pipefail

usage='usage: compile-each.sh PATCHES SOURCE'
patches=$(cd "${1:?$usage}" && pwd) source=$(cd "${2:?$usage}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
known=${XDG_CACHE_HOME:-$HOME/.cache}/xengt/lab/xen-compiled
mapfile -t order < <(grep -vE '^(#|$)' "$patches/series")

key=$({
    basename "$source"
    gcc --version | head -n 1
    cat "$here/lint-apply.sh"
    cd "$patches"
    printf '%s\n' "${order[@]}"
    cat "${order[@]}"
} | sha256sum | cut -c1-64)

if [ ! -f "$known/$key" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/tree" "$known"
    nice -n 5 "$here/lint-apply.sh" "$patches" "$source" "$work/tree" | tee "$work/said"
    mv "$work/said" "$known/$key"
    again=
fi
for patch in "${order[@]}"; do
    if ! grep -q "^compiled ${patch:0:4} " "$known/$key"; then
        printf '%s: nothing was compiled after it\n' "$patch"
        rm "$known/$key"
        exit 1
    fi
done
printf 'summary: %d patches, %d compilations%s\n' "${#order[@]}" "$(grep -c '^compiled ' "$known/$key")" "${again- (known)}"
