#!/bin/bash
# The containers as an office uses them, with the project up and healthy: an operator applies the plan
# and registers a commune, the commune reports from the host through the published port, and the
# province's figure is there; the services are killed, and it is there still. Also: no key
# can be read by others, none is in an image, nothing runs as root.
#
#   TONGHOP_BIN=build/release/bin tests/process/compose.sh    (in a checkout that docker-compose knows)
#
# It registers a producer and reports a figure: for a project made for the test, not one in use.
set -euo pipefail

cd "$(dirname "$0")/../.."
tonghop=${TONGHOP_BIN:-build/release/bin}/tonghop
port=${TONGHOP_COLLECTOR_PORT:-7401}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "compose: $*" >&2
    exit 1
}
operator() { docker-compose run --rm -T tonghop "$@" 2>>"$work/operator.log" || { cat "$work/operator.log" >&2; fail "tonghop $*"; }; }
figure() { operator query 31 cdht.dangky 2024-09-05 --json "$@"; }
expect() { # TEXT WHAT
    grep -q '"value": *412' <<<"$1" || fail "$2: $1"
    echo "compose: $2: 412"
}

for service in collector aggregator notifier; do
    [ "$(docker-compose exec -T "$service" id -un)" = tonghop ] || fail "$service does not run as tonghop"
    [ -z "$(docker-compose exec -T "$service" find / -xdev -name '*.key' -not -path '/run/*' 2>/dev/null)" ] || fail "a key in the image of $service"
done
[ -z "$(find var/compose/secrets -name '*.key' -perm /077)" ] || fail "others can read a secret"

operator plan apply /usr/local/share/tonghop/plans/haiphong-2024.yaml >/dev/null
"$tonghop" keys make "$work/officer.key" >/dev/null 2>&1
cp "$work/officer.key.pub" var/compose/desk/
operator keys add xa-an-dong --role submit,subscribe --source khuyenhoc --scope 11623 --on 2024-09-05 \
    --key officer.key.pub >/dev/null
cat >"$work/tonghop.yaml" <<YAML
collector: {endpoint: "tcp://127.0.0.1:$port", key_file: $PWD/var/compose/public/collector.key.pub}
key_file: officer.key
spool: spool
YAML
answer=$("$tonghop" submit 11623 cdht.dangky 2024-09-05 412 --config "$work/tonghop.yaml" --json)
entry=$(grep -o '"offset": *[0-9]*' <<<"$answer" | grep -o '[0-9]*$') || fail "no journal entry in: $answer"
expect "$(figure --not-before "$entry")" "reported from the host, asked of the aggregator"

docker-compose kill -s KILL collector aggregator notifier >/dev/null 2>&1
docker-compose up -d --no-build >/dev/null 2>&1
expect "$(figure)" "after kill -9 of all three"

docker-compose exec -T aggregator tonghop-aggregator --config /run/tonghop/aggregator.yaml --verify | grep -q 'agree' ||
    fail "store and journal do not agree"
docker-compose exec -T collector mdb_copy /var/lib/tonghop/collector >"$work/journal.mdb"
# shellcheck disable=SC2016
docker-compose exec -T collector sh -c 'mkdir /run/tonghop/copy && cat >/run/tonghop/copy/data.mdb &&
    sed "s|/var/lib/tonghop/collector|/run/tonghop/copy|" /run/tonghop/collector.yaml >/run/tonghop/copy.yaml &&
    tonghop-collector --config /run/tonghop/copy.yaml --dump-store; status=$?; rm -r /run/tonghop/copy*; exit $status' \
    <"$work/journal.mdb" >"$work/dump" || fail "the backup cannot be read"
grep -q "producer=xa-an-dong" "$work/dump" || fail "the backup lacks what was reported"
echo "compose: verified; the backup holds the report"
