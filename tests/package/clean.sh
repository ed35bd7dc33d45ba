#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# clean.sh ROOT SCRATCH SCRIPT ARGS...: in a mount namespace of its own, the script with SCRATCH/root before its
# arguments, which is ROOT without what it changes there: that is kept in SCRATCH.
set -eu
lower=$1
scratch=$2
shift 2
if [ "${VD_CLEAN-}" != inside ]; then
    mkdir -p "$scratch/changes" "$scratch/work" "$scratch/root"
    export VD_CLEAN=inside
    exec unshare --mount "$0" "$lower" "$scratch" "$@"
fi
unset VD_CLEAN
mount -t overlay -o "lowerdir=$lower,upperdir=$scratch/changes,workdir=$scratch/work" overlay "$scratch/root"
script=$1
shift
exec "$script" "$scratch/root" "$@"
