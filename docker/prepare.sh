#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# In a container, before the services start, as root with CAP_CHOWN alone: gives them a data folder that Docker has just
# made (root's, and empty; any other stays as it is), and makes the token of the page, once. An empty one of root's where
# there was another before is a disk that is not mounted: orders would be for files that are not there.
# $1: UID:GID of the services; $2: the token's file.
set -eu
data=${VIDRIERA_DATA:-/data}
known=${2%/*}/data-was-here
umask 027
if [ "$(stat -c %u "$data")" = 0 ] && [ -z "$(ls -A "$data")" ]; then
    if [ -e "$known" ]; then
        echo "the data folder is empty, and was not: is its disk mounted? To begin anew: docker compose down -v" >&2
        exit 1
    fi
    mkdir "$data/recordings"
    chmod 750 "$data"
    chown "$1" "$data/recordings" "$data" ||
        echo "the data folder cannot be given to $1; the worker's log has the command that mends it" >&2
fi
: >"$known"
umask 077
if [ ! -s "$2" ]; then
    od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$2.new"
    echo >>"$2.new"
    mv "$2.new" "$2"
fi
chown "$1" "$2"
