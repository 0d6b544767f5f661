# The linter of the patch series: each applies to its bases, and its messages have their tags.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

for series in $(git ls-files -- '*-patches/series' '*-patches/*/series'); do
    check "form-$(dirname "$series")" tests/patches/lint-form.sh "$(dirname "$series")"
done
