#!/usr/bin/env bash
# The form of a patch series: the order file, each patch's name, header and message, and the whitespace that it adds.
#
# usage: lint-form.sh DIRECTORY
#
# Prints what is wrong, one line each, and fails if there was any. Needs no sources and no network.
set -euo pipefail

dir=${1:?usage: lint-form.sh DIRECTORY}
# Xen indents with spaces; the kernel's own checker looks at its series (lint-kernel.sh).
case $dir in *kernel-patches*) spaces=0 ;; *) spaces=1 ;; esac
bad=0
wrong() { # FILE WHAT
    printf '%s: %s\n' "$1" "$2"
    bad=1
}

[ -f "$dir/series" ] || { wrong "$dir" 'there is no file "series"'; exit 1; }
mapfile -t patches < <(grep -vE '^(#|$)' "$dir/series" || true)
[ ${#patches[@]} != 0 ] || wrong series 'names no patch'

last=0
for patch in "${patches[@]}"; do
    [ -f "$dir/$patch" ] || { wrong series "names $patch, which is not there"; continue; }
    [[ $patch =~ ^[0-9]{4}-[A-Za-z0-9._-]+\.patch$ ]] || wrong series "$patch is not NNNN-component-what.patch"
    [ "$((10#${patch:0:4}))" -gt "$last" ] || wrong series "$patch stands after number $last"
    last=$((10#${patch:0:4}))
done

# A variant for later versions stands beside its patch: NNNN-name.from-4.21.patch beside NNNN-name.patch.
all=()
for path in "$dir"/*.patch; do
    patch=$(basename "$path")
    all+=("$patch")
    plain=$(sed -E 's/\.from-[0-9.]+\.patch$/.patch/' <<<"$patch")
    [[ " ${patches[*]} " == *" $plain "* ]] || wrong "$patch" 'is not in series'
done

header() { # FIELD PATCH
    awk -v field="$1: " '/^$/ { exit } index($0, field) == 1 { print substr($0, length(field) + 1) }' "$dir/$2"
}

# Where the message ends: the first line that is only "---".
message() { awk 'body && /^---$/ { exit } body { print } /^$/ { body = 1 }' "$dir/$1"; }

for patch in "${all[@]}"; do
    for field in From Subject Base Upstream; do
        count=$(header "$field" "$patch" | wc -l)
        [ "$count" = 1 ] || wrong "$patch" "has $count lines \"$field:\" in its header, expected 1"
    done
    subject=$(header Subject "$patch")
    what=${subject#\[PATCH\] }
    [ "$what" != "$subject" ] || wrong "$patch" 'Subject does not start with [PATCH]'
    [[ $what =~ ^[a-zA-Z0-9/._,-]+:\ [a-zA-Z] ]] || wrong "$patch" "Subject is not \"component: what\": $what"
    [ ${#what} -le 72 ] || wrong "$patch" "Subject has ${#what} characters, at most 72"
    slug=$(sed -E 's/\.from-[0-9.]+//; s/^[0-9]{4}-//; s/\.patch$//' <<<"$patch")
    component=$(sed -E 's/:.*//; s/[^A-Za-z0-9._]+/-/g' <<<"$what")
    [[ $slug == "$component"-* ]] || wrong "$patch" "its name does not start with its component, $component"
    [[ $(header Base "$patch") =~ ^[0-9]+\.[0-9]+(\ [0-9]+\.[0-9]+)*$ ]] ||
        wrong "$patch" 'Base is not a list of versions such as "4.17 4.20"'
    [ -n "$(header Upstream "$patch")" ] || wrong "$patch" 'Upstream does not say how it stands there'

    lines=$(message "$patch" | grep -c . || true)
    [ "$lines" -ge 2 ] || wrong "$patch" 'its message does not say why: fewer than two lines'
    long=$(message "$patch" | awk 'length > 75 { n++ } END { print n + 0 }')
    [ "$long" = 0 ] || wrong "$patch" "$long lines of its message have more than 75 characters"
    grep -q '^---$' "$dir/$patch" || wrong "$patch" 'has no line "---" after its message'
    grep -q '^diff --git ' "$dir/$patch" || wrong "$patch" 'changes nothing'
    # Whoever submits it signs it off.
    for tag in Signed-off-by Change-Id; do
        ! grep -qi "^$tag:" "$dir/$patch" || wrong "$patch" "has a line $tag"
    done

    # What is added: hunks only, as the message may show anything.
    while read -r complaint; do wrong "$patch" "$complaint"; done < <(awk -v spaces="$spaces" '
        /^diff --git / { file = $NF; sub(/^b\//, "", file); hunk = 0 }
        /^@@ / { hunk = 1; next }
        hunk && /^\\ No newline/ { print file ": no newline at its end" }
        !hunk || !/^\+/ { next }
        { added = substr($0, 2) }
        added ~ /[ \t]$/ { print file ": white space at the end of: " added }
        added ~ / \t/ { print file ": a tab after a space in: " added }
        added ~ /\r/ { print file ": a carriage return in: " added }
        spaces && file ~ /\.[ch]$/ && added ~ /\t/ { print file ": a tab, which this style has not: " added }
        added ~ /^(<<<<<<<|>>>>>>>) / { print file ": a conflict marker: " added }' "$dir/$patch")
done
exit $bad
