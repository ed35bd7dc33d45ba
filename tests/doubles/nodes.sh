#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nodes.sh "NODE..." COMMAND...: runs it where /dev has the nodes of these devices (renderD128, nvidia0) and no others. Each is
# /dev/null by another name; a render node is of a GPU that sysfs knows. 77: nothing can be mounted here.
set -euo pipefail
if [ -z "${VD_NODES-}" ]; then
    mapped=()
    [ "$(id -u)" -eq 0 ] || mapped=(--map-root-user)
    unshare "${mapped[@]}" --mount mount -t tmpfs none /mnt || {
        echo "no mount namespace here: skipped" >&2
        [ "${CI-}" = true ] && exit 1
        exit 77
    }
    VD_NODES=$1 exec unshare "${mapped[@]}" --mount "$0" "${@:2}"
fi

dev=$(mktemp -d)
mount -t tmpfs none "$dev"
mkdir "$dev/dri" "$dev/shm"
ln -s /proc/self/fd "$dev/fd"
mount -t tmpfs none "$dev/shm"
for name in null zero random urandom; do
    touch "$dev/$name"
    mount --bind "/dev/$name" "$dev/$name"
done
mount -t tmpfs none /sys/dev/char
for name in $VD_NODES; do
    case $name in
    renderD*)
        device=/sys/dev/char/226:${name#renderD}/device
        mkdir -p "$device"
        echo 0x8086 >"$device/vendor"
        echo 0x56a0 >"$device/device"
        ln -s ../drivers/i915 "$device/driver"
        node=$dev/dri/$name
        ;;
    *) node=$dev/$name ;;
    esac
    touch "$node"
    mount --bind /dev/null "$node"
done
[ -n "$(ls "$dev/dri")" ] || rmdir "$dev/dri"
mount --rbind "$dev" /dev
umount --lazy "$dev"
rmdir "$dev"
exec "$@"
