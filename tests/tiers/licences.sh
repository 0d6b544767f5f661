# Licences, bans and sources of all crates, and the stricter rule for what the C ABI links.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

if ! command -v cargo-deny >/dev/null; then
    fail cargo-deny "not installed: ./test setup"
    exit 0
fi

workspace() { cargo deny --workspace check bans licenses sources; }
fuzz_workspace() { cargo deny --manifest-path tests/fuzz/Cargo.toml --config deny.toml check bans licenses sources; }
# QEMU is GPL-2.0 as a whole, so nothing that it links may be under Apache-2.0 alone.
c_abi() {
    cargo deny --manifest-path libxengt/Cargo.toml --exclude-dev --config libxengt/deny.toml check licenses
    cargo deny --manifest-path libxengt/Cargo.toml --exclude-dev --config libxengt/deny.toml list
}
database() { timeout -k 5 60 cargo deny fetch db; }
advisories() { cargo deny --workspace check --disable-fetch advisories; }

licence_texts() {
    local id
    for id in MIT Apache-2.0 GPL-2.0-only; do
        [ -s "LICENSES/$id.txt" ] || { say "LICENSES/$id.txt is missing"; return 1; }
    done
}

check licence-texts licence_texts
check workspace workspace
check fuzz-workspace fuzz_workspace
check c-abi-closure c_abi
run advisory-database database
if [ "$status" = 0 ]; then
    check advisories advisories
else
    skip advisories "the RustSec database cannot be fetched here (github.com/rustsec/advisory-db); log: $log"
fi
