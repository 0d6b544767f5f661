# i915 and GVT-g on the GPU model, in a dom0.
# shellcheck shell=sh
# shellcheck source=tools/lab/image/gpu.sh
. /lab/gpu.sh
# For its record of a hang i915 reads the hung pages through the aperture, which takes minutes in dom0.
gpu_up enable_gvt=1 error_capture=0
picture screen
tables
step exec i915-exec
step still-wedged cat /sys/kernel/debug/dri/0/i915_wedged
step complaints complaints
