# What `vgtctl doctor` finds wrong with a host, and its exit code: findings.sh ROOT
# shellcheck shell=sh
set -u
vgtctl --root "$1" doctor >"$1.findings"
code=$?
grep -A 1 -e '^FAIL' -e '^warn' "$1.findings" | grep -v -e '^--' -e '^ok' -e '^skip'
tail -n 1 "$1.findings"
exit "$code"
