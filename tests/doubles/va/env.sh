# SPDX-License-Identifier: GPL-3.0-or-later
# . tests/doubles/va/env.sh BUILD_FOLDER: what runs from this shell then has the VA driver double, for any path that it
# takes for a render node ("vaapi:/dev/null"). VD_DOUBLE_LOG, VD_DOUBLE_FAIL and VD_DOUBLE_MAIN10: see README.md.
# shellcheck shell=sh
vd_doubles=$(cd "${1:-build}" && pwd)/tests/doubles/va
export LIBVA_DRIVER_NAME=vd_double
export LIBVA_DRIVERS_PATH="$vd_doubles"
export OPENCL_LAYERS="$vd_doubles/vd_double_layer.so" # unset it: no sharing, the way through host memory
export LD_PRELOAD="$vd_doubles/vd_double_display.so"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0"
