#!/bin/bash
# Plants one bug after the other into a copy of the real wiring (services, client, sockets) and
# requires the tests named in it to fail: what the simulator's own wiring cannot show.
#
#   tests/process/planted.sh [NAME...]     all bugs, or those
#
# A patch begins with a sentence and with lines "test: PROGRAM [VARIABLE=VALUE...]", each of which
# must find it. Some need root; they say "skipped" without it, and so does this.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TONGHOP_BIN=$work/build/bin TONGHOP_SOURCE=$work/source
export TMPDIR=$work/tmp # failing tests keep what they have made
programs="tonghop-collector tonghop-aggregator tonghop-notifier tonghop"

mkdir "$work/source" "$work/tmp"
(cd "$root" && tar cf - --exclude=./build --exclude=./.git .) | tar xf - -C "$work/source"

tests_of() { sed -n 's/^test: //p' "$1"; }

build() { # WHAT TARGET...
    local what=$1
    shift
    # shellcheck disable=SC2086
    ninja -C "$work/build" $programs "$@" >"$work/build.log" 2>&1 && return 0
    tail -40 "$work/build.log" >&2
    echo "planted: $what does not build" >&2
    exit 1
}

run() { # PROGRAM [VARIABLE=VALUE...]
    local program=$1
    shift
    env "$@" timeout 900 "$work/build/tests/$program" >"$work/run.log" 2>&1
}

# The behaviour, and how it was seen to be missing.
what_failed() {
    sed -n 's/^[^ ]*:[FE]:\([^:]*\):[^:]*:[0-9]*: \(.*\)/\1: \2/p' "$work/run.log" |
        head -n 1 | cut -c 1-200
}

chosen=()
for patch in "$root"/tests/process/planted/*.patch; do
    [ $# -gt 0 ] && [[ " $* " != *" $(basename "$patch" .patch) "* ]] && continue
    chosen+=("$patch")
done

cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
named=$(for patch in "${chosen[@]}"; do tests_of "$patch"; done | sort -u)
# shellcheck disable=SC2046
build "the tree without a bug" $(cut -d ' ' -f 1 <<<"$named" | sort -u)
while read -r line; do
    # shellcheck disable=SC2086
    if ! run $line; then
        cat "$work/run.log" >&2
        echo "planted: $line fails without a planted bug: mend that first" >&2
        exit 1
    fi
done <<<"$named"
echo "no bug planted: all pass"

missed=0
for patch in "${chosen[@]}"; do
    name=$(basename "$patch" .patch)
    if ! patch -s -p1 -d "$work/source" <"$patch" >"$work/patch.log" 2>&1; then
        cat "$work/patch.log" >&2
        echo "planted: $name does not apply any more: write it anew against the present source" >&2
        exit 1
    fi
    # shellcheck disable=SC2046
    build "$name" $(tests_of "$patch" | cut -d ' ' -f 1)
    while read -r line; do
        # shellcheck disable=SC2086
        if ! run $line; then
            echo "found $name by $line: $(what_failed)"
        elif grep -q -a 'skipped:' "$work/run.log"; then
            echo "skipped $name: $line: $(grep -m1 -a 'skipped:' "$work/run.log")"
        else
            echo "MISSED $name: $line passes" >&2
            missed=1
        fi
    done < <(tests_of "$patch")
    patch -s -R -p1 -d "$work/source" <"$patch"
done
exit $missed
