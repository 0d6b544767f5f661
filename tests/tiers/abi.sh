# The ABI of Xen and Linux that libxengt-sys declares, against the installed headers.
# shellcheck shell=bash source=tests/tiers/lib.sh
. "$(dirname "$0")/lib.sh"

# ctest compiles C that measures every item, and compares.
headers() {
    CARGO_TARGET_DIR=$XENGT_TARGET/header-check cargo run --quiet --locked \
        --manifest-path tests/header-check/Cargo.toml | tee "$XENGT_RUN/abi-headers"
    say "summary: $(sed -n 's/^PASSED \([0-9]*\) tests$/\1 items/p' "$XENGT_RUN/abi-headers"), Xen $(dpkg-query -W -f '${Version}' libxen-dev)"
    grep -q '^PASSED [1-9]' "$XENGT_RUN/abi-headers"
}

for header in /usr/include/xen/hvm/dm_op.h:libxen-dev /usr/include/xen/privcmd.h:linux-libc-dev; do
    if [ ! -e "${header%:*}" ] && ! locked apt_install "${header#*:}"; then
        lacking headers "no ${header%:*}: apt-get install ${header#*:}"
        exit 0
    fi
done
check headers headers
