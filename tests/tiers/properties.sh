# What crosses crates: properties, and our answers against other implementations'.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

# The code that ours is compared with is not in this tree. What cannot be fetched, its tests skip and say so.
for opponent in isl gvt; do
    run "fetch-$opponent" timeout -k 5 600 "tests/opponents/fetch-$opponent.sh"
    if [ "$status" = 0 ]; then
        export "XENGT_${opponent^^}_DIR=$(tail -n 1 "$log")"
    else
        say "$opponent cannot be fetched here: $(tail -n 1 "$log")"
    fi
done

for target in $(test_targets); do
    case $target in
    cli | capi) ;; # tiers of their own
    *) check_tests "$target" run_tests --package xengt-tests --test "$target" ;;
    esac
done
