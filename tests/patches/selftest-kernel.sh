#!/usr/bin/env bash
# The linter of kernel series against broken ones: each must be refused, and for its own reason. A small source, and a
# checker that knows one rule, stand in Linux's place.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0 passed=0
patch=0001-numbers-spell-three-in-capitals.patch

export XDG_CACHE_HOME=$scratch/cache
source=$scratch/linux-6.12
good=$scratch/good/kernel-patches/6.12
mkdir -p "$source/scripts" "$good"
printf 'zero\none\ntwo\nthree\nfour\nfive\nsix\n' >"$source/numbers.c"
cat >"$source/scripts/checkpatch.pl" <<'END'
my $bad = 0;
while (<>) {
    next if !/^\+ +\S/;
    print "ERROR: code indent should use tabs\n";
    $bad = 1;
}
exit $bad;
END
echo "$patch" >"$good/series"
cat >"$good/$patch" <<END
From: Somebody <somebody@example.org>
Subject: [PATCH] numbers: spell three in capitals
Base: 6.12
Upstream: not submitted

It is the number in the middle,
and one looks for it there.
---
 numbers.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/numbers.c b/numbers.c
--- a/numbers.c
+++ b/numbers.c
@@ -1,7 +1,7 @@
 zero
 one
 two
-three
+$(printf '\t')THREE
 four
 five
 six
END

verdict() { # NAME WORDS, of which none means that it must be accepted
    local status=0 said
    said=$("$here/lint-form.sh" "$scratch/$1" 2>&1 && "$here/lint-kernel.sh" "$scratch/$1" "$source" 2>&1) || status=$?
    if [ -z "$2" ] && [ "$status" = 0 ]; then
        printf 'ok   %s is accepted\n' "$1"
        passed=$((passed + 1))
    elif [ -n "$2" ] && [ "$status" != 0 ] && [[ $said == *"$2"* ]]; then
        printf 'ok   %s\n' "$2"
        passed=$((passed + 1))
    else
        printf 'FAIL %s, expected "%s": exit code %d, and it says: %s\n' "$1" "$2" "$status" "$said"
        failed=$((failed + 1))
    fi
}

refused() { # WORDS COMMAND...
    local words=$1
    shift
    rm -rf "$scratch/bad"
    cp -r "$scratch/good" "$scratch/bad"
    (cd "$scratch/bad/kernel-patches/6.12" && "$@")
    verdict "bad/kernel-patches/6.12" "$words"
}
edit() { sed -i "$1" "$patch"; }
twice() { cp "$patch" 0002-numbers-again.patch && echo 0002-numbers-again.patch >>series; }

verdict good/kernel-patches/6.12 ''
refused 'does not apply with no fuzz' edit 's/^ zero$/ naught/'
refused 'does not apply with no fuzz' edit 's/^-three$/-trhee/'
refused '0002-numbers-again.patch: does not apply' twice
refused 'code indent should use tabs' edit 's/^+\tTHREE/+    THREE/'

# The same as the file that its authors made, first unpacked and then found.
tar -cJf "$scratch/linux.tar.xz" -C "$scratch" linux-6.12
rm -r "$source"
source=$scratch/linux.tar.xz
verdict good/kernel-patches/6.12 ''
refused 'code indent should use tabs' edit 's/^+\tTHREE/+    THREE/'
source=$scratch/good
verdict good/kernel-patches/6.12 'is no source of Linux'

printf 'summary: %d verdicts\n' "$passed"
[ "$failed" = 0 ]
