#!/usr/bin/env bash
# The parts of the kernel series that only compute, built as a program with the sanitizers and run.
#
# usage: run.sh SERIES-DIRECTORY [ROUNDS [SEED]]
#
# Takes the files from the patches themselves. Needs gcc and git, no kernel sources.
set -euo pipefail

series=$(realpath "${1:?usage: run.sh SERIES-DIRECTORY [ROUNDS [SEED]]}")
shift
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

files=drivers/gpu/drm/i915/gvt/xengt
while read -r patch; do
    # Only files that the series itself adds: everything else of the patches has no base here.
    grep -q " b/$files/" "$series/$patch" || continue
    (cd "$work" && git apply --include="$files/*" "$series/$patch")
done < <(grep -vE '^(#|$)' "$series/series")
if [ ! -e "$work/$files/kunit.c" ]; then
    echo "$series has no xengt" >&2
    exit 1
fi

${CC:-gcc} -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
    -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Werror \
    -I "$here/shim" -I "$work/$files" "$here/main.c" -o "$work/xengt-kernel-tests"
"$work/xengt-kernel-tests" "$@"
