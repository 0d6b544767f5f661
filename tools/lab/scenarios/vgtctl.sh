# vgtctl tells the truth about a dom0 that has no GPU and no xengt.
# shellcheck shell=sh
step doctor vgtctl doctor
step doctor-json vgtctl doctor --json
step host vgtctl host
step list vgtctl list
step version vgtctl --version
