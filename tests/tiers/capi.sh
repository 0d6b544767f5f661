# The C ABI: the header as generated, the library as installed, a C program that uses all of it under valgrind.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

check_tests c-abi run_tests --package xengt-tests --test capi
