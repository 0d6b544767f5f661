# i915 and GVT-g on the GPU model, with no Xen.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
gpu_up enable_gvt=1
picture screen
step exec i915-exec
step still-wedged cat /sys/kernel/debug/dri/0/i915_wedged
step complaints complaints
