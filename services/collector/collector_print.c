/* The journal as text: everything (--dump-store), or what was refused (--quarantine). Reads beside
 * a running collector. */
#include <inttypes.h>

#include "common/base/parse.h"
#include "services/collector/collector_service.h"
#include "services/collector/journal_store_core.h"

enum { WALK_BYTES = 1 << 20 };

struct printer {
    FILE *out;
    struct registry *registry; /* as of the entry under way: names for ordinals */
    struct arena arena;
    void (*commit)(struct printer *p, const struct commit_head *head); /* may be NULL */
    void (*entry)(struct printer *p, const struct entry *e);
};

static const char *producer_name(const struct printer *p, uint32_t ordinal)
{
    const struct producer *producer =
        ordinal == REGISTRY_NONE ? NULL : registry_producer(p->registry, ordinal);
    return producer ? producer->name.text : "-";
}

/* --- walking */

static int take_registry(struct printer *p, const struct entry *e, struct err *err)
{
    struct catalogue_spec catalogue;
    struct plan plan;
    struct producer_change change;
    int rc = 0;
    if (e->kind == ENTRY_CATALOGUE) {
        rc = wire_unpack_catalogue(e->body, &p->arena, &catalogue, err);
        return rc ? rc : registry_apply_catalogue(p->registry, &catalogue, err);
    }
    if (e->kind == ENTRY_PLAN) {
        rc = wire_unpack_plan(e->body, &p->arena, &plan, err);
        return rc ? rc : registry_apply_plan(p->registry, &plan, err);
    }
    if (e->kind == ENTRY_PRODUCER) {
        rc = wire_unpack_producer_change(e->body, &p->arena, &change, err);
        return rc ? rc : registry_apply_producer(p->registry, &change, err);
    }
    return 0;
}

static int walk_commit(struct printer *p, struct slice commit, struct err *err)
{
    struct commit_head head;
    struct slice entries;
    struct entry e;
    int rc = journal_commit_decode(commit, &head, &entries, err);
    if (rc == 0 && p->commit)
        p->commit(p, &head);
    for (uint32_t i = 0; rc == 0 && i < head.entry_count; i++) {
        rc = journal_entry_decode(&entries, &head, i, true, &p->arena, &e, err);
        if (rc == 0)
            rc = take_registry(p, &e, err);
        if (rc == 0)
            p->entry(p, &e);
        arena_reset(&p->arena);
    }
    return rc;
}

/* As a follower takes them: *before is the head of the commit before, and goes on. */
static int walk_fetched(struct printer *p, struct slice bytes, struct commit_head *before,
                        struct err *err)
{
    struct reader r = reader_of(bytes);
    int rc = 0;
    while (rc == 0 && !reader_done(&r)) {
        struct slice commit = reader_bytes(&r, reader_u32(&r));
        rc = walk_commit(p, commit, err);
        if (rc == 0)
            rc = journal_commit_peek(commit, before, err);
    }
    return rc;
}

static int walk(struct printer *p, struct kv *kv, struct err *err)
{
    struct buf bytes = {0};
    struct commit_head first, last, before = {0};
    uint32_t count = 1;
    int rc = journal_store_ends(kv, &first, &last, err);
    if (rc == 0) {
        before.first_offset = first.first_offset;
        memcpy(before.hash, first.previous_hash, HASH_BYTES);
    }
    while (rc == 0 && count > 0) {
        buf_clear(&bytes);
        rc = journal_store_fetch(kv, before.first_offset + before.entry_count, before.hash,
                                 WALK_BYTES, &bytes, &count, err);
        if (rc == 0)
            rc = walk_fetched(p, buf_slice(&bytes), &before, err);
    }
    buf_fini(&bytes);
    return rc == ERR_NOT_FOUND ? 0 : rc; /* no journal was begun */
}

static int print_journal(struct service *service, struct printer *p, struct err *err)
{
    struct collector_service *s = service_state(service);
    struct kv *kv = NULL;
    arena_init(&p->arena, 1 << 20);
    p->registry = registry_create();
    int rc = store_begin(s->store, false, &kv, err);
    if (rc == 0)
        rc = walk(p, kv, err);
    store_abort(&kv);
    registry_destroy(p->registry);
    arena_fini(&p->arena);
    return rc;
}

/* --- everything */

static const char *kind_name(enum entry_kind kind)
{
    static const char *const names[] = {
        [ENTRY_GENESIS] = "genesis", [ENTRY_BATCH] = "batch",       [ENTRY_CATALOGUE] = "catalogue",
        [ENTRY_PLAN] = "plan",       [ENTRY_PRODUCER] = "producer", [ENTRY_TICK] = "tick",
        [ENTRY_CLOCK] = "clock",
    };
    return (size_t)kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "unknown";
}

static void dump_commit(struct printer *p, const struct commit_head *head)
{
    char time[32], hash[2 * HASH_BYTES + 1];
    format_hex(head->hash, HASH_BYTES, hash);
    fprintf(p->out, "commit %" PRIu64 " first=%" PRIu64 " entries=%" PRIu32 " time=%s hash=%s\n",
            head->number, head->first_offset, head->entry_count,
            day_time_format(head->time_ms, time), hash);
}

static void dump_batch(struct printer *p, const struct entry *e)
{
    char spool[2 * SPOOL_ID_BYTES + 1], time[32];
    format_hex(e->spool.bytes, SPOOL_ID_BYTES, spool);
    fprintf(p->out,
            " producer=%s delegate=%s spool=%s number=%" PRIu64 " reported_at=%s rows=%" PRIu32
            " refused_rows=%" PRIu32 " refusal=%s",
            producer_name(p, e->producer), producer_name(p, e->delegate), spool, e->number,
            day_time_format(e->reported_at_ms, time), e->row_count, e->refused_count,
            e->refusal == REFUSAL_NONE ? "-" : refusal_name((enum refusal)e->refusal));
}

static void dump_entry(struct printer *p, const struct entry *e)
{
    char hash[2 * HASH_BYTES + 1];
    format_hex(e->body_hash, HASH_BYTES, hash);
    fprintf(p->out, "  entry %" PRIu64 " %s", e->offset, kind_name(e->kind));
    if (e->kind == ENTRY_BATCH)
        dump_batch(p, e);
    else if (e->kind == ENTRY_GENESIS)
        fprintf(p->out, " mode=%s", e->replay ? "replay" : "live");
    else if (e->kind == ENTRY_CLOCK)
        fprintf(p->out, " before_ms=%" PRId64, e->time_before_ms);
    if (e->kind == ENTRY_CATALOGUE || e->kind == ENTRY_PLAN || e->kind == ENTRY_PRODUCER)
        fprintf(p->out, " operator=%s", producer_name(p, e->operator_producer));
    if (e->body_bytes > 0)
        fprintf(p->out, " bytes=%" PRIu32 " kept=%s body_hash=%s", e->body_bytes,
                e->body.len > 0 ? "true" : "false", hash);
    fputc('\n', p->out);
}

int collector_dump_store(struct service *service, FILE *out, struct err *e)
{
    struct printer p = {.out = out, .commit = dump_commit, .entry = dump_entry};
    return print_journal(service, &p, e);
}

/* --- what was refused */

static void print_refusal(struct printer *p, const struct entry *e, const char *row,
                          enum refusal code)
{
    char spool[2 * SPOOL_ID_BYTES + 1], time[32];
    format_hex(e->spool.bytes, SPOOL_ID_BYTES, spool);
    fprintf(p->out, "%s %s %s %" PRIu64 " %s %u %s\n", day_time_format(e->time_ms, time),
            producer_name(p, e->producer), spool, e->number, row, (unsigned)code,
            refusal_name(code));
}

/* One line a row; "-" for its number when the whole batch was refused. */
static void quarantine_entry(struct printer *p, const struct entry *e)
{
    if (e->kind != ENTRY_BATCH)
        return;
    if (e->refusal != REFUSAL_NONE)
        print_refusal(p, e, "-", (enum refusal)e->refusal);
    for (uint32_t i = 0; i < e->refused_count; i++) {
        char row[16];
        snprintf(row, sizeof row, "%" PRIu32, e->refused[i].row);
        print_refusal(p, e, row, (enum refusal)e->refused[i].code);
    }
}

int collector_print_quarantine(struct service *service, FILE *out, struct err *e)
{
    struct printer p = {.out = out, .entry = quarantine_entry};
    fputs("time producer spool number row code name\n", out);
    return print_journal(service, &p, e);
}
