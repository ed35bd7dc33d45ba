#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# boot.sh ROOT BUILD COMMAND...: systemd as the first process of that root, with processes, network and control groups
# of its own; it starts the command, whose words go to BUILD/log, and ends with its status.
set -euo pipefail
if [ "${VD_BOOT-}" != inside ]; then
    # A control group that the others are beneath, whatever this machine's hierarchy is.
    groups=$(mktemp -d)
    mount -t cgroup2 cgroup2 "$groups"
    group=$groups/vidriera-test-$$
    mkdir "$group"
    echo $$ >"$group/cgroup.procs"
    status=0
    VD_BOOT=inside unshare --mount --pid --fork --kill-child --cgroup --net --uts --ipc "$0" "$@" || status=$?
    echo $$ >"$groups/cgroup.procs"
    find "$group" -depth -type d -exec rmdir {} + || true
    umount "$groups"
    rmdir "$groups"
    exit $status
fi

root=$1
build=$2
shift 2
mount --rbind "$root" "$root"
for folder in dev run tmp; do
    mount -t tmpfs -o mode=755 tmpfs "$root/$folder"
done
chmod 1777 "$root/tmp"
mkdir -p "$root$PWD" # which may be beneath /tmp
mount --bind . "$root$PWD"
mount --bind "$build" "$root$PWD/$build"
mount -o remount,bind,ro "$root$PWD"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for node in null zero full random urandom tty; do
    cp -a "/dev/$node" "$root/dev/"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

mkdir -p "$root/run/systemd/system"
cat >"$root/run/systemd/system/test.service" <<END
[Unit]
SuccessAction=exit
FailureAction=exit

[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory=$PWD
StandardOutput=append:$PWD/$build/log
StandardError=inherit
ExecStart=$*
END

cd "$root"
pivot_root . .
umount -l .
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test /lib/systemd/systemd --unit=test.service --show-status=no
