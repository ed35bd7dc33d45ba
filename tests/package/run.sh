#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh ROOT FOLDER: the package in FOLDER (below this one), in a clean copy of that root: installed by apt, then its
# life under systemd. FOLDER/log tells all of it.
set -euo pipefail
root=$1
folder=$2
package=$(echo "$folder"/vidriera_*.deb)

ffmpeg -v error -f lavfi -i testsrc2=size=320x240:rate=25:duration=2 -f lavfi -i sine=duration=2 -c:v libx264 \
    -preset ultrafast -c:a aac "$folder/session.mp4"

# A later version, whose configuration file is another one.
dpkg-deb -R "$package" "$folder/tree"
sed -i 's/^Version: .*/&+later/' "$folder/tree/DEBIAN/control"
echo '# of the later version' >>"$folder/tree/etc/vidriera/vidriera.conf"
dpkg-deb -b "$folder/tree" "$folder/later.deb" >/dev/null

say() {
    tail -n 60 "$folder/log" >&2
    echo "run.sh: $1; all of it is in $folder/log" >&2
    exit 1
}

apt() {
    tests/package/clean.sh "$root" "$folder/scratch" tests/root.sh "$folder" env DEBIAN_FRONTEND=noninteractive apt-get "$@" \
        </dev/null >>"$folder/log" 2>&1
}

{ apt update -qq && apt install -y --no-install-recommends "./$package"; } || say "it cannot be installed"
timeout -k 10 1200 tests/package/clean.sh "$root" "$folder/scratch" tests/package/boot.sh "$folder" \
    /bin/bash tests/package/life.sh "$folder" "$package" </dev/null >>"$folder/log" 2>&1 ||
    say "its life is not as it should be"
grep '^life: ' "$folder/log"
rm -rf "$folder/scratch" "$folder/tree"
