#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# crashing_icd.sh VIDRIERA LIBRARY: the only OpenCL driver here crashes when it is loaded. Demanded it costs the command and
# nothing else; auto goes without it; doctor tells. 77: nothing can be mounted here.
set -euo pipefail
vidriera=$1 library=$2
if [ -z "${VD_ALONE-}" ]; then
    mapped=()
    [ "$(id -u)" -eq 0 ] || mapped=(--map-root-user)
    unshare "${mapped[@]}" --mount mount -t tmpfs none /mnt || {
        [ "${CI-}" = true ] && exit 1
        exit 77
    }
    VD_ALONE=1 exec unshare "${mapped[@]}" --mount "$0" "$@"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$vidriera" "$library" "$folder/"
vidriera=$folder/${vidriera##*/} library=${library##*/}
mount -t tmpfs none /usr/local/lib # where a slot may read it
mount -t tmpfs none /etc/OpenCL/vendors
cp "$folder/$library" /usr/local/lib/
echo "/usr/local/lib/$library" >/etc/OpenCL/vendors/crashing.icd

ffmpeg -v error -f lavfi -i testsrc2=s=320x240:d=1 -pix_fmt yuv420p "$folder/in.mp4"
run() { # run DEVICE: its exit status
    "$vidriera" process "$folder/in.mp4" -o "$folder/$1.mp4" --device "$1" --cache "$folder/cache" --progress none \
        2>"$folder/said" && return 0 || return $?
}
fails() {
    echo "$1:" >&2
    cat "$folder/said" >&2
    exit 1
}

status=0
run opencl || status=$?
[ $status -eq 69 ] || fails "--device opencl ended with $status"
grep -q 'died of SIGABRT' "$folder/said" || fails "--device opencl does not say what happened"
[ ! -e "$folder/opencl.mp4" ] || fails "--device opencl left a file"
run auto || fails "--device auto failed"
[ -s "$folder/auto.mp4" ] || fails "--device auto made nothing"
"$vidriera" doctor --cache "$folder/cache" >"$folder/said" || fails "doctor failed"
grep -q 'a driver crashed (SIGABRT)' "$folder/said" || fails "doctor does not tell of the driver"
grep -q -- '--device auto takes cpu' "$folder/said" || fails "doctor found no device"
