#!/bin/bash
# Plants one bug after the other into a copy of the sources and requires the simulator to find each:
# a gate that has never failed is not known to work. Prints the seed and the step that found it.
#
#   tests/sim/planted.sh [SEEDS] [NAME...]     at most SEEDS worlds each (3000); all bugs, or those
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${1:-3000}
shift || true
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/source"
(cd "$root" && tar cf - --exclude=./build --exclude=./.git .) | tar xf - -C "$work/source"

build() {
    ninja -C "$work/build" simulator >"$work/build.log" 2>&1 && return 0
    tail -40 "$work/build.log" >&2
    echo "planted: $1 does not build" >&2
    exit 1
}

cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
build "the simulator without a bug"
if ! "$work/build/bin/simulator" "$seeds" >"$work/clean.log" 2>&1; then
    cat "$work/clean.log" >&2
    echo "planted: the simulator fails without a planted bug: mend that first" >&2
    exit 1
fi
echo "no bug planted: $(cat "$work/clean.log")"

missed=0
for patch in "$root"/tests/sim/planted/*.patch; do
    name=$(basename "$patch" .patch)
    [ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
    if ! patch -s -p1 -d "$work/source" <"$patch" >"$work/patch.log" 2>&1; then
        cat "$work/patch.log" >&2
        echo "planted: $name does not apply any more: write it anew against the present source" >&2
        exit 1
    fi
    build "$name"
    if ("$work/build/bin/simulator" "$seeds") >"$work/run.log" 2>&1; then
        echo "MISSED $name: $seeds worlds are clean" >&2
        missed=1
    else
        echo "found $name: $(grep -m1 -a '^seed' "$work/run.log")"
    fi
    patch -s -R -p1 -d "$work/source" <"$patch"
done
exit $missed
