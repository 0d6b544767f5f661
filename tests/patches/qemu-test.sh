#!/usr/bin/env bash
# The QEMU series' own tests: kernels of a few functions, in QEMU's style of tests/tcg, which a built QEMU runs.
#
# usage: qemu-test.sh PROGRAM SOURCE FIRMWARE [PATCHES]
#
# PROGRAM is a qemu-system-x86_64, SOURCE its unpacked source, FIRMWARE the tree that the lab's fetch printed, PATCHES
# ours if not given. Every test that the patches add must pass, and say of each of its cases that it is ok.
set -euo pipefail

usage='usage: qemu-test.sh PROGRAM SOURCE FIRMWARE [PATCHES]'
program=${1:?$usage} source=${2:?$usage} firmware=${3:?$usage}
patches=${4:-$(dirname "$0")/../../qemu-patches}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only the tests are compiled, so only patches that are all tests are applied.
mkdir -p "$work/tests/tcg"
cp -r "$source/tests/tcg/"{x86_64,minilib} "$work/tests/tcg"
names=()
for patch in "$patches"/*.patch; do
    if grep '^+++ ' "$patch" | grep -qv '^+++ b/tests/tcg/'; then continue; fi
    patch --silent -d "$work" -p1 -F0 <"$patch"
    mapfile -t -O "${#names[@]}" names < <(sed -n 's,^+++ b/tests/tcg/x86_64/system/\(.*\)\.c$,\1,p' "$patch")
done
system=$work/tests/tcg/x86_64/system minilib=$work/tests/tcg/minilib
makefile=$work/tests/tcg/x86_64/Makefile.softmmu-target

cases=0 failed=0
for name in ${names[@]+"${names[@]}"}; do
    # As QEMU's own makefiles do it.
    "${CC:-gcc}" -nostdlib -static -no-pie -fno-pie -O0 -g -ffreestanding -fno-stack-protector -fcf-protection=none \
        -I"$minilib" -Wa,--noexecstack -Wl,-T"$system/kernel.ld" -Wl,-melf_x86_64 -Wl,--build-id=none \
        "$system/boot.S" "$minilib/printf.c" "$system/$name.c" -lgcc -o "$work/$name"
    options=$(sed -n "s/^run-$name: QEMU_OPTS:=\(.*\) \$(QEMU_OPTS)\$/\1/p" "$makefile")
    code=0
    : >"$work/$name.out"
    # shellcheck disable=SC2086 # words are what is wanted
    timeout 120 "$program" -L "$firmware/usr/share/qemu" -L "$firmware/usr/share/seabios" -accel tcg $options \
        -nodefaults -display none -no-reboot -chardev "file,path=$work/$name.out,id=output" \
        -device isa-debugcon,chardev=output -device isa-debug-exit,iobase=0xf4,iosize=0x4 \
        -kernel "$work/$name" || code=$?
    sed "s/^/$name: /" "$work/$name.out"
    # As many cases as its table has lines, whatever the exit code says.
    said=$(grep -c '^ok: ' "$work/$name.out" || true)
    wanted=$(grep -c '^    { "' "$system/$name.c" || true)
    if [ "$code" != 0 ] || [ "$said" != "$wanted" ] || [ "$said" = 0 ]; then
        printf '%s: exit code %s, %s of %s cases are ok\n' "$name" "$code" "$said" "$wanted"
        failed=1
    fi
    cases=$((cases + said))
done
if [ "$failed" != 0 ] || [ "$cases" = 0 ]; then
    printf 'the tests of %s failed, or there are none\n' "$patches"
    exit 1
fi
printf 'summary: %s cases of %s tests\n' "$cases" "${#names[@]}"
