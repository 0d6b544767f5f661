# The toolstack works in dom0.
# shellcheck shell=sh
step xl-list xl list
step xl-info xl info
step store xenstore-read /local/domain/0/name
