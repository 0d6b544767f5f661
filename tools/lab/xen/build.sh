#!/usr/bin/env bash
# Builds Xen with a series of patches: the hypervisor, and of the tools what the lab's dom0 runs.
#
# usage: build.sh SOURCE PATCHES WORK OUT
#
# SOURCE is an unpacked source, which stays as it is; PATCHES a directory with a file "series"; WORK an empty
# directory to build in; OUT an empty directory that gets the results, at the places that the lab's packages have.
set -euo pipefail

source=$1 patches=$2 work=$3 out=$4
# shellcheck source=tools/lab/build-common.sh
. "$(dirname "$0")/../build-common.sh"
needs_packages Xen

cp -r "$source/." "$work"
cd "$work"
apply_series "$patches" .

jobs=$(nproc)
# With Xen's own assertions: one that takes a lock and keeps it is stopped there.
printf 'CONFIG_DEBUG=y\n' >xen/.config
build config make -C xen olddefconfig
build assertions grep -qx 'CONFIG_DEBUG=y' xen/.config
build hypervisor make -C xen -j"$jobs" XEN_BUILD_DATE=pinned XEN_BUILD_TIME=pinned XEN_WHOAMI=lab XEN_BUILD_HOST=lab

# iPXE, OVMF and QEMU come from packages or are not needed.
build configure ./configure --prefix=/usr --libdir=/usr/lib/x86_64-linux-gnu --libexecdir=/usr/lib \
    --with-system-qemu=/usr/libexec/xen-qemu-system-i386 --with-system-seabios=/usr/share/seabios/bios-256k.bin \
    --disable-docs --disable-stubdom --disable-qemu-traditional --disable-ocamltools --disable-golang \
    --disable-ipxe --disable-ovmf --disable-pvshim --enable-rombios --disable-systemd --disable-xsmpolicy \
    --with-xenstored=xenstored
build headers make -C tools/include -j"$jobs" all
build libraries make -C tools/libs -j"$jobs" all
for bios in rombios vgabios; do build "$bios" make -C "tools/firmware/$bios" all; done
build hvmloader make -C tools/firmware/hvmloader -j"$jobs" all
# The names are those of 4.17, and of 4.18 and later.
for dir in xenstore xenstored xs-clients console helpers xl tests/get-mfn; do
    if [ -d "tools/$dir" ]; then build "$dir" make -C "tools/$dir" -j"$jobs" all; fi
done
# Tests that the series adds, and that need no hypervisor.
for test in mfn-list hvmloader-pci vgt; do
    if [ -d "tools/tests/$test" ]; then build "test $test" make -C "tools/tests/$test" run; fi
done

# The lab's names for all of it are those of its packages.
libraries=$out/usr/lib/x86_64-linux-gnu
programs=$out/usr/lib/xen-4.17
mkdir -p "$out/boot" "$out/usr/bin" "$libraries" "$programs/bin" "$programs/boot"
cp xen/xen.gz "$out/boot/xen-4.17-amd64.gz"
for dir in tools/libs/*/; do
    find "$dir" -maxdepth 1 -name 'lib*.so.*' -exec cp -P {} "$libraries" \;
done
cp tools/firmware/hvmloader/hvmloader "$programs/boot"
take() { # NAME: the one program of that name, or nothing
    find tools -type f -name "$1" ! -name '*.o' -perm -u+x -print -quit
}
for program in xl libxl-save-helper xen-init-dom0 xenconsole xenconsoled xenstored test-get-mfn; do
    path=$(take "$program")
    if [ -n "$path" ]; then
        cp "$path" "$programs/bin/$program"
    elif [ "$program" != test-get-mfn ]; then # which is of the series
        note "the build made no $program" >&2
        exit 1
    fi
done
# They can run again here, with these libraries and this xl, long after they were built; dom0 gets none of them.
mkdir "$programs/tests"
for program in vgt/test-vgt vgt/test-vgt-config vgt/check-xl-vgt vgt/fake-xen.so hvmloader-pci/test-hvmloader-pci; do
    if [ -f "tools/tests/$program" ]; then cp "tools/tests/$program" "$programs/tests"; fi
done
client=$(take xenstore)
for verb in exists list ls read rm watch write; do
    cp "$client" "$out/usr/bin/xenstore-$verb"
done
strip --strip-unneeded "$programs/bin/"* "$out/usr/bin/"* "$libraries/"*.so.*
note 'done'
