#!/bin/bash
# up.sh - `./dev up`: the whole system on this machine, and a month of reports through it. Starts
# collector, aggregator and notifier with keys and stores of their own in a fresh directory below
# var/, rehearses a campaign on them, lays the totals beside what was sent. In a terminal the services
# stay until Ctrl-C; else, or with --once, all ends, with status 0 only if everything agreed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${TONGHOP_BIN:-$root/build/release/bin}

READY_SECONDS=30
DRAIN_SECONDS=20
services="collector aggregator notifier"

say() { printf '%s\n' "$*" >&2; }
die() { # STATUS SENTENCE
    say "dev up: $2"
    exit "$1"
}

usage() {
    cat <<'HELP'
usage: ./dev up [--once] [OPTIONS OF tonghop rehearse]

  --once              end when the month is over; without a terminal that is so anyway
  --seed N            another month (1)
  --outcome OUTCOME   inside (the band), just-short or far-short (inside)
  --speed DURATION    so long takes a day (1500ms)
  --fast              as fast as it goes
  --lang en           in English
  --plan FILE         another campaign, as seen from the checkout (config/plans/haiphong-2024.yaml)

Everything lies in a directory of its own, var/up-N: figures, keys, logs, e-mails. Exit code 0: the
totals agree, and the month ended as the outcome says.
HELP
}

once=""
lang="vi"
options=(--plan "$root/config/plans/haiphong-2024.yaml")
while [ $# -gt 0 ]; do
    case $1 in
    --once) once="yes" ;;
    --help | -h) usage && exit 0 ;;
    --fast) options+=("$1") ;;
    --plan)
        [ $# -gt 1 ] || { usage >&2 && exit 2; }
        options[1]=$2
        shift
        ;;
    --seed | --outcome | --speed | --lang)
        [ $# -gt 1 ] || { usage >&2 && exit 2; }
        [ "$1" = --lang ] && lang=$2
        options+=("$1" "$2")
        shift
        ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ -t 0 ] && [ -t 1 ] && [ -t 2 ] || once="yes"

# --- a place of its own

var=${TONGHOP_VAR:-$root/var}
mkdir -p "$var"
number=1
until mkdir "$var/up-$number" 2>/dev/null; do
    number=$((number + 1))
    [ $number -lt 10000 ] || die 1 "$var: no directory can be made there; is it writable, and are there fewer than 10000 of them?"
done
run=$(cd "$var/up-$number" && pwd)
name=${run#"$root/"}
chmod 700 "$run"
# The name of a socket may have 107 characters: a checkout may lie too deep for that.
sockets=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/tonghop-XXXXXX")

declare -A pids
stop() { # the last first; who does not drain in time is killed
    local service
    trap '' INT TERM
    for service in rehearsal notifier aggregator collector; do
        [ -n "${pids[$service]:-}" ] || continue
        kill -TERM "${pids[$service]}" 2>/dev/null || continue
        for _ in $(seq $((DRAIN_SECONDS * 10))); do
            kill -0 "${pids[$service]}" 2>/dev/null || continue 2
            sleep 0.1
        done
        kill -KILL "${pids[$service]}" 2>/dev/null || true
        say "dev up: $service did not end within $DRAIN_SECONDS s and was killed: $name/$service.log"
    done
    rm -rf "$sockets"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- keys and configuration

for key in $services operator; do
    "$bin/tonghop" keys make "$run/keys/$key.key" >"$run/keys.log" 2>&1 || die 1 "$(cat "$run/keys.log")"
done
rm -f "$run/keys.log"
public() { sed -n 's/^public = //p' "$run/keys/$1.key.pub"; }

cat >"$run/collector.yaml" <<YAML
listen: ["ipc://$sockets/collector"]
key_file: "$run/keys/collector.key"
service_keys: [{name: aggregator, key: $(public aggregator)}]
operate_keys: [{name: operator, key: $(public operator)}]
store: {directory: "$run/collector"}
journal: {replay: true}
YAML
cat >"$run/aggregator.yaml" <<YAML
listen: ["ipc://$sockets/aggregator"]
key_file: "$run/keys/aggregator.key"
service_keys: [{name: notifier, key: $(public notifier)}]
operate_keys: [{name: operator, key: $(public operator)}]
collector: {endpoint: "ipc://$sockets/collector", key: $(public collector)}
store: {directory: "$run/aggregator"}
feed: {listen: ["ipc://$sockets/feed"]}
YAML
cat >"$run/notifier.yaml" <<YAML
listen: ["ipc://$sockets/notifier"]
key_file: "$run/keys/notifier.key"
operate_keys: [{name: operator, key: $(public operator)}]
aggregator: {endpoint: "ipc://$sockets/aggregator", key: $(public aggregator)}
store: {directory: "$run/notifier"}
mail: {maildir: "$run/mail"}
feed: {listen: ["ipc://$sockets/alerts"]}
YAML
cat >"$run/tonghop.yaml" <<YAML
collector: {endpoint: "ipc://$sockets/collector", key: $(public collector)}
aggregator: {endpoint: "ipc://$sockets/aggregator", feed: "ipc://$sockets/feed", key: $(public aggregator)}
notifier: {endpoint: "ipc://$sockets/notifier", feed: "ipc://$sockets/alerts", key: $(public notifier)}
key_file: "$run/keys/operator.key"
spool: "$run/spool"
YAML
cat >"$run/tonghop" <<SH
#!/bin/sh
# The command, as operator of the services of this directory.
TONGHOP_CONFIG='$run/tonghop.yaml' exec '$bin/tonghop' "\$@"
SH
chmod 755 "$run/tonghop"

# --- the services, each a process of its own

start() { # SERVICE; ends with this script, whatever ends that
    setpriv --pdeathsig TERM "$bin/tonghop-$1" --config "$run/$1.yaml" </dev/null >/dev/null 2>"$run/$1.log" &
    pids[$1]=$!
}

await() { # SERVICE
    for _ in $(seq $((READY_SECONDS * 20))); do
        grep -q 'event=ready' "$run/$1.log" && return
        kill -0 "${pids[$1]}" 2>/dev/null || break
        sleep 0.05
    done
    tail -n 5 "$run/$1.log" >&2
    die 1 "$1 did not get ready: $name/$1.log"
}

for service in $services; do
    start "$service"
    await "$service"
done
say "collector (${pids[collector]}), aggregator (${pids[aggregator]}) and notifier (${pids[notifier]}) run in $name"
say

# --- the month

status=0
"$run/tonghop" rehearse --directory "$run/producers" "${options[@]}" </dev/null &
pids[rehearsal]=$! # in the background: a signal to this script does not wait for the month's end
wait $! || status=$?
unset 'pids[rehearsal]'
[ $status != 0 ] || "$run/tonghop" verify "$run/aggregator.yaml" || status=$?
if [ -n "$once" ] || [ $status != 0 ]; then
    say "$name keeps all of it: figures, e-mails in mail/new, logs"
    exit $status
fi

# --- what to try next

more=
[ "$lang" = en ] && more=' --lang en'
say
say "The services go on until Ctrl-C. In another terminal, from ${root##*/}/:"
say
say "  $name/tonghop status --depth 2$more"
say "      where every unit stands, communes and all"
say "  $name/tonghop alerts list$more"
say "      who was told what; alerts show NUMBER: word for word"
say "  $name/tonghop trace 11623 cdht.dangky 2024-09-20$more"
say "      who reported this figure, when, and what it was before"
trap 'exit 0' INT TERM
wait -n || true
for service in $services; do
    kill -0 "${pids[$service]}" 2>/dev/null || die 1 "$service has ended: $name/$service.log"
done
