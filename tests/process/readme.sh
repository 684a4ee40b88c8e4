#!/bin/bash
# Runs the lines of README.md's "Run it" as they stand there, but for the build: a newcomer must not
# have to guess a step. usage: readme.sh SOURCE BIN
set -eu
source=$1
export PATH=$2:$PATH
work=$(mktemp -d)
end() {
    for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
    wait || true
    rm -rf "$work"
}
trap end EXIT
ln -s "$source/config" "$work/config"
cd "$work"

lines=$(awk '/^## Run it/ {on = 1; next} /^## / {on = 0} on && /^    / {print substr($0, 5)}' \
    "$source/README.md" | grep -v -e '^\./dev build' -e '^export PATH')
[ "$(echo "$lines" | grep -c '^tonghop ')" -ge 6 ] || { echo "readme: the lines were not found" >&2; exit 1; }
output=$work/output
eval "$lines" >"$output" 2>&1 || { cat "$output" ./*.log >&2; echo "readme: a step failed" >&2; exit 1; }
grep -q '412' "$output" || { cat "$output" >&2; echo "readme: the figure does not show" >&2; exit 1; }
grep -q 'agree' "$output" || { cat "$output" >&2; echo "readme: verify did not agree" >&2; exit 1; }
echo "readme: every step works"
