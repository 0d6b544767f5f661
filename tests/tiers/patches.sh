# The linter of the patch series: each applies to its bases, and its messages have their tags.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

series=$(git ls-files -- '*-patches/series' '*-patches/*/series')
if [ -z "$series" ]; then
    skip patches "no series in this tree yet"
else
    fail patches "there is a series but no linter for it: $series"
fi
