#!/bin/sh
# Fetches Linux 6.1's GVT-g page tables, which our own are compared with, and prints the directory they are in.
#
# usage: XENGT_GVT_DIR=$(tests/opponents/fetch-gvt.sh) cargo test -p xengt-tests --test differential
#
# The source comes through apt, from the mirrors this system uses; the system's own configuration and package
# lists are not touched. Root is not needed. Three files of the 139 MB package stay, in the user's cache.
set -eu

package=linux-source-6.1
upstream=6.1.176
version=6.1.176-1
files='gtt.c gtt.h gvt.h'
# Of the files, not of the package: a newer 6.1 with the same text is the same opponent.
pinned='d5313c5637651d6605b61bbefb1d79ecc7baa3261fe6fce899644d869ea29965  gtt.c
37721185f0269d26a1dbe3d28965d0e650176dc963d2413ee66841d5a74f7b44  gtt.h
bff4247bd468bb2de990bfef2b76a5bd5d13037c691e2239344a1705d5435eb0  gvt.h'

name=fetch-gvt
# shellcheck source=tests/opponents/apt-private.sh
. "$(dirname "$0")/apt-private.sh"

opponents=${XDG_CACHE_HOME:-$HOME/.cache}/xengt/opponents
target=$opponents/gvt-$upstream
# The stamp is written last: a directory without it was left half made.
for found in "$target" "$opponents"/gvt-6.1.*; do
    if [ -f "$found/complete" ]; then
        echo "$found"
        exit 0
    fi
done

need dpkg-deb tar xz
apt_start deb
mkdir "$work/out"
cd "$work/get"
if ! apt_private apt-get download "$package=$version" >"$work/log" 2>&1; then
    newest=$(apt_private apt-cache show "$package" 2>/dev/null | sed -n 's/^Version: //p' | sort -V | tail -n 1)
    [ -n "$newest" ] || { cat "$work/log" >&2; fail "the mirrors cannot be reached, or have no $package"; }
    say "WARNING: $package $version is gone from the mirrors; taking $newest instead"
    apt_private apt-get download "$package=$newest" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; fail "$package $newest cannot be fetched"; }
    target=$opponents/gvt-${newest%%-*}
fi

# Read through in a pipe: unpacked, the package and the tarball in it are 1.5 GB. tar stops when it has its
# files, and what comes before it in the pipe complains of that.
gvt=drivers/gpu/drm/i915/gvt
# shellcheck disable=SC2046 # one word per file
dpkg-deb --fsys-tarfile "$package"_*.deb 2>"$work/log" | tar -xOf - "./usr/src/$package.tar.xz" 2>>"$work/log" |
    tar -xJf - -C "$work/out" --strip-components=6 --occurrence=1 \
        $(for file in $files; do echo "$package/$gvt/$file"; done) 2>>"$work/log" ||
    { cat "$work/log" >&2; fail "the package has no $gvt as 6.1 has it"; }

cd "$work/out"
echo "$pinned" | sha256sum --status -c - ||
    case $target in
    */gvt-"$upstream") sha256sum ./* >&2; fail "$version is not the pinned text" ;;
    *) say "WARNING: this text is not that of $upstream; apt's signature is all that vouches for it" ;;
    esac

rm -rf "$target"
mkdir -p "$target"
mv ./* "$target"
touch "$target/complete"
echo "$target"
