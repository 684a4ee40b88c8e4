#include "services/aggregator/ledger_internal.h"

#include "common/base/check.h"

/* --- sums of cells */

/* Where cells are read from: the store, or a view recomputed as known at an offset. */
struct cell_view {
    const struct registry *registry;
    struct kv *kv;
    struct known *known; /* NULL: the store's cells */
};

struct cell_sum {
    __int128 amount;
    int64_t figures;
    uint64_t reported;
    uint64_t on_time;
};

/* Which days count for what: a stock's level is the sum of all steps so far, its reports are those
 * of the days asked. */
struct cell_span {
    day_t amount_from;
    day_t reports_from;
    day_t last;
};

static void sum_add(struct cell_sum *sum, const struct ledger_cell *cell, day_t day,
                    const struct cell_span *span)
{
    if (day >= span->amount_from) {
        sum->amount += cell->amount;
        sum->figures += cell->figures;
    }
    if (day >= span->reports_from) {
        sum->reported += cell->reported;
        sum->on_time += cell->on_time;
    }
}

static void sum_stored(struct kv *kv, uint32_t indicator, uint32_t code,
                       const struct cell_span *span, struct cell_sum *sum)
{
    uint8_t from[CELL_KEY_BYTES];
    struct slice key, value;
    day_t first = span->amount_from < span->reports_from ? span->amount_from : span->reports_from;
    cell_key_encode((struct ledger_cell_key){indicator, code, first}, from);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_CELLS);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct ledger_cell_key k = cell_key_decode(key);
        if (k.indicator != indicator || k.code != code || k.day > span->last)
            break;
        struct ledger_cell cell = cell_decode(value);
        sum_add(sum, &cell, k.day, span);
    }
    kv_cursor_close(c);
}

static size_t known_find(const struct known_cells *cells, struct ledger_cell_key key)
{
    size_t low = 0, high = cells->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cell_key_compare(cells->cells[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void sum_known(const struct known_cells *cells, uint32_t indicator, uint32_t code,
                      const struct cell_span *span, struct cell_sum *sum)
{
    day_t first = span->amount_from < span->reports_from ? span->amount_from : span->reports_from;
    size_t i = known_find(cells, (struct ledger_cell_key){indicator, code, first});
    for (; i < cells->count; i++) {
        struct ledger_cell_key k = cells->cells[i].key;
        if (k.code != code || k.day > span->last)
            break;
        sum_add(sum, &cells->cells[i].delta, k.day, span);
    }
}

/* --- questions */

static int value_set(int64_t *out, __int128 amount, struct err *err)
{
    if (amount > INT64_MAX || amount < INT64_MIN)
        return err_set(err, ERR_LIMIT,
                       "the sum does not fit in 64 bits: ask for a shorter period or a "
                       "smaller unit");
    *out = (int64_t)amount;
    return 0;
}

/* A flow or a stock of one unit's subtree. */
static int ask_sum(struct cell_view *view, const struct ledger_question *q, uint32_t unit,
                   struct ledger_value *out, struct err *err)
{
    const struct unit *u = catalogue_unit(registry_catalogue(view->registry), unit);
    bool stock = registry_indicator(view->registry, q->indicator)->kind == INDICATOR_STOCK;
    day_t first = q->first > u->from ? q->first : u->from;
    struct cell_span span = {stock ? DAY_FIRST : first, first, q->last};
    struct cell_sum sum = {0};
    if (view->known != NULL)
        sum_known(known_cells_of(view->known, view->kv, q->indicator), q->indicator, q->code, &span,
                  &sum);
    else
        sum_stored(view->kv, q->indicator, q->code, &span, &sum);
    out->has_value = sum.figures > 0;
    out->figures = (uint32_t)sum.figures;
    out->reported = (uint32_t)sum.reported;
    out->on_time = (uint32_t)sum.on_time;
    out->owed = (uint32_t)registry_owed_between(view->registry, q->indicator, unit, first, q->last);
    out->source = registry_record_on(view->registry, q->indicator, q->last);
    return value_set(&out->value, sum.amount, err);
}

/* Parts per million, half away from zero. */
static __int128 ratio_ppm(int64_t numerator, int64_t denominator)
{
    __int128 n = (__int128)numerator * 1000000 * 2;
    __int128 d = denominator;
    if (d < 0) {
        n = -n;
        d = -d;
    }
    n += n < 0 ? -d : d;
    return n / (2 * d);
}

static int ask_ratio(struct cell_view *view, const struct ledger_question *q, uint32_t unit,
                     struct ledger_value *out, struct err *err)
{
    const struct indicator *i = registry_indicator(view->registry, q->indicator);
    struct ledger_question part = *q;
    struct ledger_value n, d;
    memset(&n, 0, sizeof n);
    memset(&d, 0, sizeof d);
    part.indicator = registry_indicator_find(view->registry, ident_slice(&i->numerator));
    int rc = ask_sum(view, &part, unit, &n, err);
    part.indicator = registry_indicator_find(view->registry, ident_slice(&i->denominator));
    if (rc == 0)
        rc = ask_sum(view, &part, unit, &d, err);
    if (rc != 0)
        return rc;
    out->numerator = n.value;
    out->denominator = d.value;
    out->has_value = n.has_value && d.has_value && d.value != 0;
    out->figures = n.figures + d.figures;
    out->owed = n.owed + d.owed;
    out->reported = n.reported + d.reported;
    out->on_time = n.on_time + d.on_time;
    out->source = REGISTRY_NONE;
    return out->has_value ? value_set(&out->value, ratio_ppm(n.value, d.value), err) : 0;
}

/* The figure of a fact record, by this source and as the view knows it. */
static bool own_figure(struct cell_view *view, uint32_t source, struct slice key,
                       struct slice value, int64_t *out)
{
    struct fact fact;
    if (fact_key_decode(key).source != source || !fact_decode(value, &fact))
        return false;
    return view->known != NULL ? known_figure(view->kv, &fact, view->known->offset, out)
                               : fact_figure(&fact, out);
}

static bool is_of(struct slice key, const struct ledger_question *q)
{
    struct fact_key k = fact_key_decode(key);
    return k.indicator == q->indicator && k.code == q->code;
}

static __int128 own_flow(struct cell_view *view, const struct ledger_question *q, day_t first,
                         uint32_t *figures)
{
    uint8_t from[FACT_KEY_BYTES];
    struct slice key, value;
    __int128 amount = 0;
    int64_t figure;
    struct kv_cursor *c = kv_cursor_open(view->kv, LEDGER_FACTS);
    fact_key_encode((struct fact_key){q->indicator, q->code, first, 0}, from);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value);
         more && is_of(key, q) && fact_key_decode(key).day <= q->last;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        if (!own_figure(view, q->source, key, value, &figure))
            continue;
        amount += figure;
        ++*figures;
    }
    kv_cursor_close(c);
    return amount;
}

/* Backwards from the last day: forwards, a figure of every day for years would be gone through for
 * each question. */
static int64_t own_stock(struct cell_view *view, const struct ledger_question *q, day_t first,
                         uint32_t *figures)
{
    uint8_t at[FACT_KEY_BYTES];
    struct slice key, value;
    int64_t figure = 0;
    struct kv_cursor *c = kv_cursor_open(view->kv, LEDGER_FACTS);
    fact_key_encode((struct fact_key){q->indicator, q->code, q->last, q->source}, at);
    const struct slice wanted = slice_of(at, sizeof at);
    bool more = kv_cursor_seek(c, wanted, &key, &value);
    if (!more)
        more = kv_cursor_move(c, KV_LAST, &key, &value);
    else if (!slice_equal(key, wanted))
        more = kv_cursor_move(c, KV_PREV, &key, &value);
    for (; more && is_of(key, q) && fact_key_decode(key).day >= first && *figures == 0;
         more = kv_cursor_move(c, KV_PREV, &key, &value))
        *figures = own_figure(view, q->source, key, value, &figure) ? 1 : 0;
    kv_cursor_close(c);
    return *figures > 0 ? figure : 0;
}

/* A unit's own figures by one source, summed (flow) or the latest (stock). */
static int ask_own(struct cell_view *view, const struct ledger_question *q, uint32_t unit,
                   struct ledger_value *out, struct err *err)
{
    const struct unit *u = catalogue_unit(registry_catalogue(view->registry), unit);
    bool stock = registry_indicator(view->registry, q->indicator)->kind == INDICATOR_STOCK;
    day_t first = stock || q->first < u->from ? u->from : q->first;
    __int128 amount =
        stock ? own_stock(view, q, first, &out->figures) : own_flow(view, q, first, &out->figures);
    out->has_value = out->figures > 0;
    out->source = registry_record_on(view->registry, q->indicator, q->last);
    return value_set(&out->value, amount, err);
}

static int ask(struct cell_view *view, const struct ledger_question *q, struct ledger_value *out,
               struct err *err)
{
    memset(out, 0, sizeof *out);
    out->source = REGISTRY_NONE;
    if (q->indicator >= registry_indicator_count(view->registry))
        return err_set(err, ERR_NOT_FOUND, "this indicator was not yet in any plan");
    uint32_t unit = CATALOGUE_NONE;
    if (q->code < catalogue_code_count(registry_catalogue(view->registry)))
        unit = catalogue_unit_on(registry_catalogue(view->registry), q->code, q->last);
    if (unit == CATALOGUE_NONE) {
        char day[DAY_TEXT_BYTES];
        return err_set(err, ERR_NOT_FOUND, "no unit bears this code on %s",
                       day_format(q->last, day));
    }
    if (registry_indicator(view->registry, q->indicator)->kind == INDICATOR_RATIO)
        return ask_ratio(view, q, unit, out, err);
    if (q->source != REGISTRY_NONE)
        return ask_own(view, q, unit, out, err);
    return ask_sum(view, q, unit, out, err);
}

int ledger_query(const struct ledger *l, struct kv *kv, const struct ledger_question *q,
                 struct ledger_value *out, struct err *err)
{
    struct cell_view view = {l->registry, kv, NULL};
    return ask(&view, q, out, err);
}

int ledger_query_as_known(struct ledger *l, struct kv *kv, uint64_t offset,
                          const struct ledger_question *q, struct ledger_value *out,
                          struct err *err)
{
    struct known *known;
    int rc = known_at(l, kv, offset, &known, err);
    if (rc != 0)
        return rc;
    struct cell_view view = {known->registry, kv, known};
    return ask(&view, q, out, err);
}

uint64_t ledger_offset_on(struct kv *kv, day_t day)
{
    struct buf from = {0};
    struct slice key, value;
    uint64_t offset = 0;
    buf_i32_ordered(&from, day + 1);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_DAYS);
    bool found = kv_cursor_seek(c, buf_slice(&from), &key, &value)
                     ? kv_cursor_move(c, KV_PREV, &key, &value)
                     : kv_cursor_move(c, KV_LAST, &key, &value);
    if (found) {
        struct reader r = reader_of(value);
        offset = reader_u64(&r);
    }
    kv_cursor_close(c);
    buf_fini(&from);
    return offset;
}

/* --- the history of a cell */

static bool version_holds(const struct fact *fact, uint64_t at, const struct version_row *row,
                          const struct stamp *stamp)
{
    if (fact->op != OP_ADD)
        return at == fact->holds;
    if (row->op == OP_CLEAR)
        return at == fact->holds;
    return !fact->cleared || stamp_compare(stamp, &fact->stamp) > 0;
}

static int trace_fact(struct kv *kv, uint32_t source, const struct fact *fact,
                      bool (*visit)(void *arg, const struct ledger_version *v), void *arg,
                      struct err *err)
{
    struct version_head head;
    struct version_row row;
    for (uint64_t at = fact->newest; at != VERSION_NONE; at = row.previous) {
        if (!version_find(kv, at, &head, &row))
            return err_set(err, ERR_CORRUPT, "ledger: version %llu is missing",
                           (unsigned long long)at);
        struct ledger_version v = {.source = source,
                                   .op = row.op,
                                   .value = row.value,
                                   .superseded = !row.won,
                                   .stamp = version_stamp(&head, at),
                                   .delegate = head.delegate,
                                   .received_at_ms = head.time_ms,
                                   .offset = head.offset,
                                   .commit = head.commit};
        v.holds = version_holds(fact, at, &row, &v.stamp);
        if (!visit(arg, &v))
            break;
    }
    return 0;
}

int ledger_trace(const struct ledger *l, struct kv *kv, uint32_t indicator, uint32_t code,
                 day_t day, uint32_t source,
                 bool (*visit)(void *arg, const struct ledger_version *v), void *arg,
                 struct err *err)
{
    int rc = 0;
    for (uint32_t s = 0; s < registry_source_count(l->registry) && rc == 0; s++) {
        uint8_t key[FACT_KEY_BYTES];
        struct slice value;
        struct fact fact;
        fact_key_encode((struct fact_key){indicator, code, day, s}, key);
        if ((source != REGISTRY_NONE && source != s) ||
            !kv_get(kv, LEDGER_FACTS, slice_of(key, sizeof key), &value))
            continue;
        rc = fact_decode(value, &fact) ? trace_fact(kv, s, &fact, visit, arg, err)
                                       : err_set(err, ERR_CORRUPT, "ledger: a fact cannot be read");
    }
    return rc;
}

/* --- everything */

void ledger_visit_cells(struct kv *kv, uint32_t indicator,
                        void (*visit)(void *arg, struct ledger_cell_key key,
                                      struct ledger_cell cell),
                        void *arg)
{
    uint8_t from[CELL_KEY_BYTES];
    struct slice key, value;
    cell_key_encode((struct ledger_cell_key){indicator, 0, INT32_MIN}, from);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_CELLS);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value);
         more && cell_key_decode(key).indicator == indicator;
         more = kv_cursor_move(c, KV_NEXT, &key, &value))
        visit(arg, cell_key_decode(key), cell_decode(value));
    kv_cursor_close(c);
}

void ledger_visit_code(struct kv *kv, uint32_t indicator, uint32_t code,
                       void (*visit)(void *arg, struct ledger_cell_key key,
                                     struct ledger_cell cell),
                       void *arg)
{
    uint8_t from[CELL_KEY_BYTES];
    struct slice key, value;
    cell_key_encode((struct ledger_cell_key){indicator, code, INT32_MIN}, from);
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_CELLS);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct ledger_cell_key at = cell_key_decode(key);
        if (at.indicator != indicator || at.code != code)
            break;
        visit(arg, at, cell_decode(value));
    }
    kv_cursor_close(c);
}

void ledger_visit_excluded(const struct ledger *l, struct kv *kv,
                           void (*visit)(void *arg, uint32_t indicator, uint32_t code, day_t day,
                                         uint32_t source, int64_t value),
                           void *arg)
{
    struct slice key, value;
    struct kv_cursor *c = kv_cursor_open(kv, LEDGER_FACTS);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value)) {
        struct fact_key k = fact_key_decode(key);
        struct fact fact;
        int64_t figure;
        if (catalogue_unit_on(registry_catalogue(l->registry), k.code, k.day) == CATALOGUE_NONE &&
            fact_decode(value, &fact) && fact_figure(&fact, &figure))
            visit(arg, k.indicator, k.code, k.day, k.source, figure);
    }
    kv_cursor_close(c);
}

struct dump {
    const struct registry *registry;
    bool figures_only;
    struct buf text;
    void (*line)(void *arg, const char *text);
    void *arg;
};

static void dump_hex(struct buf *out, struct slice s)
{
    const uint8_t *bytes = s.data;
    for (size_t i = 0; i < s.len; i++)
        buf_printf(out, "%02x", bytes[i]);
}

static void dump_cell_name(struct dump *d, const char *what, uint32_t indicator, uint32_t code,
                           day_t day)
{
    char text[DAY_TEXT_BYTES];
    buf_printf(&d->text, "%s %s %s %s", what, registry_indicator(d->registry, indicator)->id.text,
               catalogue_code_text(registry_catalogue(d->registry), code), day_format(day, text));
}

static void dump_fact(struct dump *d, struct slice key, struct slice value)
{
    struct fact_key k = fact_key_decode(key);
    struct fact fact;
    int64_t figure = 0;
    bool readable = fact_decode(value, &fact);
    dump_cell_name(d, "fact", k.indicator, k.code, k.day);
    buf_printf(&d->text, " %s ", registry_source(d->registry, k.source)->id.text);
    if (readable && fact_figure(&fact, &figure))
        buf_printf(&d->text, "%lld", (long long)figure);
    else
        buf_printf(&d->text, "-");
    if (!d->figures_only) {
        buf_printf(&d->text, " ");
        dump_hex(&d->text, value);
    }
}

static void dump_cell(struct dump *d, struct slice key, struct slice value)
{
    struct ledger_cell_key k = cell_key_decode(key);
    struct ledger_cell c = cell_decode(value);
    dump_cell_name(d, "cell", k.indicator, k.code, k.day);
    buf_printf(&d->text, " %lld %d %u %u", (long long)c.amount, c.figures, c.reported, c.on_time);
}

static void dump_raw(struct dump *d, unsigned table, struct slice key, struct slice value)
{
    buf_printf(&d->text, "%s ", ledger_table_names[table]);
    dump_hex(&d->text, key);
    buf_printf(&d->text, " ");
    dump_hex(&d->text, value);
}

static void dump_record(struct dump *d, unsigned table, struct slice key, struct slice value)
{
    buf_clear(&d->text);
    if (table == LEDGER_FACTS)
        dump_fact(d, key, value);
    else if (table == LEDGER_CELLS)
        dump_cell(d, key, value);
    else
        dump_raw(d, table, key, value);
    d->line(d->arg, (const char *)d->text.data);
}

static void dump_table(struct dump *d, struct kv *kv, unsigned table)
{
    struct slice key, value;
    struct kv_cursor *c = kv_cursor_open(kv, table);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value))
        dump_record(d, table, key, value);
    kv_cursor_close(c);
}

void ledger_dump(const struct ledger *l, struct kv *kv, bool figures_only,
                 void (*line)(void *arg, const char *text), void *arg)
{
    struct dump d = {l->registry, figures_only, {0}, line, arg};
    for (unsigned table = 0; table < LEDGER_TABLE_COUNT; table++) {
        if (figures_only && table != LEDGER_FACTS && table != LEDGER_CELLS)
            continue;
        dump_table(&d, kv, table);
    }
    buf_fini(&d.text);
}
