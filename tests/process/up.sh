#!/bin/bash
# `./dev up`, but for the build: two copies side by side both end well and keep apart; one that is
# stopped in the middle leaves no process; a wrong option starts nothing. usage: up.sh SOURCE BIN
set -eu
source=$1
export TONGHOP_BIN=$2
work=$(mktemp -d)
export TONGHOP_VAR=$work/var TMPDIR=$work
unset XDG_RUNTIME_DIR
trap 'rm -rf "$work"' EXIT
up=$source/config/rehearsal/up.sh

fail() { # SENTENCE [FILE...]
    echo "up: $1" >&2
    shift
    [ $# = 0 ] || tail -n 30 "$@" >&2
    exit 1
}

# Processes whose command line names a directory of this test.
left() { grep -lsz -- "$work/[v]ar" /proc/[0-9]*/cmdline | wc -l; }

"$up" --outcome above --once >"$work/wrong" 2>&1 && fail "a wrong outcome is taken" "$work/wrong"
grep -q 'inside, just-short or far-short' "$work/wrong" || fail "a wrong outcome is not told" "$work/wrong"
"$up" --sed 3 >"$work/wrong" 2>&1 && fail "an unknown option is taken" "$work/wrong"

"$up" --once --fast --seed 5 >"$work/first" 2>&1 &
first=$!
"$up" --once --fast --seed 5 --outcome far-short --lang en >"$work/second" 2>&1 &
second=$!
wait $first || fail "the first of two ended with $?" "$work/first"
wait $second || fail "the second of two ended with $?" "$work/second"
for words in 'Thành phố Hải Phòng' 'BỊ TỪ CHỐI (out_of_scope)' 'chưa báo cáo' ': khớp' 'journal agree'; do
    grep -q "$words" "$work/first" || fail "not on the screen: $words" "$work/first"
done
grep -q 'Thành phố Hải Phòng chậm tiến độ' "$work/second" ||
    fail "nobody was told that the province is behind" "$work/second"
grep -q ': the same' "$work/second" || fail "the totals of the second do not agree" "$work/second"
grep -q 'Thành phố Hải Phòng chậm' "$work/first" && fail "the first heard what the second was told" "$work/first"
[ "$(left)" = 0 ] || fail "processes are left"

# A terminal's Ctrl-C reaches all of the foreground: here the script is told, and ends what it started.
"$up" --once --speed 10s >"$work/third" 2>&1 &
third=$!
until grep -q 'DIỄN TẬP' "$work/third"; do kill -0 $third || fail "the third has ended" "$work/third"; sleep 0.05; done
[ "$(left)" -ge 4 ] || fail "this test does not see processes: $(left)"
kill -TERM $third
wait $third && fail "stopped in the middle is no success"
[ "$(left)" = 0 ] || fail "processes are left after a stop"
echo "up: two side by side, one stopped: all as it should be"
