# What crosses crates: properties, and our answers against other implementations'.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

for target in $(test_targets); do
    case $target in
    cli | capi | compile_fail) ;; # tiers of their own
    *) check_tests "$target" run_tests --package xengt-tests --test "$target" ;;
    esac
done
