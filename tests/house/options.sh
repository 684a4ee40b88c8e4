#!/bin/bash
# Every option stands in its sample file, config/NAME.yaml, and what the samples show behind a # are
# the defaults: with all of it taken in, a service does the same. Every event and counter
# that an operator can meet stands in docs/operations.md.
# usage: options.sh SOURCE BIN   (BIN: the folder of the programs)
set -u
source=$1
bin=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
complain() {
    echo "options: $*" >&2
    failures=$((failures + 1))
}

# --- the options a program knows ---
of_service() { # what --help lists under Configuration
    "$bin/tonghop-$1" --help | sed -n '/^Configuration/,/^Signals/s/^  \([a-z_.]*\): .*/\1/p'
}
of_command() {
    sed -n 's/^ *\.key = "\(.*\)",$/\1/p' "$source/services/cli/cli_config.c"
}

# --- the options a sample shows, set or behind a # ---
shown() {
    awk '/^[a-z_]+:/      { sub(/:.*/, ""); group = $0; print }
         /^  #? ?[a-z_]+:/ { sub(/^  #? ?/, ""); sub(/:.*/, ""); print group "." $0 }
         /^# ?[a-z_]+: /   { sub(/^# ?/, ""); sub(/:.*/, ""); print }' "$1"
}

check_names() { # SAMPLE OPTION...
    local sample=$1 option count=0
    shift
    for option in "$@"; do
        count=$((count + 1))
        shown "$source/$sample" | grep -qxF "$option" || complain "$sample does not show $option"
    done
    [ $count -gt 5 ] || complain "$sample: only $count options were found to look for"
}

check_defaults() { # NAME
    local sample=$source/config/$1.yaml program=$bin/tonghop-$1
    sed -E 's/^( *)#([a-z_]+:)/\1\2/' "$sample" >"$scratch/$1.yaml"
    "$program" --config "$sample" --dump-config >"$scratch/as-it-is" ||
        { complain "config/$1.yaml is refused"; return; }
    "$program" --config "$scratch/$1.yaml" --dump-config >"$scratch/taken-in" ||
        { complain "config/$1.yaml is refused with what stands behind #"; return; }
    diff "$scratch/as-it-is" "$scratch/taken-in" >&2 ||
        complain "config/$1.yaml: these are not the defaults (<: default, >: in the sample)"
}

# --- the manual ---
met() { # what a service logs and counts
    cd "$source" && grep -hoE 'log_event\("[a-z_]+"|complain_over\([^"]*"[a-z_]+"|counters_(add|gauge)\(c, "[a-z_]+"' \
        services/collector/*.c services/aggregator/*.c services/notifier/*.c common/service/*.c |
        sed 's/.*"\(.*\)"/\1/' | sort -u
}
check_manual() {
    local word count=0
    for word in $(met) store_refused draining clock_held store_full catching_up delivery_held; do
        count=$((count + 1))
        grep -qF "\`$word\`" "$source/docs/operations.md" || complain "docs/operations.md does not name $word"
    done
    [ $count -gt 50 ] || complain "only $count events and counters were found to look for"
}

for service in collector aggregator notifier; do
    # shellcheck disable=SC2046
    check_names config/$service.yaml $(of_service $service)
    check_defaults $service
done
# shellcheck disable=SC2046
check_names config/tonghop.yaml $(of_command)
check_manual
[ $failures = 0 ] && echo "options: all in their samples"
exit $((failures > 0))
