# What the scripts that build Xen, QEMU and Linux have in common; they source it.
# shellcheck shell=bash
export LC_ALL=C
# A tree that is configured by its surroundings is not the one whose hash it is cached under.
unset CFLAGS CPPFLAGS LDFLAGS MAKEFLAGS KCFLAGS LOCALVERSION ARCH CROSS_COMPILE

# Tells of a step; the lab shows it.
note() { printf '== %s\n' "$*"; }

# Ends here if packages of the list beside the script are not installed: needs_packages WHAT
needs_packages() {
    local package missing=()
    while read -r package; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done <"$(dirname "$0")/build-depends"
    if [ ${#missing[@]} != 0 ]; then
        note "building $1 needs packages that are not installed: apt-get install ${missing[*]}" >&2
        exit 3
    fi
}

# Applies the patches of a directory, in the order of its file "series": apply_series PATCHES TREE
apply_series() {
    local patch
    while read -r patch; do
        case $patch in '' | '#'*) continue ;; esac
        note "patch $patch"
        patch --silent -d "$2" -p1 -F0 --no-backup-if-mismatch <"$1/$patch" >&2
    done <"$1/series"
}

# One that fails prints its last lines; all of a build is too much.
build() { # WHAT COMMAND...
    note "$1"
    shift
    # shellcheck disable=SC2154 # the script sets it
    if ! nice -n 5 "$@" >"$work/build.log" 2>&1 </dev/null; then
        tail -n 40 "$work/build.log" >&2
        exit 1
    fi
}
