#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The layer rule of ARCHITECTURE.md, by what each file includes. include/vidriera/X.h is of the folder src/X/, or of the
# one that holds X.c; never of cli/, which nobody calls and whose files are named after commands.
set -euo pipefail
cd "$(dirname "$0")/.."

# Whose public headers a folder may include beside its own.
declare -A may=(
    [base]=''
    [dsp]='base'
    [effect]='dsp base'
    [job]='effect dsp base'
    [device]='effect dsp base'
    [media]='device effect dsp job base'
    [store]='job base'
    [bus]='job base'
    [worker]='bus store media device effect dsp job base'
    [web]='store job base'
    [cli]='web worker bus store media device effect dsp job base'
    [main]='cli base'
)

# Sets $owner to the folder that a file belongs to.
owner_of() { # owner_of PATH
    local name=${1##*/} source
    case $1 in
    src/main.c) owner=main ;;
    src/*)
        owner=${1#src/}
        owner=${owner%%/*}
        ;;
    kernels/*) owner=kernels ;;
    *)
        owner=${name%.h}
        [ ! -d "src/$owner" ] || return 0
        for source in src/*/"$owner.c"; do
            [[ $source != src/cli/* ]] || continue
            owner=${source#src/}
            owner=${owner%%/*}
            break
        done
        ;;
    esac
}

allowed() { # allowed FILE FOLDER HEADER QUOTE
    case $3 in
    libav* | libsw* | libpostproc*)
        [[ " media device " == *" $2 "* || $1:$3 == src/effect/colour.c:libavutil/parseutils.h ]]
        ;;
    *rdkafka*) [ "$2" = bus ] ;;
    microhttpd*) [ "$2" = web ] ;;
    CL/* | va/* | ffnvcodec/* | cuda*) [ "$2" = device ] ;;
    vidriera/*)
        owner_of "include/$3"
        [[ " $2 ${may[$2]-} " == *" $owner "* ]]
        ;;
    kernels/*) [[ " kernels dsp effect device " == *" $2 "* ]] ;;
    src/*) [[ $3 == "src/$2/"* ]] ;;
    cli/*) [ "$2" = main ] ;;
    *) [[ $4 == '<' || ($3 != */* && -e ${1%/*}/$3) ]] ;;
    esac
}

wrong=0
seen=0
while IFS=: read -r file line text; do
    [[ $text =~ include[[:space:]]*([\<\"])([^\>\"]+) ]] || continue
    seen=$((seen + 1))
    owner_of "$file"
    allowed "$file" "$owner" "${BASH_REMATCH[2]}" "${BASH_REMATCH[1]}" || {
        owner_of "$file"
        echo "$file:$line: not for $owner/: ${BASH_REMATCH[2]}"
        wrong=1
    }
done < <(grep -rEn --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' src include kernels)

[ $seen -gt 0 ] || wrong=1
exit $wrong
