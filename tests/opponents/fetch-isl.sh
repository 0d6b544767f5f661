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

say() { echo "fetch-isl: $*" >&2; }
fail() { say "error: $*"; exit 1; }

opponents=${XDG_CACHE_HOME:-$HOME/.cache}/xengt/opponents
target=$opponents/isl-$upstream
# The stamp is written last: a directory without it was left half made.
if [ -f "$target/complete" ]; then
    echo "$target"
    exit 0
fi

for tool in apt-get apt-cache tar sha256sum; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs a Debian system"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/get"
apt_private() {
    program=$1
    shift
    "$program" -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

# The system's own mirrors, asked for sources instead of packages.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] && signed="[signed-by=$keyring] " || signed=
apt-get indextargets --format "deb-src $signed\$(REPO_URI) \$(RELEASE) main" 'Created-By: Packages' 'Origin: Debian' |
    sort -u >"$work/sources.list"
[ -s "$work/sources.list" ] || fail 'apt has no Debian mirror configured, or no lists of one yet: run apt-get update'

apt_private apt-get update >"$work/log" 2>&1 || { cat "$work/log" >&2; fail 'apt-get update failed'; }
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
