# vgtctl's transcripts: what is typed, what is printed, and the exit code.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

check_tests transcripts run_tests --package xengt-tests --test cli
