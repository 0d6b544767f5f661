#!/bin/sh
# Fetches Mesa's isl tile copies, which our own are compared with, and prints the directory they are in.
#
# usage: XENGT_ISL_DIR=$(tests/opponents/fetch-isl.sh) cargo test -p xengt-tests --test differential
#
# The source comes through apt, from the mirrors this system uses, into the user's cache; the system's own
# configuration and package lists are not touched. Root is not needed.
set -eu

series=22.3
upstream=22.3.6
version=22.3.6-1+deb12u2
sha256=737cb8e5d380ce1a0ad01fb8b74db7f27303435c353e753d2302e8cf3927bad2
files='isl_tiled_memcpy.c isl_tiled_memcpy_normal.c isl_tiled_memcpy_sse41.c'

name=fetch-isl
# shellcheck source=tests/opponents/apt-private.sh
. "$(dirname "$0")/apt-private.sh"

opponents=${XDG_CACHE_HOME:-$HOME/.cache}/xengt/opponents
target=$opponents/isl-$upstream
# The stamp is written last: a directory without it was left half made.
if [ -f "$target/complete" ]; then
    echo "$target"
    exit 0
fi

need tar
apt_start deb-src
cd "$work/get"
if ! apt_private apt-get source --download-only "mesa=$version" >"$work/log" 2>&1; then
    newest=$(apt_private apt-cache showsrc mesa | sed -n 's/^Version: //p' | grep "^$series\." | sort -V | tail -n 1)
    [ -n "$newest" ] || { cat "$work/log" >&2; fail "the mirrors have no mesa of the series $series"; }
    say "WARNING: mesa $version is gone from the mirrors; taking $newest instead"
    apt_private apt-get source --download-only "mesa=$newest" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; fail "mesa $newest cannot be fetched"; }
fi

tarball=$(ls mesa_*.orig.tar.*z)
got=$(sha256sum "$tarball" | cut -d' ' -f1)
case $tarball in
mesa_"$upstream".orig.*)
    [ "$got" = "$sha256" ] || fail "$tarball has sha256 $got, not the pinned $sha256" ;;
*)
    say "WARNING: $tarball (sha256 $got) is not the pinned $upstream; apt's signature is all that vouches for it"
    target=$opponents/isl-$(echo "$tarball" | sed 's/^mesa_//; s/\.orig\..*//') ;;
esac

rm -rf "$target"
mkdir -p "$target"
for file in $files; do
    tar -xf "$tarball" -C "$target" --wildcards --strip-components=4 "*/src/intel/isl/$file"
done
touch "$target/complete"
echo "$target"
