#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Without a clang that compiles to PTX the build warns, as ./dev configures, and has none.
# without_clang.sh CMAKE GENERATOR SOURCES
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$1" -S "$3" -B "$folder" -G "$2" --log-level=WARNING -DVD_TESTS=OFF -DVD_CLANG=none >/dev/null 2>"$folder/said"
grep -q 'Without the cuda backend: no clang >= 15' "$folder/said" || {
    cat "$folder/said"
    exit 1
}
"$1" --build "$folder" --target kernels/source.c >/dev/null
tr -d '\n' <"$folder/kernels/source.c" | grep -q 'vd_tint_ptx\[\] = {0}'
