#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# watched.sh OCLGRIND KERNEL_TEST: a few kernels on a device that looks at every access of every work-item: no two touch the
# same byte, and none one outside a buffer.
set -euo pipefail
log=$(mktemp)
said=$(mktemp)
trap 'rm -f "$log" "$said"' EXIT
"$1" --data-races --uniform-writes --check-api --log "$log" "$2" few | tee "$said"
grep -q '^device: Oclgrind' "$said" || {
    echo "the kernels ran on another device than Oclgrind's" >&2
    exit 1
}
[ ! -s "$log" ] || {
    cat "$log" >&2
    exit 1
}
