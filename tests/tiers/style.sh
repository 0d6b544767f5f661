# Form: formatting, lints, spelling, file lengths, and where `unsafe` may stand.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

formatting() {
    cargo fmt --all --check
    cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
    cargo fmt --manifest-path tests/header-check/Cargo.toml --check
}

fuzz_clippy() {
    CARGO_TARGET_DIR=$XENGT_TARGET \
        cargo clippy --quiet --manifest-path tests/fuzz/Cargo.toml --all-targets -- -D warnings
}

# Long files hide things: none over 900 lines, and half of the Rust files under 180.
file_lengths() {
    git ls-files -z -- '*.rs' '*.sh' '*.c' '*.h' test ':!:include' | xargs -0 wc -l | awk '
        $2 == "total" { next }
        $1 > 900 { print $2 " has " $1 " lines: split it (the limit is 900)"; long = 1 }
        END { exit long }'
    git ls-files -z -- '*.rs' ':!:tests/compile_fail/cases' | xargs -0 wc -l | awk '$2 != "total" { print $1 }' | sort -n | awk '
        { lines[NR] = $1 }
        END { median = lines[int((NR + 1) / 2)]
              print "summary: " NR " Rust files, median " median " lines, longest " lines[NR]
              if (median >= 180) { print "half of the files have 180 lines or more: split some"; exit 1 } }'
}

# The three edges of the library, the code of others that tests compare with, and what speaks C.
unsafe_edges='^(libxengt/src/(bar|capi|xen)(/|\.rs)|tests/opponents/|tests/capi/|tests/fuzz/src/capi\.rs)'

unsafe_stays_at_the_edges() {
    local found
    found=$(git grep -nwE 'unsafe' -- '*.rs' | grep -vE "$unsafe_edges" | grep -vE '^[^:]+:[0-9]+: *//' || true)
    if [ -n "$found" ]; then
        say "unsafe outside the named edges:"
        say "$found"
        return 1
    fi
}

pure_modules_forbid_unsafe() {
    local file bad=0
    for file in libxengt/src/*.rs libxengt/src/*/mod.rs; do
        case $file in */lib.rs | */bar.rs | */bar/mod.rs | */capi.rs | */capi/mod.rs | */xen.rs | */xen/mod.rs) continue ;; esac
        if ! grep -q '^#!\[forbid(unsafe_code)\]' "$file"; then
            say "$file lacks #![forbid(unsafe_code)]"
            bad=1
        fi
    done
    return $bad
}

# The counts that ./test prints are of cases that ran: proptest must be asked to count them.
properties_are_counted() {
    local file bad=0 blocks counted
    for file in $(git grep -lE '^\s*proptest! *\{' -- '*.rs'); do
        blocks=$(grep -cE '^\s*proptest! *\{' "$file")
        counted=$(grep -cE 'proptest_config\(xengt_tests::cases\(' "$file" || true)
        if [ "$blocks" != "$counted" ]; then
            say "$file: $blocks proptest blocks, $counted with #![proptest_config(xengt_tests::cases(N))]"
            bad=1
        fi
    done
    return $bad
}

shell_scripts() { git ls-files -z -- test .ci/run "*.sh" | xargs -0 shellcheck --external-sources; }

check rustfmt formatting
check clippy cargo clippy --quiet --workspace --all-targets -- -D warnings
check clippy-fuzz fuzz_clippy
if command -v typos >/dev/null; then check typos typos --config typos.toml; else fail typos "not installed: ./test setup"; fi
check file-lengths file_lengths
check unsafe-edges unsafe_stays_at_the_edges
check forbid-unsafe pure_modules_forbid_unsafe
check counted-properties properties_are_counted
if command -v shellcheck >/dev/null; then check shellcheck shell_scripts; else lacking shellcheck "not installed: ./test setup, as root"; fi
