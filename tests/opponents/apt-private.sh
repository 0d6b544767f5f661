# What the fetch scripts share: apt with lists and sources of its own, from the mirrors this system uses.
# The system's configuration and package lists are not touched, and root is not needed.
# A script sets `name` and sources this; it gets `$work`, removed at its end, `say`, `fail` and `apt_private`.
# shellcheck shell=sh

say() { echo "${name:?}: $*" >&2; }
fail() { say "error: $*"; exit 1; }

need() { # TOOL...
    for tool in apt-get apt-cache sha256sum "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is missing: this needs a Debian system"
    done
}

apt_private() {
    program=$1
    shift
    "$program" -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

apt_start() { # deb, for packages, or deb-src, for sources
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/get"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f "$keyring" ] && signed="[signed-by=$keyring] " || signed=
    apt-get indextargets --format "$1 $signed\$(REPO_URI) \$(RELEASE) main" 'Created-By: Packages' 'Origin: Debian' |
        sort -u >"$work/sources.list"
    [ -s "$work/sources.list" ] ||
        fail 'apt has no Debian mirror configured, or no lists of one yet: run apt-get update'
    apt_private apt-get update >"$work/log" 2>&1 || { cat "$work/log" >&2; fail 'apt-get update failed'; }
}
