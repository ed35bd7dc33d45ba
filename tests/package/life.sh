#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# life.sh FOLDER PACKAGE: in a system that is up, with the package installed: what an operator does, to the purge. It
# names what it sees, and ends with the first thing that is not so.
set -Eeuo pipefail
folder=$1
package=$2
data=/var/lib/vidriera
units=(vidriera vidriera-worker vidriera-watch)

failed() {
    echo "life: FAILED: line $1"
    systemctl --no-pager --full status "${units[@]}" || true
    journalctl --no-pager -n 60 || true
    ls -lAR $data || true
}
trap 'failed $LINENO' ERR

see() {
    echo "life: $*"
}

# await SECONDS COMMAND...: until it succeeds
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ]
        sleep 0.1
    done
}

not() {
    if "$@"; then
        return 1
    fi
}

shows() { # shows UNIT PROPERTY VALUE
    [ "$(systemctl show -P "$2" "$1")" = "$3" ]
}

is_active() {
    systemctl -q is-active "$1"
}

is_fed() {
    [ "$(systemctl show -P WatchdogTimestampMonotonic vidriera)" != "$fed" ]
}

processed() { # processed NAME
    [ -e "$data/processed/$1.json" ] && [ -e "$data/archived/$1" ] && [ ! -e "$data/recordings/$1" ]
}

version=$(dpkg-query -W -f '${Version}' vidriera)
vidriera --version | head -n 1 | grep -qx "vidriera ${version%%-*}"
vidriera config --check
see "installed, $(vidriera --version | sed -n 's/^ *FFmpeg */FFmpeg /p')"
for path in /usr/share/man/man1/vidriera.1.gz /usr/share/man/man5/vidriera.conf.5.gz /usr/share/vidriera/finalize.sh \
    /usr/share/bash-completion/completions/vidriera /usr/share/vidriera/schemas/vidriera.job.v1.json \
    /usr/share/doc/vidriera/changelog.gz /usr/share/doc/vidriera/copyright; do
    dpkg-query -L vidriera | grep -qx $path
done
id -nG vidriera | grep -w render | grep -qw video

for unit in "${units[@]}"; do
    [ "$(systemctl is-enabled "$unit" || true)" = disabled ]
    shows "$unit" ActiveState inactive
    systemd-analyze verify --man=no "/usr/lib/systemd/system/$unit.service"
    systemd-analyze security --offline=true --threshold=19 --no-pager "$unit.service" >/tmp/security ||
        { cat /tmp/security && false; }
    see "$unit: $(sed -n 's/.*Overall exposure level.*: \([0-9.]*\).*/exposure \1/p' /tmp/security)"
done

systemctl start vidriera
is_active vidriera
see "started: $(systemctl show -P StatusText vidriera)"
vidriera health
await 60 vidriera health --ready
cp "$folder/session.mp4" $data/recordings/
await 120 processed session.mp4
grep -q '"status": *"completed"' $data/processed/session.mp4.json
[ "$(stat -c %U:%G:%a $data/processed/session.mp4)" = vidriera:vidriera:640 ]
see "a recording is processed: $(grep -h '"frames"' $data/processed/session.mp4.json | xargs)"
# Media processes could lock themselves in.
not grep 'sandbox: no' <(journalctl --no-pager -u vidriera)

# The event loop feeds the watchdog; one that hangs is started anew.
mkdir -p /run/systemd/system/vidriera.service.d
printf '[Service]\nWatchdogSec=15\nTimeoutAbortSec=15\nRestartSec=1\n' >/run/systemd/system/vidriera.service.d/test.conf
systemctl daemon-reload
systemctl restart vidriera
main=$(systemctl show -P MainPID vidriera)
fed=$(systemctl show -P WatchdogTimestampMonotonic vidriera)
await 60 is_fed
shows vidriera NRestarts 0
kill -STOP "$main"
await 120 shows vidriera NRestarts 1
await 60 is_active vidriera
[ "$(systemctl show -P MainPID vidriera)" != "$main" ]
see "the watchdog restarts what hangs"
rm -r /run/systemd/system/vidriera.service.d
systemctl daemon-reload

systemctl reload vidriera
systemctl stop vidriera
shows vidriera ActiveState inactive
shows vidriera Result success
see "stopped"

# What a restart does not mend is not started again.
not systemctl start vidriera-worker
await 60 shows vidriera-worker ActiveState failed
shows vidriera-worker ExecMainStatus 78
shows vidriera-worker NRestarts 0
systemctl reset-failed vidriera-worker
see "a worker without a broker is refused, and not restarted"

# Both on one machine, with a page each.
echo 'kafka { bootstrap.servers = "127.0.0.1:1" }' >>/etc/vidriera/vidriera.conf
systemctl start vidriera-worker vidriera-watch
vidriera health
VIDRIERA_HTTP_LISTEN=127.0.0.1:8871 vidriera health
systemctl start vidriera
is_active vidriera
not is_active vidriera-worker
not is_active vidriera-watch
see "worker and watch run side by side, and give way to the whole appliance"

# Upgrades: the configuration that was changed stays, what runs is restarted, what is enabled stays so.
systemctl -q enable vidriera
main=$(systemctl show -P MainPID vidriera)
dpkg -i "$package"
dpkg --force-confold -i "$folder/later.deb"
[ "$(dpkg-query -W -f '${Version}' vidriera)" = "$version+later" ]
grep -q 127.0.0.1:1 /etc/vidriera/vidriera.conf
[ -e /etc/vidriera/vidriera.conf.dpkg-dist ]
is_active vidriera
[ "$(systemctl show -P MainPID vidriera)" != "$main" ]
systemctl -q is-enabled vidriera
cp "$folder/session.mp4" $data/recordings/second.mp4
await 120 processed second.mp4
see "upgraded: the changed configuration is kept, and the service restarted"

# What an operator changed stays, whatever starts.
chown daemon $data/recordings
systemd-tmpfiles --create vidriera.conf
[ "$(stat -c %U $data/recordings)" = daemon ]

dpkg -r vidriera
[ ! -e /usr/bin/vidriera ]
not grep -x vidriera /proc/[0-9]*/comm
[ -e /etc/vidriera/vidriera.conf ]
[ -e $data/.vidriera ]
see "removed: the service has ended, configuration and state stay"

dpkg -P vidriera
[ ! -e /etc/vidriera ]
[ ! -e /var/cache/vidriera ]
[ ! -e $data/.vidriera ]
[ -z "$(systemctl list-unit-files --no-legend 'vidriera*' || true)" ]
[ "$(find $data -type f -printf '%P\n' | sort | xargs)" = "archived/second.mp4 archived/session.mp4 \
processed/second.mp4 processed/second.mp4.json processed/session.mp4 processed/session.mp4.json" ]
see "purged: nothing of ours is left, and every recording"

dpkg -i "$package"
rm -r $data/processed/* $data/archived/*
dpkg -P vidriera
[ ! -e $data ]
mkdir /srv/recordings
dpkg -i "$package"
rmdir $data/recordings
ln -s /srv/recordings $data/recordings
dpkg -P vidriera
[ -d /srv/recordings ]
see "purged without recordings: no folder is left"
