#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the vendors' own compilers say to the kernels.
#
#   compilers.sh intel OCLOC SOURCE FAMILY...        OpenCL C to machine code of Intel's graphics
#   compilers.sh nvidia PTXAS PTX ARCHITECTURE...    PTX to machine code, in registers alone
#   compilers.sh amd CLANG SOURCE PROCESSOR...       OpenCL C to machine code of AMD's graphics
set -euo pipefail
vendor=$1 compiler=$2 source=$3
shift 3
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for target; do
    case $vendor in
    intel)
        "$compiler" compile -file "$source" -device "$target" -options -cl-std=CL1.2 -out_dir "$out" >"$out/said" 2>&1 ||
            { cat "$out/said" && exit 1; }
        made=$(find "$out" -name '*.bin')
        ;;
    nvidia)
        "$compiler" --verbose --gpu-name "$target" "$source" --output-file "$out/made" >"$out/said" 2>&1 ||
            { cat "$out/said" && exit 1; }
        ! grep -E '[1-9][0-9]* bytes spill' "$out/said" || { echo "$target: registers do not suffice" && exit 1; }
        [ "$(grep -c '0 bytes spill stores, 0 bytes spill loads' "$out/said")" = 2 ] || { cat "$out/said" && exit 1; }
        made=$out/made
        ;;
    amd)
        "$compiler" -x cl -cl-std=CL1.2 --target=amdgcn-amd-amdhsa -mcpu="$target" -nogpulib \
            -Xclang -finclude-default-header -O2 -S -o "$out/made" "$source"
        made=$out/made
        ;;
    esac
    [ -s "$made" ] || { echo "$target: nothing was made" && exit 1; }
    rm -rf "${out:?}"/*
    echo "$vendor $target: compiles"
done
