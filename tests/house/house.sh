#!/bin/bash
# The rules of the house that a machine can hold: who may include whom, where a foreign header may
# be named, what the pure cores may call, no cycle between includes, functions that fit on a screen.
# usage: house.sh SOURCE [BUILD]   (with BUILD, a plain build, the symbols of the cores are looked at)
# shellcheck disable=SC2046,SC2086 # lists of our own files, whose names have no spaces
set -u
source=$1
build=${2:-}
cd "$source" || exit 2
failures=0
complain() {
    echo "house: $*" >&2
    failures=$((failures + 1))
}

# Every file of ours once; a checkout without git (a tarball) has the same rules.
every_file=$(git ls-files -co --exclude-standard 2>/dev/null) ||
    every_file=$(find . -path ./build -prune -o -path ./.git -prune -o -type f -print | sed 's|^\./||')
sources() { # PATTERN...: the files that match one of them
    local file pattern
    while read -r file; do
        for pattern in "$@"; do
            # shellcheck disable=SC2053
            [[ $file == $pattern ]] && [ -f "$file" ] && echo "$file"
        done
    done <<<"$every_file"
}

# --- who may include whom: folder, then what it may include of ours ---
rules='
common/base     common/base
common/model    common/base common/model
common/journal  common/base common/model common/journal
common/wire     common/base common/model common/wire
common/store    common/base common/store
common/net      common/base common/net
common/config   common/base common/config
common/service  common/base common/model common/wire common/config common/net common/store common/service
common/client   common/base common/model common/wire common/net common/store common/client
'
for folder in $(echo "$rules" | awk 'NF {print $1}'); do
    allowed=$(echo "$rules" | awk -v f="$folder" '$1 == f {for (i = 2; i <= NF; i++) printf "%s|", $i}')
    while IFS=: read -r file line include; do
        [ -n "$file" ] && complain "$file:$line: $folder may not include $include (may: ${allowed%|})"
    done < <(grep -nHoE '#include "(common|services|tests|proto)/[^"]+"' $(sources "$folder/*.[ch]") /dev/null |
        sed -E 's/#include "([^"]+)"/\1/' | grep -vE ":(${allowed%|})/")
done
for service in services/*/; do
    service=${service%/}
    while IFS=: read -r file line include; do
        [ -n "$file" ] && complain "$file:$line: services share proto/ and common/ only, not $include"
    done < <(grep -nHoE '#include "(services|tests)/[^"]+"' $(sources "$service/*.[ch]") /dev/null |
        sed -E 's/#include "([^"]+)"/\1/' | grep -vE ":$service/")
done
while IFS=: read -r file line include; do
    [ -n "$file" ] && complain "$file:$line: a core takes base, model, journal and its own headers, not $include"
done < <(grep -nHoE '#include "[^"]+"' $(sources 'services/*_core.[ch]' 'common/client/*_core.[ch]') /dev/null |
    sed -E 's/#include "([^"]+)"/\1/' | grep -vE ':(common/(base|model|journal)/|services/[a-z]+/[a-z_]*(_core|_internal)\.h|common/client/[a-z_]*_core\.h)')

# --- foreign headers live in one folder each ---
confine() { # HEADER-PATTERN FOLDER
    while read -r hit; do
        [ -n "$hit" ] && complain "$hit: <$1> belongs to $2 alone"
    done < <(grep -nHE "#include [<\"]($1)[>\"]" $(sources 'common/*.[ch]' 'services/*.[ch]') /dev/null |
        cut -d: -f1,2 | grep -v "^$2/")
}
confine 'zmq\.h' common/net
confine 'lmdb\.h' common/store
confine 'yaml\.h' common/config
confine '[a-z]+\.pb-c\.h|protobuf-c/.*' common/wire

# --- no cycle between files' includes ---
cycle=$(grep -oHE '#include "[^"]+"' $(sources 'common/*.[ch]' 'services/*.[ch]') /dev/null |
    sed -E 's/^([^:]+):#include "([^"]+)"/\1 \2/' | tsort 2>&1 >/dev/null | grep -A20 'loop' | head -20)
[ -n "$cycle" ] && complain "includes go in a circle: $cycle"

# --- words that do not belong ---
while read -r hit; do
    [ -n "$hit" ] && complain "$hit: bare assert; use require (common/base/check.h)"
done < <(grep -nHE '(^|[^_a-z])assert\(' $(sources 'common/*.[ch]' 'services/*.[ch]') /dev/null | cut -d: -f1,2)
while read -r hit; do
    [ -n "$hit" ] && complain "$hit: left undone"
done < <(grep -nHwE 'TODO|FIXME|XXX|HACK' $(sources 'common/*.[ch]' 'services/*.[ch]' 'proto/*') /dev/null | cut -d: -f1,2)

# --- functions: median about ten lines, nine in ten under forty, none above eighty ---
lengths=$(awk '
    FNR == 1 { start = 0 }
    /^\{/ { start = FNR }
    /^\}/ { if (start) { n = FNR - start - 1; print n, FILENAME ":" start; start = 0 } }
' $(sources 'common/*.c' 'services/*.c') | sort -n)
count=$(echo "$lengths" | wc -l)
median=$(echo "$lengths" | awk -v n="$count" 'NR == int((n + 1) / 2) {print $1}')
ninetieth=$(echo "$lengths" | awk -v n="$count" 'NR == int(n * 0.9 + 0.5) {print $1}')
longest=$(echo "$lengths" | tail -n 1)
echo "house: $count functions, median $median lines, 90th percentile $ninetieth, longest $longest"
[ "$median" -le 12 ] || complain "the median function has $median lines"
[ "$ninetieth" -le 40 ] || complain "one function in ten is longer than 40 lines"
[ "${longest%% *}" -le 80 ] || complain "a function of ${longest}: split it"

# --- what the cores may call ---
# libc functions that neither read nor change the world
pure='memcpy|memmove|memset|memcmp|memchr|strlen|strcmp|strncmp|strchr|strrchr|strnlen|bcmp|snprintf|vsnprintf|qsort|qsort_r|bsearch|malloc|calloc|realloc|free|abort|__stack_chk_fail|__errno_location|__(snprintf|vsnprintf|memcpy|memmove|memset)_chk|__assert_fail|_GLOBAL_OFFSET_TABLE_|__(u?mod|u?div|u?divmod)ti[34]|__popcount[ds]i2'
if [ -n "$build" ]; then
    cores=$(find "$build/services" "$build/common" -name 'lib*_core.a')
    [ -n "$cores" ] || complain "no core libraries in $build"
    helpers=$(find "$build/common" -name 'libbase.a' -o -name 'libmodel.a' -o -name 'libjournal.a')
    defined=$(nm --defined-only $cores $helpers 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u)
    for core in $cores "$build/common/model/libmodel.a"; do
        for symbol in $(nm -u "$core" 2>/dev/null | awk '$1 == "U" {print $2}' | sort -u); do
            echo "$symbol" | grep -qxE "$pure" && continue
            echo "$defined" | grep -qxF "$symbol" && continue
            complain "$(basename "$core") calls $symbol: not pure"
        done
    done
fi
[ $failures = 0 ] && echo "house: in order"
exit $((failures > 0))
