#!/usr/bin/env python3
"""How the files in this folder were made. Not needed to build or to run.

  make-history.py make VN2024 VN2025_03 VN2025 MERGES CHANGES POPULATION OUTDIR
  make-history.py check OUTDIR

`make` turns three dated catalogues, a table of merges and a table of changes into one history
per present-day province; README.md in this folder says where they come from and by which
rules. `check` reads nothing but the written files and holds them against those rules.
"""
import csv
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

# Present-day province: the file it is written to, and the provinces of the old catalogue in it.
FILES = {
    "haiphong.csv": ("31", "30"),
    "hungyen.csv": ("33", "34"),
    "hochiminh.csv": ("79", "74", "77"),
    "cantho.csv": ("92", "93", "94"),
}
PROVINCES = {code for codes in FILES.values() for code in codes}
CAMPAIGN_PROVINCES = ("31", "34", "79", "94")

# The day from which a source vouches for a province as it stood in 2024 (README, "First day").
FIRST_DAY = {"31": "2020-02-01", "34": "2021-01-01", "79": "2021-01-01"}
FIRST_DAY_OTHERS = "2023-04-10"
FIRST_CATALOGUE = "2024-05-01"
LAST_CHANGE = "2025-03-01"
TWO_LEVELS = "2025-07-01"

LEVELS = {"1": "province", "2": "district", "3": "commune"}
RANK = {"province": 1, "district": 2, "commune": 3}
TYPES = ("Thành phố", "Thị trấn", "Thị xã", "Phường", "Huyện", "Quận", "Xã")
SPAN_COLUMNS = ["code", "from", "to", "name", "type", "level", "parent", "begins"]
SUCCESSION_COLUMNS = ["date", "old_code", "new_code", "people", "resolution", "basis"]


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        return [{k: unicodedata.normalize("NFC", v) for k, v in row.items()}
                for row in csv.DictReader(f)]


def write_rows(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def day_before(day):
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def die_unless(condition, sentence):
    if not condition:
        sys.exit("make-history: " + sentence)


# ---- the catalogues as states: code -> (name, type, level, parent)

def root_of(state, code):
    while state[code][3]:
        code = state[code][3]
    return code


def load_catalogue(path):
    state = {r["code"]: (r["name"], r["type"], LEVELS[r["level"]], r["parent_code"])
             for r in read_rows(path)}
    return {c: unit for c, unit in state.items() if root_of(state, c) in PROVINCES}


def type_in_name(name):
    return next(t for t in TYPES if name.startswith(t + " "))


def apply_change(state, row, backwards=False):
    """Steps `state` over one row of the changes, or back over it."""
    old, new = ("new", "old") if backwards else ("old", "new")
    code = row["code"]
    was = (row[old + "_name"], row[old + "_parent"])
    die_unless(code not in state or (state[code][0], state[code][3]) == was,
               f"{row['effective_date']} {code}: the catalogue says {state.get(code)}, "
               f"the change starts from {was}")
    if not row[new + "_name"]:
        del state[code]
        return
    name = row[new + "_name"]
    state[code] = (name, type_in_name(name), LEVELS[row["level"]], row[new + "_parent"])


def build_states(vn2024, vn2025_03, vn2025, changes):
    """date -> state, from the first day to the present."""
    ours = {c for state in (vn2024, vn2025_03) for c in state}
    changes = [r for r in changes
               if r["code"] in ours or {r["old_parent"], r["new_parent"]} & ours]
    state = dict(vn2024)
    for row in changes:
        if row["effective_date"] <= FIRST_CATALOGUE:
            apply_change(state, row, backwards=True)
    states = {FIRST_DAY_OTHERS: dict(state)}
    for day in sorted({r["effective_date"] for r in changes}):
        for row in changes:
            if row["effective_date"] == day:
                apply_change(state, row)
        states[day] = dict(state)
        if day == FIRST_CATALOGUE:
            die_unless(state == vn2024, "the changes do not lead to the catalogue of 2024")
    die_unless(max(states) <= LAST_CHANGE and state == vn2025_03,
               "the changes do not lead to the catalogue of March 2025")
    states[TWO_LEVELS] = dict(vn2025)
    return states, changes


# ---- who hands over to whom

def succession(day, old, new, people, resolution, basis):
    return {"date": day, "old_code": old, "new_code": new, "people": people,
            "resolution": resolution, "basis": basis}


def merged_districts(states, changes, rows):
    """A district abolished while its communes all went to one other district merged into it."""
    days = sorted(states)
    found = []
    for change in changes:
        if change["level"] != "2" or change["change"] != "abolished":
            continue
        day, code = change["effective_date"], change["code"]
        before, after = states[days[days.index(day) - 1]], states[day]
        went = {r["old_code"]: r["new_code"] for r in rows if r["date"] == day}
        heirs = {after[went.get(c, c)][3] for c, unit in before.items() if unit[3] == code}
        die_unless(len(heirs) == 1, f"{day}: district {code} went to {sorted(heirs)}")
        found.append(succession(day, code, heirs.pop(), "all", change["resolution"], "derived"))
    return found


def add_old_selves(states, rows):
    """The 2024 step lists vanished codes only: the code that took them in was a part as well."""
    days = sorted(states)
    listed = {(r["date"], r["old_code"], r["new_code"]) for r in rows}
    selves = {}
    for r in rows:
        before = states[days[days.index(r["date"]) - 1]]
        key = (r["date"], r["new_code"], r["new_code"])
        if r["date"] < TWO_LEVELS and key not in listed and r["new_code"] in before:
            selves[key] = succession(*key, "all", r["resolution"], "derived")
    return list(selves.values())


def build_successions(states, changes, merges):
    ours = set().union(*states.values())
    rows = [succession(r["effective_date"], r["old_code"], r["new_code"], r["population"],
                       r["resolution"], r["basis"])
            for r in merges
            if {r["old_code"], r["new_code"]} & ours and r["basis"] != "unchanged"]
    for r in rows:
        die_unless({r["old_code"], r["new_code"]} <= ours, f"half of a merge is not ours: {r}")
    rows += merged_districts(states, changes, rows)
    rows += add_old_selves(states, rows)
    begun = begun_units(rows)
    rows = [r for r in rows
            if r["old_code"] != r["new_code"] or (r["date"], r["new_code"]) in begun]
    return sorted(rows, key=lambda r: (r["date"], r["new_code"], r["old_code"])), begun


def begun_units(rows):
    """(date, code) of each code under which a new unit begins: people came to it or left it."""
    begun = set()
    for r in rows:
        other = r["old_code"] != r["new_code"]
        if other and r["people"] != "none":
            begun |= {(r["date"], r["new_code"]), (r["date"], r["old_code"])}
        if not other and r["people"] != "all":
            begun.add((r["date"], r["new_code"]))
    return begun


# ---- spans

def build_spans(states, begun):
    spans, current = [], {}
    for day in sorted(states):
        state, fresh = states[day], set()
        for code in [c for c in current if c not in state]:
            current.pop(code)["to"] = day_before(day)
        for code, unit in sorted(state.items(), key=lambda item: RANK[item[1][2]]):
            open_span = current.get(code)
            new = open_span is None or (day, code) in begun
            if new:
                fresh.add(code)
            # A parent's code under which a new unit begins is another parent.
            if not new and unit[3] not in fresh and open_span["unit"] == unit:
                continue
            if open_span:
                open_span["to"] = day_before(day)
            start = day
            if day == FIRST_DAY_OTHERS:
                start = FIRST_DAY.get(root_of(state, code), day)
            span = dict(zip(["name", "type", "level", "parent"], unit))
            span |= {"code": code, "from": start, "to": "", "begins": "new" if new else "same",
                     "unit": unit, "root": root_of(state, code)}
            spans.append(span)
            current[code] = span
    return sorted(spans, key=lambda s: (RANK[s["level"]], s["code"], s["from"]))


def census_2019(population, vn2024):
    return [r for r in population
            if r["year"] == "2019" and r["code"] in vn2024
            and root_of(vn2024, r["code"]) in CAMPAIGN_PROVINCES]


def make(vn2024, vn2025_03, vn2025, merges, changes, population, out):
    first = load_catalogue(vn2024)
    states, changes = build_states(first, load_catalogue(vn2025_03), load_catalogue(vn2025),
                                   read_rows(changes))
    successions, begun = build_successions(states, changes, read_rows(merges))
    spans = build_spans(states, begun)
    for name, provinces in FILES.items():
        write_rows(Path(out) / name, SPAN_COLUMNS, [s for s in spans if s["root"] in provinces])
    write_rows(Path(out) / "successions.csv", SUCCESSION_COLUMNS, successions)
    write_rows(Path(out) / "population-2019.csv", ["code", "year", "population"],
               census_2019(read_rows(population), first))


# ---- check: from here on only what was written is read

# day -> province -> (districts, communes); from the published counts.
PUBLISHED = {
    "2024-08-31": {"94": (11, 109)},
    "2024-09-05": {"31": (15, 217), "34": (8, 260), "79": (22, 312), "94": (11, 108)},
    "2025-03-01": {"31": (15, 167), "34": (8, 242), "79": (22, 273), "94": (11, 108)},
    "2025-06-30": {"31": (15, 167), "34": (8, 242), "79": (22, 273), "94": (11, 108)},
    "2025-07-01": {"31": (0, 114), "33": (0, 104), "79": (0, 168), "92": (0, 103)},
}
NO_HEIR_KNOWN = {"10774"}  # README, "Gaps"


def in_force(spans, day):
    return {s["code"]: s for s in spans if s["from"] <= day and (not s["to"] or day <= s["to"])}


def check_counts(spans, complain):
    for day, expected in PUBLISHED.items():
        units = in_force(spans, day)
        tree = {c: (s["name"], s["type"], s["level"], s["parent"]) for c, s in units.items()}
        seen = Counter((root_of(tree, c), s["level"]) for c, s in units.items())
        for province, counts in expected.items():
            got = (seen[province, "district"], seen[province, "commune"])
            print(f"{day} {province}: {got[0]} districts, {got[1]} communes")
            if got != counts:
                complain(f"{day} {province}: published {counts}")


def check_spans(by_code, successions, complain):
    begun = begun_units(successions)
    for code, spans in by_code.items():
        for a, b in zip(spans, spans[1:]):
            if not a["to"] or a["to"] >= b["from"]:
                complain(f"{code}: {a['from']} and {b['from']} overlap")
            expected = "new" if (b["from"], code) in begun else "same"
            if b["begins"] != expected:
                complain(f"{code} {b['from']}: begins {b['begins']}, should be {expected}")
        if spans[0]["begins"] != "new":
            complain(f"{code}: its first span does not begin a unit")
        for span in spans:
            check_parent(span, by_code, complain)


def check_parent(span, by_code, complain):
    where = f"{span['code']} {span['from']}"
    if span["level"] == "province":
        if span["parent"]:
            complain(f"{where}: a province with a parent")
        return
    over = [p for p in by_code.get(span["parent"], [])
            if p["from"] <= (span["to"] or "9999") and span["from"] <= (p["to"] or "9999")]
    reach = over and over[0]["from"] <= span["from"]
    reach = reach and (over[-1]["to"] or "9999") >= (span["to"] or "9999")
    gapless = all(day_before(b["from"]) == a["to"] for a, b in zip(over, over[1:]))
    if not reach or not gapless:
        complain(f"{where}: parent {span['parent']} is not in force all the time")
    if any(p["begins"] == "new" for p in over[1:]):
        complain(f"{where}: parent {span['parent']} becomes another unit within the span")
    if any(RANK[p["level"]] >= RANK[span["level"]] for p in over):
        complain(f"{where}: parent {span['parent']} is not of a higher level")


def check_heirs(by_code, successions, complain):
    heirs = defaultdict(list)
    for r in successions:
        heirs[r["date"], r["old_code"]].append(r["people"])
        if not any(s["from"] == r["date"] for s in by_code.get(r["new_code"], [])):
            complain(f"{r['date']} {r['new_code']}: successor without a span from that day")
        if not any(s["to"] == day_before(r["date"]) for s in by_code.get(r["old_code"], [])):
            complain(f"{r['date']} {r['old_code']}: predecessor without a span to the day before")
    for key, people in heirs.items():
        if people.count("all") > 1 or ("all" in people and "part" in people) or \
                people.count("part") == 1 or set(people) == {"none"}:
            complain(f"{key[0]} {key[1]}: its people went {people}")
    without = Counter()
    for code, spans in by_code.items():
        ends = [a for a, b in zip(spans, spans[1:]) if b["begins"] == "new"]
        for span in ends + [spans[-1]]:
            day = span["to"] and (date.fromisoformat(span["to"]) + timedelta(1)).isoformat()
            if not day or (day, code) in heirs:
                continue
            without[day, span["level"]] += 1
            if span["level"] == "commune" and code not in NO_HEIR_KNOWN:
                complain(f"{code} ended on {span['to']} without an heir")
    for (day, level), count in sorted(without.items()):
        print(f"{day}: {count} of level {level} ended without an heir")


def check(out):
    faults = []
    spans = [s for name in FILES for s in read_rows(Path(out) / name)]
    successions = read_rows(Path(out) / "successions.csv")
    by_code = defaultdict(list)
    for span in sorted(spans, key=lambda s: s["from"]):
        by_code[span["code"]].append(span)
    check_counts(spans, faults.append)
    check_spans(by_code, successions, faults.append)
    check_heirs(by_code, successions, faults.append)
    begins = Counter((s["from"], s["begins"]) for s in spans)
    for (day, word), count in sorted(begins.items()):
        print(f"{day}: {count} spans, {word}")
    print(f"{len(spans)} spans of {len(by_code)} codes, {len(successions)} successions: "
          f"{Counter(r['people'] for r in successions)}")
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


def main(args):
    if len(args) == 8 and args[0] == "make":
        make(*args[1:])
        return 0
    if len(args) == 2 and args[0] == "check":
        return check(args[1])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
