#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# manual.sh VIDRIERA ROOT: man pages without a warning that tell of everything, completion that completes, the versions.
set -euo pipefail
vidriera=$1
root=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

wrong() {
    echo "manual.sh: $1"
    exit 1
}

# has FILE WORDS...
has() {
    local word
    for word in "${@:2}"; do
        grep -qF -- "$word" "$1" || wrong "$1 does not tell of $word"
    done
}

for document in vidriera.1 vidriera.conf.5 vidriera.bash; do
    "$vidriera" manual $document >"$folder/$document"
done
for page in vidriera.1 vidriera.conf.5; do
    for locale in C C.UTF-8; do
        LC_ALL=$locale MANWIDTH=80 man -l --warnings -P cat "$folder/$page" >"$folder/$page.text" 2>"$folder/said"
        [ ! -s "$folder/said" ] || wrong "$page: $(cat "$folder/said")"
    done
    lexgrog "$folder/$page" >"$folder/said" || wrong "$page has no NAME: $(cat "$folder/said")"
done

mapfile -t commands < <("$vidriera" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ ${#commands[@]} -gt 10 ] || wrong "only ${#commands[@]} commands in --help"
has "$folder/vidriera.1.text" NAME SYNOPSIS DESCRIPTION COMMANDS OPTIONS "EXIT STATUS" ENVIRONMENT FILES EXAMPLES \
    "SEE ALSO" "${commands[@]/#/vidriera }"
mapfile -t options < <(for command in "${commands[@]}"; do "$vidriera" "$command" --help; done |
    grep -oE '^  .{4}--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u)
has "$folder/vidriera.1.text" "${options[@]}"
# README's rows are the table's: exit codes, keys, variables.
mapfile -t codes < <(sed -n '/<!-- exit-codes -->/,/<!-- \/exit-codes -->/s/^| [0-9]* | \(.*\) |$/\1/p' \
    "$root/README.md")
[ ${#codes[@]} -gt 8 ] || wrong "only ${#codes[@]} exit codes in README.md"
tr -s ' \n' ' ' <"$folder/vidriera.1.text" >"$folder/vidriera.1.line"
has "$folder/vidriera.1.line" "${codes[@]}"
mapfile -t keys < <(sed -n '/<!-- options -->/,/<!-- \/options -->/p' "$root/README.md" | cut -d '|' -f 3,4 |
    grep -oE '[a-z_.]+(\.\*)?`|VIDRIERA_[A-Z_*]+' | tr -d '`')
[ ${#keys[@]} -gt 80 ] || wrong "only ${#keys[@]} keys and variables in README.md"
has "$folder/vidriera.conf.5.text" "${keys[@]}"

# complete WORD...: what is offered for the last one
complete_words() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _vidriera
    echo "${COMPREPLY[*]}"
}

# offers WANTED WORD...
offers() {
    local got
    got=$(complete_words "${@:2}")
    [ "$got" = "$1" ] || wrong "completion of '${*:2}': '$got', not '$1'"
}

# shellcheck source=/dev/null
source "$folder/vidriera.bash"
[ "$(complete -p vidriera)" = "complete -F _vidriera vidriera" ]
offers "worker watch" vidriera w
offers "${commands[*]} --help --version" vidriera ''
offers "h264 hevc" vidriera process --codec h
offers hevc vidriera process --codec = he
offers "auto text json" vidriera status --log-format ''
offers "--preview --preset" vidriera process --pre
offers "--slots" vidriera worker --sl
offers "" vidriera worker --codec x
touch "$folder/a recording.mp4"
mkdir "$folder/a folder"
(
    cd "$folder"
    offers "a recording.mp4" vidriera process "a r"
    offers "a folder" vidriera run --data a
    offers "" vidriera worker a
)

"$vidriera" --version >"$folder/version"
head -n 1 "$folder/version" | grep -qxE 'vidriera [0-9]+\.[0-9]+\.[0-9]+' || wrong "--version: $(cat "$folder/version")"
for library in FFmpeg libavformat libavcodec libavutil libswscale librdkafka libmicrohttpd jansson libconfuse \
    libseccomp xxHash; do
    grep -qE "^  $library +[0-9]+\.[0-9]" "$folder/version" || wrong "--version does not tell of $library"
done
