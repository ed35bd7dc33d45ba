#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# root.sh ROOT BUILD COMMAND...: in a mount namespace of its own, the command in another root, where this folder is at
# the same path. Of it only BUILD can be written.
set -eu
root=$1
build=$2
shift 2

mkdir -p "$root$PWD"
mount --bind "$root" "$root"
mount --bind . "$root$PWD"
mount --bind "$build" "$root$PWD/$build"
mount -o remount,bind,ro "$root$PWD"
for folder in /proc /sys /dev; do
    mount --rbind "$folder" "$root$folder"
done
# Not chroot: in there nobody could make a namespace, as tests and slots do.
here=$PWD
cd "$root"
pivot_root . .
umount -l .
exec env --unset=TMPDIR --chdir="$here" "$@"
