# Every fuzz target: its seeds as plain tests, then a short run. `XENGT_FUZZ_SECONDS` makes the run longer.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

seconds_each=${XENGT_FUZZ_SECONDS:-8}

seeds() {
    CARGO_TARGET_DIR=$XENGT_TARGET cargo test --quiet --manifest-path tests/fuzz/Cargo.toml --lib --test seeds
}

build() { cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none; }

# New inputs and crashes go to this run's directory: the committed seeds stay as they are.
fuzz() { # TARGET
    local corpus=$XENGT_RUN/fuzz/$1
    mkdir -p "$corpus/new" "$corpus/crashes"
    # Targets that write files are bound by the disk otherwise.
    local scratch
    scratch=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "$corpus")")
    # shellcheck disable=SC2064 # the directory of now
    trap "rm -rf '$scratch'" EXIT
    TMPDIR=$scratch cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none "$1" "$corpus/new" "tests/fuzz/seeds/$1" -- \
        -max_total_time="$seconds_each" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$corpus/crashes/"
    local executions
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    if [ "${executions:-0}" -lt 1000 ]; then
        say "only ${executions:-no} executions: the target is too slow, or did not start"
        return 1
    fi
    say "$1 $executions" >>"$XENGT_RUN/fuzz-executions"
    say "summary: $executions executions"
}

if ! command -v cargo-fuzz >/dev/null; then
    fail cargo-fuzz "not installed: ./test setup"
    exit 0
fi
check_tests seeds seeds
check build build
for target in tests/fuzz/fuzz_targets/*.rs; do
    target=$(basename "$target" .rs)
    check "$target" fuzz "$target"
done
