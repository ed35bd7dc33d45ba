#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# In a container, before the services start, as root with CAP_CHOWN alone: gives them a data folder that Docker has just
# made (root's, and empty; any other stays as it is), and makes the token of the page, once.
# $1: UID:GID of the services; $2: the token's file.
set -eu
data=${VIDRIERA_DATA:-/data}
umask 077
if [ "$(stat -c %u "$data")" = 0 ] && [ -z "$(ls -A "$data")" ]; then
    chown "$1" "$data"
fi
if [ ! -s "$2" ]; then
    od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$2.new"
    echo >>"$2.new"
    mv "$2.new" "$2"
fi
chown "$1" "$2"
