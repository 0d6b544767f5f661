#!/usr/bin/env bash
# Applies a Xen series to one base, patch by patch, and compiles what each changes.
#
# usage: lint-apply.sh PATCHES SOURCE WORK [--no-compile]
#
# SOURCE is an unpacked source, which stays as it is; WORK an empty directory. Each hunk must apply with no fuzz, and
# at the only place of its file that has its context: an offset then moves nothing to where it does not belong.
set -euo pipefail

patches=$1 source=$2 work=$3 compile=${4:-}
export LC_ALL=C
bad=0
wrong() { # PATCH WHAT
    printf '%s: %s\n' "$1" "$2"
    bad=1
}

cp -r "$source/." "$work"
cd "$work"

# What a hunk expects to find, and where else the file has that: "file count", for counts that are not 1.
ambiguous() { # PATCH
    python3 - "$1" <<'PYTHON'
import re, sys
name, old = None, None
hunks = []
for line in open(sys.argv[1], encoding="utf-8"):
    if line.startswith("--- "):
        name = re.sub(r"^a/", "", line[4:].split("\t")[0].strip())
    elif line.startswith("@@ ") and name:
        old = []
        hunks.append((name, old))
    elif old is not None and line[:1] in " -":
        old.append(line[1:])
    elif line.startswith("diff "):
        name, old = None, None
for name, old in hunks:
    if name == "/dev/null" or not old:
        continue
    # Blank context lines may have lost their space.
    text = open(name, encoding="utf-8").read()
    wanted = "".join(old)
    count = sum(text.startswith(wanted, at.start()) for at in re.finditer(r"(?m)^", text))
    if count != 1:
        print(f"{name} {count}")
PYTHON
}

# The objects that show whether a patch compiles: of each C file that it touches, and of the tests that it adds.
objects() { # PATCH
    sed -n 's,^+++ b/\([^\t]*\).*,\1,p' "$1" | while read -r file; do
        case $file in
        # All of it: its headers reach everywhere.
        xen/*) echo 'xen xen' ;;
        tools/tests/mfn-list/*.c | tools/tests/hvmloader-pci/*.c) echo "${file%/*} run" ;;
        tools/*.c) echo "${file%/*} ${file##*/}" ;;
        esac
    done | sort -u
}

# Configured once, when the first patch needs it; the tools' headers and the libraries' generated files with it.
configured=
configure_tools() {
    [ -z "$configured" ] || return 0
    ./configure --disable-docs --disable-stubdom --disable-qemu-traditional --disable-ocamltools --disable-golang \
        --disable-ipxe --disable-ovmf --disable-pvshim --enable-rombios --disable-systemd --disable-xsmpolicy \
        --with-system-qemu=/usr/bin/true --with-system-seabios=/usr/share/seabios/bios.bin
    make -C tools/include -j2 all
    # What hvmloader's ROMBIOS part includes.
    make -C tools/firmware/rombios all
    make -C tools/firmware/vgabios all
    configured=1
}

make_one() { # DIRECTORY FILE
    case $1 in
    xen) make -C xen -j2 ;;
    # These compile files of the hypervisor and of hvmloader, and run.
    tools/tests/mfn-list | tools/tests/hvmloader-pci) configure_tools && make -C "$1" run ;;
    *) configure_tools && make -C "$1" -j2 "${2%.c}.o" ;;
    esac
}

while read -r patch; do
    case $patch in '' | '#'*) continue ;; esac
    while read -r place; do
        wrong "$patch" "its context is ${place##* } times in ${place% *}, expected once"
    done < <(ambiguous "$patches/$patch")
    if ! said=$(patch -p1 -F0 --force --no-backup-if-mismatch <"$patches/$patch" 2>&1); then
        wrong "$patch" "does not apply: $(grep -m 1 -E 'FAILED|find file|malformed' <<<"$said")"
        exit 1
    fi
    ! grep -q fuzz <<<"$said" || wrong "$patch" 'applies with fuzz'
    if [ "$compile" != --no-compile ]; then
        while read -r dir file; do
            if ! make_one "$dir" "$file" >build.log 2>&1 </dev/null; then
                wrong "$patch" "$dir/$file does not compile after it:"
                grep -E -m 5 'error|Error' build.log || tail -n 5 build.log
                exit 1
            fi
            printf 'compiled %s %s\n' "${patch:0:4}" "$dir/$file"
        done < <(objects "$patches/$patch")
    fi
done <"$patches/series"
exit $bad
