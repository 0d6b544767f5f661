#!/usr/bin/env bash
# A kernel series on its base: that it applies with no fuzz, and what the kernel's own checker says of each patch.
#
# usage: lint-kernel.sh DIRECTORY SOURCE
#
# SOURCE is the kernel that DIRECTORY is named after: its directory, or the file that its authors made, of which only what
# is needed is unpacked, and kept for the next time.
set -euo pipefail

dir=$(cd "${1:?usage: lint-kernel.sh DIRECTORY SOURCE}" && pwd)
tree=${2:?usage: lint-kernel.sh DIRECTORY SOURCE}
version=$(basename "$dir")

mapfile -t patches < <(grep -vE '^(#|$)' "$dir/series")
# What the patches change or remove must be in the base. What they add is not: those hunks start with /dev/null.
mapfile -t files < <(cd "$dir" && sed -n 's|^--- a/\([^\t]*\).*|\1|p' "${patches[@]}" | sort -u)
tools=(scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -f "$tree" ]; then
    tarball=$tree
    # All of a driver's directory, so that the next change of the series finds its files there.
    mapfile -t members < <(printf '*/%s\n' "${tools[@]}" "${files[@]%/*}" | sort -u)
    kept=${XDG_CACHE_HOME:-$HOME/.cache}/xengt/lab/kernel-lint
    tree=$kept/$(basename "$tarball" .tar.xz)-$(printf '%s\n' "${members[@]}" | sha256sum | cut -c1-16)
    if [ ! -d "$tree" ]; then
        mkdir -p "$kept" "$work/tree"
        # A file that an earlier patch of the series adds is not there: tar says so, and the patch would not apply.
        tar -xf "$tarball" -C "$work/tree" --strip-components=1 --wildcards "${members[@]}" 2>"$work/missing" || true
        [ -f "$work/tree/scripts/checkpatch.pl" ] || { cat "$work/missing"; exit 1; }
        mv -T "$work/tree" "$tree" 2>/dev/null || [ -d "$tree" ]
    fi
fi
if [ ! -f "$tree/scripts/checkpatch.pl" ]; then
    echo "$tree is no source of Linux: it has no scripts/checkpatch.pl"
    exit 1
fi

mkdir "$work/base"
for file in "${files[@]}"; do
    if [ -f "$tree/$file" ]; then
        install -D -m 644 "$tree/$file" "$work/base/$file"
    fi
done

bad=0
wrong() { # FILE WHAT
    printf '%s: %s\n' "$1" "$2"
    bad=1
}

# A patch is applied on top of those before it, as its reader would have it.
for patch in "${patches[@]}"; do
    if ! patch -d "$work/base" -p1 --fuzz=0 --batch --forward --no-backup-if-mismatch <"$dir/$patch" >"$work/said" 2>&1; then
        wrong "$patch" 'does not apply with no fuzz:'
        grep -vE '^patching file ' "$work/said" || true
        break
    fi
    # Whoever submits it signs it off; and MAINTAINERS has a pattern for all of GVT-g's files.
    if ! perl "$tree/scripts/checkpatch.pl" --strict --no-tree --no-signoff --ignore FILE_PATH_CHANGES \
        --quiet --no-summary "$dir/$patch" >"$work/said" 2>&1; then
        wrong "$patch" 'checkpatch.pl --strict says:'
        cat "$work/said"
    fi
done
echo "summary: ${#patches[@]} patches on Linux $version"
exit $bad
