#!/bin/sh
# Loads i915 and all that it needs: load-i915 [OPTION...]
while read -r module; do
    file=/lib/modules/$(uname -r)/$module.ko
    case $module in
    i915) insmod "$file" "$@" ;;
    *) insmod "$file" ;;
    esac || exit
done </lab/i915-modules
