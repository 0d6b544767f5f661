#!/usr/bin/env bash
# Builds QEMU with a series of patches: only the x86-64 machine emulator, with a client for devices over vfio-user.
#
# usage: build.sh SOURCE PATCHES WORK OUT
#
# SOURCE is an unpacked source, which stays as it is; PATCHES a directory with a file "series"; WORK an empty
# directory to build in; OUT an empty directory that gets the program.
set -euo pipefail

source=$1 patches=$2 work=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/lab/build-common.sh
. "$(dirname "$0")/../build-common.sh"
needs_packages QEMU

cp -r "$source/." "$work"
cd "$work"
apply_series "$patches" .
# The archive's tarball is without the firmware that this would unpack, and nothing here boots by it.
sed -i 's/^\( *unpack_edk2_blobs = \)bzip2.found()$/\1false/' meson.build

build meson python3 -m venv "$work/venv"
build meson "$work/venv/bin/pip" install --disable-pip-version-check --only-binary :all: --require-hashes \
    -r "$here/python-requirements"
mkdir build
cd build
build configure env PATH="$work/venv/bin:$PATH" ../configure --python="$work/venv/bin/python3" \
    --target-list=x86_64-softmmu --without-default-features --enable-tcg --enable-fdt=system --enable-pixman \
    --disable-docs --disable-tools --disable-guest-agent --disable-werror --disable-download --disable-install-blobs
build compile ninja qemu-system-x86_64
strip --strip-unneeded -o "$out/qemu-system-x86_64" qemu-system-x86_64
note 'done'
