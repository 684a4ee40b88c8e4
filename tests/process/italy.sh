#!/bin/bash
# Five years of real reports through the real programs: the bulletins of the Italian Civil Protection,
# whose regions and whose nation published totals of their own. We load the units and what the parts
# reported, ask for every total that was published, and must say the same; where the published total
# is not the sum of the published parts, we must differ from it by exactly what is stated.
#
# The data lie beside the repository, not in it: $TONGHOP_SHARED/conformance/italy, else
# ../shared/conformance/italy seen from the source tree. Without that folder the test is skipped; with
# it, whatever else is missing is a failure.
#
#   TONGHOP_BIN=build/dev/bin tests/process/italy.sh
set -euo pipefail

source=${TONGHOP_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
data=${TONGHOP_SHARED:-$source/../shared}/conformance/italy
skipped=77 rows_wanted=668275 agree_wanted=57987 differ_wanted=1131

fail() {
    echo "italy: $*" >&2
    exit 1
}

if [ ! -e "$data" ]; then
    [ -z "${TONGHOP_SHARED:-}" ] || fail "TONGHOP_SHARED names a folder without conformance/italy"
    echo "skipped: no reference data at $data"
    exit $skipped
fi
for file in units.csv indicators.csv values.csv.zst expected.csv.zst disagreements.csv.zst; do
    [ -r "$data/$file" ] || fail "$data/$file is missing or not ours to read: lay it there again"
done
command -v zstdcat >/dev/null || fail "zstdcat is missing: install zstd"
bin=${TONGHOP_BIN:-$source/build/dev/bin}
for program in tonghop tonghop-collector tonghop-aggregator; do
    [ -x "$bin/$program" ] || fail "$bin/$program is missing: build it first"
done
bin=$(cd "$bin" && pwd) data=$(cd "$data" && pwd)

work=$(mktemp -d)
children=()
doing=
finish() {
    status=$?
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
    if [ $status != 0 ]; then
        if [ -n "$doing" ]; then echo "italy: failed: $doing (exit code $status)" >&2; fi
        tail -n 20 "$work"/*.log >&2 || true
    fi
    rm -rf "$work"
    exit $status
}
trap finish EXIT
cd "$work"

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# NAME COMMAND...: runs it and prints how long it took. No `|| fail` here: behind it a function would
# go on after a command that failed.
step() {
    local from
    doing=$1
    shift
    from=$(now_ms)
    "$@"
    printf 'italy: %-28s %6d ms\n' "$doing" $(($(now_ms) - from))
    doing=
}

# ---- our form of their files ----

# Their levels 1 to 4 (nation, macro-area, region, province) are our country, province, district and
# commune: the names of levels are administrative, the sums do not care.
write_units() {
    awk -F, 'BEGIN { split("country province district commune", level, " ")
                     print "code,from,to,name,type,level,parent,begins" }
             NR > 1 { print $1 ",2020-02-24,," $2 "," level[$3] "," level[$3] "," $4 ",new" }' \
        "$data/units.csv" >units.csv
    echo date,old_code,new_code,people,resolution,basis >successions.csv
}

# Provinces report totale_casi, regions the rest. Flows may be negative: 19 are, as corrections.
write_plan() {
    cat <<'YAML'
plan: italy
version: 1
title: "Bollettino quotidiano"
document: "pcm-dpc/COVID-19"
province: "IT"
period: {from: 2020-02-24, to: 2025-01-08}
units: [units.csv]
successions: successions.csv
sources:
  - {id: pcm, name: "Dipartimento della Protezione Civile"}
calendar: []
indicators:
YAML
    awk -F, 'NR > 1 {
        printf "  - {id: %s, name: \"%s\", kind: %s, unit: persons, minimum: %d, maximum: 100000000,\n",
            $1, $2, $3 == "last" ? "stock" : "flow", $3 == "last" ? 0 : -100000
        printf "     reports: %s, period: day, calendar: civil,\n",
            $1 == "totale_casi" ? "commune" : "district"
        printf "     source_of_record: [{from: 2020-02-24, source: pcm}]}\n" }' \
        "$data/indicators.csv"
}

write_values() {
    zstdcat "$data/values.csv.zst" | awk -F, '
        NR == 1 { print "unit,indicator,period,value"; next }
        $3 != $4 { print "line " NR ": not a day" >"/dev/stderr"; exit 1 }
        { print $1 "," $2 "," $4 "," $5 }' >values.csv
    [ "$(wc -l <values.csv)" = $((rows_wanted + 1)) ] || fail "values.csv.zst is not the one we know"
}

# "unit,indicator,period,published,kind,agrees", and the questions for the same totals in the same
# order. The column between may hold commas, so the last ones are counted from the end.
write_questions() {
    zstdcat "$data/expected.csv.zst" | tr -d '"' |
        awk -F, 'NR > 1 { print $1 "," $2 "," $3 "," $4 "," $(NF - 1) "," $NF }' >published.csv
    zstdcat "$data/disagreements.csv.zst" | tr -d '"' | tail -n +2 >differences.csv
    { echo unit,indicator,period && cut -d, -f1-3 published.csv; } >questions.csv
}

write_input() {
    write_units
    write_plan >plan.yaml
    write_values
    write_questions
}

# ---- the services ----

write_configuration() {
    local name
    for name in collector aggregator operator officer; do
        "$bin/tonghop" keys make $name.key >$name.z85 2>>tonghop.log
    done
    cat >collector.yaml <<YAML
listen: [ipc://$work/c.sock]
key_file: $work/collector.key
service_keys: [{name: aggregator, key: "$(cat aggregator.z85)"}]
operate_keys: [{name: operator, key: "$(cat operator.z85)"}]
store: {directory: $work/collector, map_size: 4GiB}
YAML
    cat >aggregator.yaml <<YAML
listen: [ipc://$work/q.sock]
key_file: $work/aggregator.key
operate_keys: [{name: operator, key: "$(cat operator.z85)"}]
collector: {endpoint: ipc://$work/c.sock, key: "$(cat collector.z85)"}
store: {directory: $work/aggregator, map_size: 4GiB}
feed: {listen: [ipc://$work/f.sock]}
YAML
    for name in operator officer; do
        cat >$name.yaml <<YAML
collector: {endpoint: ipc://$work/c.sock, key_file: collector.key.pub}
aggregator: {endpoint: ipc://$work/q.sock, feed: ipc://$work/f.sock, key_file: aggregator.key.pub}
key_file: $name.key
spool: spool
YAML
    done
}

# Waits for the line that a service writes to descriptor 3 once it is ready.
start() {
    local name=$1 line=
    mkfifo "$name.ready"
    TONGHOP_READY_FD=3 "$bin/tonghop-$name" --config "$name.yaml" 3>"$name.ready" 2>"$name.log" &
    children+=($!)
    read -r -t 30 line <"$name.ready" || true
    [ "$line" = ready ] || fail "tonghop-$name does not become ready"
}

start_services() {
    write_configuration
    start collector
    start aggregator
}

tonghop() { "$bin/tonghop" "$@" --lang en 2>>tonghop.log; }

apply() {
    tonghop plan apply plan.yaml --config operator.yaml >>tonghop.log
    tonghop keys add pcm --source pcm --scope IT --key officer.key.pub --config operator.yaml \
        >>tonghop.log
}

import() { tonghop import --json values.csv --config officer.yaml >import.json; }

query() { tonghop query --batch questions.csv --config officer.yaml >answers.csv; }

verify() { tonghop verify aggregator.yaml >verify.log; }

# ---- what came out ----

check_import() {
    local word
    for word in "\"rows\": $rows_wanted" "\"accepted\": $rows_wanted" '"refused": 0' \
        "\"new\": $rows_wanted" '"superseded": 0'; do
        grep -qF "$word" import.json || fail "import did not say $word: $(tr -d '\n' <import.json)"
    done
}

# Every answer against its published total, line by line; the differences stated must all come up.
check_answers() {
    [ "$(wc -l <published.csv)" = $((agree_wanted + differ_wanted)) ] ||
        fail "expected.csv.zst is not the one we know"
    tail -n +2 answers.csv | paste -d, published.csv - | awk -F, -v agree_wanted=$agree_wanted \
        -v differ_wanted=$differ_wanted '
        function wrong(text) { if (bad++ < 10) print "italy: " where ": " text >"/dev/stderr" }
        FILENAME == "differences.csv" {
            stated[$1 "," $2 "," $3 "," $7] = $6
            recomputed[$1 "," $2 "," $3 "," $7] = $5
            next
        }
        {
            cell = $1 "," $2 "," $3 "," $5
            where = cell ", published " $4
            if ($7 "," $8 "," $9 != $1 "," $2 "," $3) { wrong("answered was " $7 "," $8 "," $9); next }
            if ($10 == "") { wrong("no value: " $NF); next }
            if ($6 == 1) {
                if (cell in stated) wrong("agrees, and a difference is stated")
                else if ($10 + 0 == $4 + 0) agree++
                else wrong("we say " $10)
                next
            }
            if (!(cell in stated)) wrong("no difference is stated")
            else if ($10 - $4 == stated[cell] + 0 && $10 + 0 == recomputed[cell] + 0) differ++
            else wrong("we say " $10 ", stated was a difference of " stated[cell])
            delete stated[cell]
        }
        END {
            for (cell in stated) { where = cell; wrong("stated, but no total was published") }
            if (agree != agree_wanted || differ != differ_wanted) {
                where = "all"
                wrong(agree + 0 " agree and " differ + 0 " differ as stated, wanted " agree_wanted \
                      " and " differ_wanted)
            }
            if (bad) exit 1
            print "italy: " agree " agree, " differ " differ as stated"
        }' differences.csv -
}

step "write input" write_input
step "start services" start_services
step "apply units, plan, officer" apply
step "import 668,275 figures" import
step "ask 59,118 totals" query
step "verify" verify
check_import
check_answers
