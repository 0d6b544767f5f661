# Gets the tools that the later tiers use, and says what it installs.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

rust_is_new_enough() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have=$(rustc --version | cut -d ' ' -f 2)
    say "summary: rustc $have"
    [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] && return
    say "rustc $have is older than $wanted: get a newer one from https://rustup.rs"
    return 1
}

programs() { # What a Debian machine may lack: a program, and its package.
    local program package missing=()
    while read -r program package; do
        command -v "$program" >/dev/null || missing+=("$package")
    done <<'LIST'
gcc gcc
g++ g++
pkg-config pkg-config
valgrind valgrind
shellcheck shellcheck
strace strace
python3 python3
LIST
    if [ ${#missing[@]} = 0 ]; then return; fi
    say "summary: installed ${missing[*]}"
    apt_install "${missing[@]}"
}

# What Xen, QEMU and the lab's C programs are built with, beside a compiler.
build_packages() {
    local needed missing
    mapfile -t needed < <(sort -u tools/lab/{xen,qemu,kernel,image}/build-depends)
    mapfile -t missing < <(missing_packages "${needed[@]}")
    if [ ${#missing[@]} = 0 ]; then return; fi
    say "summary: installed ${missing[*]}"
    apt_install "${missing[@]}"
}

# The wheel holds the program itself, so nothing is compiled; the hash pins what is run.
typos() {
    if [ -x "$tools/bin/typos" ] && "$tools/bin/typos" --version | grep -q ' 1\.52\.0$'; then return; fi
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then apt_install python3-venv; fi
    say "summary: installed typos 1.52.0 from PyPI"
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
        --require-hashes -r tests/tiers/typos-requirements.txt
    mkdir -p "$tools/bin"
    ln -sf ../venv/bin/typos "$tools/bin/typos"
}

if ! command -v cargo >/dev/null; then
    fail rust "no cargo on PATH: get Rust from https://rustup.rs"
    exit 0
fi
check rust rust_is_new_enough
check programs locked programs
check build-packages locked build_packages
check typos locked typos
check cargo-fuzz locked cargo_tool cargo-fuzz 0.13.2
check cargo-deny locked cargo_tool cargo-deny 0.20.2
check cargo-c locked cargo_tool cargo-c 0.10.24 libssl-dev pkg-config
