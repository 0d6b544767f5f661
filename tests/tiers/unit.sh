# The crates' own tests and examples, and what must not compile.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

check_tests libxengt run_tests --package libxengt
check_tests vgtctl run_tests --package vgtctl
check_tests lab run_tests --package lab
check_tests igd-model run_tests --package igd-model
check_tests doctests cargo test --package libxengt --doc
check_tests compile-fail run_tests --package xengt-compile-fail
