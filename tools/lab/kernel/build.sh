#!/usr/bin/env bash
# Builds Linux with a series of patches: the kernel, and its modules in one directory with what modprobe needs.
#
# usage: build.sh TARBALL PATCHES CONFIG WORK OUT
#
# TARBALL is the source; PATCHES a directory with a file "series"; CONFIG what is set on top of allnoconfig; OUT an empty
# directory that gets the results. WORK holds the source and the objects, and stays: the next build with another series
# compiles only what that changes.
set -euo pipefail

tarball=$1 patches=$2 config=$3 work=$4 out=$5
# shellcheck source=tools/lab/build-common.sh
. "$(dirname "$0")/../build-common.sh"
export KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'

needs_packages Linux

if [ ! -d "$work/tree" ]; then
    note unpack
    rm -rf "$work/half"
    mkdir -p "$work/half" "$work/objects" "$work/pristine"
    tar -xf "$tarball" -C "$work/half" --strip-components=1 --no-same-owner
    mv "$work/half" "$work/tree"
fi

# What any series has touched, as it was: what is there for the first time is.
touch "$work/touched"
while read -r file; do
    if grep -qxF "$file" "$work/touched"; then continue; fi
    if [ -f "$work/tree/$file" ]; then install -D -p "$work/tree/$file" "$work/pristine/$file"; fi
    printf '%s\n' "$file" >>"$work/touched"
done < <(cd "$patches" && grep -vE '^(#|$)' series | xargs sed -n 's,^[-+]\{3\} [ab]/\([^\t]*\).*,\1,p' | sort -u)

rm -rf "$work/patched"
cp -rp "$work/pristine" "$work/patched"
apply_series "$patches" "$work/patched"
# A file that stays as it is keeps its time, and so what was made of it.
while read -r file; do
    if [ ! -f "$work/patched/$file" ]; then
        rm -f "$work/tree/$file"
    elif ! cmp -s "$work/patched/$file" "$work/tree/$file"; then
        install -D -m 644 "$work/patched/$file" "$work/tree/$file"
    fi
done <"$work/touched"

linux() { nice -n 19 make -C "$work/tree" O="$work/objects" "$@" </dev/null; }

# As build does, and tells how far it is, which takes long.
build_linux() { # WHAT TARGET...
    note "$1"
    shift
    if ! linux "$@" 2>"$work/errors" | awk 'NR % 100 == 0 { print "== " NR " files"; fflush() }'; then
        tail -n 40 "$work/errors" >&2
        exit 1
    fi
}
export KCONFIG_ALLCONFIG=$config
build_linux configure allnoconfig
# An option that depends on another silently is not set.
while read -r line; do
    case $line in
    '' | '#'*) ;;
    *=n) ! grep -q "^${line%n}" "$work/objects/.config" || { note "not taken: $line" >&2; exit 1; } ;;
    *) grep -qxF -- "$line" "$work/objects/.config" || { note "not taken: $line" >&2; exit 1; } ;;
    esac
done <"$config"
build_linux compile -j"$(nproc)" bzImage modules

release=$(linux -s kernelrelease)
mkdir -p "$out/boot" "$out/lib/modules/$release"
cp "$work/objects/arch/x86/boot/bzImage" "$out/boot/vmlinuz-$release"
while read -r object; do
    cp "$work/objects/${object%.o}.ko" "$out/lib/modules/$release"
done <"$work/objects/modules.order"
cp "$work/objects"/modules.builtin "$work/objects"/modules.builtin.modinfo "$out/lib/modules/$release"
touch "$out/lib/modules/$release/modules.order"
/sbin/depmod -b "$out" "$release"
find "$out/lib/modules/$release" -name 'modules.*' ! -name modules.dep -delete
note 'done'
