#!/usr/bin/env bash
# The linters of patches against broken series: each must be refused, and for its own reason.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0 passed=0
patch=0001-numbers-spell-three-in-capitals.patch

# A small source, and a series for it in which nothing is wrong.
mkdir "$scratch/source" "$scratch/good"
printf 'one\ntwo\nthree\nfour\nfive\n' >"$scratch/source/numbers"
printf 'same\nsame\nsame\nsame\nsame\nsame\nsame\nsame\n' >"$scratch/source/sames"
cat >"$scratch/good/series" <<'END'
# A remark.
0001-numbers-spell-three-in-capitals.patch
END
cat >"$scratch/good/0001-numbers-spell-three-in-capitals.patch" <<'END'
From: Somebody <somebody@example.org>
Subject: [PATCH] numbers: spell three in capitals
Base: 4.17 4.20
Upstream: not submitted

It is the number in the middle,
and one looks for it there.
---
 numbers | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/numbers b/numbers
--- a/numbers
+++ b/numbers
@@ -1,5 +1,5 @@
 one
 two
-three
+THREE
 four
 five
END

lint() { # DIRECTORY
    "$here/lint-form.sh" "$1" && {
        rm -rf "$scratch/work"
        mkdir "$scratch/work"
        "$here/lint-apply.sh" "$1" "$scratch/source" "$scratch/work" --no-compile
    }
}

# A copy of the good series in which a command breaks something must be refused, with words that name it.
refused() { # WORDS COMMAND...
    local words=$1 said
    shift
    rm -rf "$scratch/bad"
    cp -r "$scratch/good" "$scratch/bad"
    (cd "$scratch/bad" && "$@")
    if said=$(lint "$scratch/bad" 2>&1); then
        printf 'FAIL %s: accepted\n' "$words"
        failed=$((failed + 1))
    elif [[ $said != *"$words"* ]]; then
        printf 'FAIL %s: refused, but it says: %s\n' "$words" "$said"
        failed=$((failed + 1))
    else
        printf 'ok   %s\n' "$words"
        passed=$((passed + 1))
    fi
}
append() { printf '%s\n' "$@" >>"$patch"; }
sames() { sed -i '/^--- a/,$d' "$patch" && append '--- a/sames' '+++ b/sames' '@@ -1,3 +1,3 @@' ' same' -same +other ' same'; }
edit() { sed -i "$1" "$patch"; }
entry() { printf '%s\n' "$1" >>series; }
stray() { cp "$patch" 0002-numbers-more.patch; }
reverse() { stray && printf '%s\n' 0002-numbers-more.patch "$patch" >series; }
rename() { mv "$patch" "$1" && printf '%s\n' "$1" >series; }

if lint "$scratch/good"; then
    printf 'ok   the good series is accepted\n'
    passed=$((passed + 1))
else
    printf 'FAIL the good series is refused\n'
    failed=$((failed + 1))
fi
refused 'there is no file "series"' rm series
refused 'names no patch' sed -i '/^0/d' series
refused 'which is not there' entry 0002-numbers-absent.patch
refused 'is not in series' stray
refused 'stands after number 2' reverse
refused 'is not NNNN-component-what.patch' rename numbers-three.patch
refused 'does not start with its component, numbers' rename 0001-letters-three.patch
for field in From Subject Base Upstream; do
    refused "lines \"$field:\" in its header" edit "/^$field: /d"
done
refused 'does not start with [PATCH]' edit 's/^Subject: \[PATCH\] /Subject: /'
refused 'Subject is not "component: what"' edit 's/^Subject: .*/Subject: [PATCH] spell it/'
refused 'characters, at most 72' edit "s/in capitals\$/in capitals $(printf 'x%.0s' {1..60})/"
refused 'Base is not a list of versions' edit 's/^Base: .*/Base: newest/'
refused 'does not say why' edit '/^It is the/d'
refused 'have more than 75 characters' edit "s/^It is/$(printf 'x%.0s' {1..80})/"
refused 'no line "---" after its message' edit '/^---$/d'
refused 'has a line Signed-off-by' edit '/^and one/a Signed-off-by: Somebody <somebody@example.org>'
refused 'white space at the end of' edit 's/^+THREE$/+THREE /'
refused 'a tab after a space in' edit 's/^+THREE$/+ \tTHREE/'
refused 'a carriage return in' edit 's/^+THREE$/+THREE\r/'
refused 'a conflict marker' edit 's/^+THREE$/+<<<<<<< THREE/'
refused 'no newline at its end' append '\ No newline at end of file'
refused 'expected once' edit 's/^ four$/ fuor/'
refused 'does not apply' edit 's/^-three$/-trhee/'
refused 'is 6 times in sames' sames

printf 'summary: %d broken series refused\n' "$((passed - 1))"
[ "$failed" = 0 ]
