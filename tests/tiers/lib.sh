# What every tier shares: running a check, counting what it ran, getting the tools it needs.
# A tier sources this, and calls `check` and `check_tests`; `./test` adds the results up.
# shellcheck shell=bash
set -euo pipefail

: "${XENGT_RUN:?run ./test, not the tiers}" # this run's directory: results, one log per check
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export XENGT_TARGET=${CARGO_TARGET_DIR:-$PWD/target} # for the fuzz crate, which else has its own
tier=$(basename "$0" .sh)
tools=${XDG_CACHE_HOME:-$HOME/.cache}/xengt/tools
# No backtraces: a failed test's message should be among the last lines of its log.
export PATH="$tools/bin:$PATH" RUST_BACKTRACE=0 CARGO_TERM_COLOR=never NEXTEST_NO_INPUT_HANDLER=1 GIT_TERMINAL_PROMPT=0
export XENGT_CASES_LOG="$XENGT_RUN/cases"

say() { printf '%s\n' "$*"; }

# One line per check: tier, name, seconds, passed, failed, skipped.
record() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$tier" "$@" >>"$XENGT_RUN/results"; }

skip() { # NAME REASON
    say "SKIP $1: $2"
    record "$1" 0 0 0 1
}

fail() { # NAME REASON
    say "FAIL $1: $2"
    record "$1" 0 0 1 0
}

# What can be had, but is not here: a user without a network goes on, the gate does not.
lacking() { # NAME REASON
    if [ -n "${XENGT_GATE-}" ]; then fail "$@"; else skip "$@"; fi
}

# Runs a command with its output in a log; sets `status`, `seconds` and `log`.
run() { # NAME COMMAND...
    local start=$SECONDS
    log=$XENGT_RUN/$tier-${1//[^a-zA-Z0-9._-]/_}.log
    shift
    # Not `"$@" || ...`: that would switch off `set -e` inside a function that is run.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    seconds=$((SECONDS - start))
}

show_log() {
    say "     --- the last lines of $log"
    tail -n 40 "$log" | sed 's/^/     /'
}

# A check that passes or fails as a whole. Its last output line starting with "summary:" is shown beside it.
check() { # NAME COMMAND...
    run "$@"
    local note
    note=$(sed -n 's/^summary: //p' "$log" | tail -n 1)
    if [ "$status" = 0 ]; then
        say "ok   $1 ($seconds s)${note:+: $note}"
        record "$1" "$seconds" 1 0 0
    else
        say "FAIL $1 ($seconds s)"
        show_log
        record "$1" "$seconds" 0 1 0
    fi
}

# A check whose command runs tests, each of which counts. A test that cannot do its work here prints
# "SKIP what: reason" and returns; it is counted as skipped, not as passed.
check_tests() { # NAME COMMAND...
    local passed failed skipped cases_before
    cases_before=$(wc -l <"$XENGT_CASES_LOG")
    run "$@"
    read -r passed failed skipped < <(count_tests "$log")
    # A build that breaks, or a filter that matches nothing, must not look like success.
    if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    if [ "$status" = 0 ] && [ $((passed + skipped)) = 0 ]; then failed=1; fi
    if [ "$failed" = 0 ]; then
        say "ok   $1 ($seconds s): $passed tests"
    else
        say "FAIL $1 ($seconds s): $passed passed, $failed failed"
        show_log
    fi
    # A property that skips itself still counts its empty cases: count none of a check that skipped.
    if [ "$skipped" != 0 ]; then
        head -n "$cases_before" "$XENGT_CASES_LOG" >"$log.cases"
        mv "$log.cases" "$XENGT_CASES_LOG"
    fi
    sed -n 's/^ *\(SKIP [A-Za-z0-9_.-]*: .*\)/\1/p' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\2 (tests: \1)/'
    record "$1" "$seconds" "$passed" "$failed" "$skipped"
    printf '%s\n' $((passed + failed)) >>"$XENGT_RUN/tests"
}

# Reads the summaries that cargo-nextest and cargo test print: passed, failed, skipped.
count_tests() { # LOG
    awk '
        function before(word,    i) {
            for (i = 2; i <= NF; i++) if ($i ~ "^" word "[,;]?$" && $(i - 1) ~ /^[0-9]+$/) return $(i - 1)
            return 0
        }
        /^ *Summary \[/ { passed += before("passed"); failed += before("failed") + before("timed"); skipped += before("skipped") }
        /^test result: / { passed += before("passed"); failed += before("failed"); skipped += before("ignored") }
        /^ *SKIP [A-Za-z0-9_.-]+: / { skipped++; undone++ }
        END { print passed - undone + 0, failed + 0, skipped + 0 }' "$1"
}

# cargo-nextest where there is one (a process per test, and a limit on its time), else cargo test.
run_tests() { # CARGO-TEST-ARGUMENTS...
    if command -v cargo-nextest >/dev/null; then
        cargo nextest run --no-fail-fast --success-output immediate "$@"
    else
        cargo test --no-fail-fast "$@" -- --nocapture
    fi
}

# The [[test]] targets of xengt-tests, in the manifest's order.
test_targets() { awk '/^\[/ { in_test = $0 == "[[test]]" } in_test && $1 == "name" { gsub(/"/, "", $3); print $3 }' tests/Cargo.toml; }

# Only one run at a time installs; the others wait and find it done.
locked() { # COMMAND...
    mkdir -p "$tools"
    (
        flock 9
        "$@"
    ) 9>"$tools/.lock"
}

# Debian packages, by the program or file that shows they are there. Root installs them, others are told.
apt_install() { # PACKAGES...
    if [ "$(id -u)" != 0 ]; then
        say "missing: $*. As root: apt-get install $*"
        return 1
    fi
    say "installing with apt: $*"
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e "$XENGT_RUN/apt-updated" ]; then
        apt-get -q -o DPkg::Lock::Timeout=600 update
        touch "$XENGT_RUN/apt-updated"
    fi
    apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@"
}

# Those of the packages that are not installed, a line each.
missing_packages() { # PACKAGES...
    local package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s\n' "$package"
    done
}

# A cargo tool of exactly this version, in a directory of our own: the machine's are left alone.
cargo_tool() { # CRATE VERSION PACKAGES-IT-IS-BUILT-WITH...
    local crate=$1 version=$2
    shift 2
    if has_cargo_tool "$crate" "$version"; then return; fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} != 0 ]; then apt_install "${missing[@]}"; fi
    say "building $crate $version into $tools"
    # Tools need not be optimised across crates: that doubles the time of a cold run.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR="$tools/build" \
        cargo install --quiet --locked --root "$tools" "$crate@$version"
}

has_cargo_tool() { grep -qE "^\"$1 ${2//./\\.}[ +]" "$tools/.crates.toml" 2>/dev/null; }
