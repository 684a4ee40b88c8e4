#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/wire/wire.h"

/* --- what each entry must be --- */

static struct sim_spool_seen *find_spool(struct sim *w, const struct entry *e)
{
    struct sim_journal *j = &w->journal;
    for (unsigned i = 0; i < j->spool_count; i++)
        if (j->spools[i].producer == e->producer &&
            memcmp(&j->spools[i].id, &e->spool, sizeof e->spool) == 0)
            return &j->spools[i];
    if (j->spool_count == SIM_SPOOLS_MAX)
        sim_fail(w, "more than %d spools", SIM_SPOOLS_MAX);
    j->spools[j->spool_count] = (struct sim_spool_seen){.producer = e->producer, .id = e->spool};
    return &j->spools[j->spool_count++];
}

static void check_number(struct sim *w, const struct entry *e)
{
    struct sim_spool_seen *spool = find_spool(w, e);
    if (e->number != spool->last_number + 1)
        sim_fail(w,
                 "entry %" PRIu64 ": producer %u has number %" PRIu64
                 " journalled, the last of that spool was %" PRIu64,
                 e->offset, e->producer, e->number, spool->last_number);
    spool->last_number = e->number;
}

/* Which statement a body carries: its first row's value. 0: none. */
static uint32_t statement_in(struct sim *w, const struct entry *e)
{
    struct batch b;
    if (e->refusal != REFUSAL_NONE)
        return 0;
    if (wire_unpack_batch(e->body, &w->collector.arena, &b, NULL) != 0)
        sim_fail(w, "entry %" PRIu64 ": accepted, and its body is no batch", e->offset);
    int64_t value = b.values[0];
    return value > 0 && (size_t)value < w->statement_count ? (uint32_t)value : 0;
}

static void count_statement(struct sim *w, const struct entry *e)
{
    uint32_t statement = statement_in(w, e);
    if (statement != 0)
        w->statements[statement].journalled++;
    for (size_t i = 1; e->refusal == REFUSAL_MALFORMED && i < w->statement_count; i++)
        if (w->statements[i].poison && memcmp(w->statements[i].hash, e->body_hash, HASH_BYTES) == 0)
            w->statements[i].journalled++;
}

static void check_batch(struct sim *w, const struct entry *e)
{
    check_number(w, e);
    if (e->first_row != w->journal.next_row)
        sim_fail(w, "entry %" PRIu64 ": first row %" PRIu64 ", rows before it %" PRIu64, e->offset,
                 e->first_row, w->journal.next_row);
    w->journal.next_row += e->row_count;
    w->journal.accepted_rows += e->row_count - e->refused_count;
    count_statement(w, e);
}

/* --- taking commits in --- */

static void keep(struct sim *w, struct entry e, const struct commit_head *head)
{
    struct sim_journal *j = &w->journal;
    void *entries = j->entries, *commits = j->commits, *hashes = j->hashes;
    alloc_reserve(&entries, &j->entry_capacity, j->count + 1, sizeof *j->entries);
    alloc_reserve(&commits, &j->commit_capacity, j->count + 1, sizeof *j->commits);
    alloc_reserve(&hashes, &j->hash_capacity, j->count + 1, sizeof *j->hashes);
    j->entries = entries;
    j->commits = commits;
    j->hashes = hashes;
    if (e.body.len > 0)
        e.body.data = arena_string(&w->memory, e.body.data, e.body.len);
    j->commits[j->count] = head->number;
    memcpy(j->hashes[j->count], head->hash, HASH_BYTES);
    j->entries[j->count++] = e;
}

static void check_chain(struct sim *w, const struct commit_head *head)
{
    const struct sim_journal *j = &w->journal;
    if (head->number != j->head.number + 1 || head->first_offset != j->count + 1)
        sim_fail(w, "commit %" PRIu64 " at %" PRIu64 " follows commit %" PRIu64 " with %zu entries",
                 head->number, head->first_offset, j->head.number, j->count);
    if (memcmp(head->previous_hash, j->head.hash, HASH_BYTES) != 0)
        sim_fail(w, "commit %" PRIu64 " does not carry the hash of the one before", head->number);
    if (head->time_ms < j->head.time_ms)
        sim_fail(w, "commit %" PRIu64 ": time goes back from %" PRId64 " to %" PRId64, head->number,
                 j->head.time_ms, head->time_ms);
}

static void take_commit(struct sim *w, struct slice commit)
{
    struct err err = {0};
    struct commit_head head;
    struct slice rest;
    if (journal_commit_decode(commit, &head, &rest, &err) != 0)
        sim_fail(w, "the store's commit after entry %zu: %s", w->journal.count, err.text);
    check_chain(w, &head);
    for (uint32_t i = 0; i < head.entry_count; i++) {
        struct entry e;
        if (journal_entry_decode(&rest, &head, i, true, &w->memory, &e, &err) != 0)
            sim_fail(w, "entry %zu: %s", w->journal.count + 1, err.text);
        keep(w, e, &head);
        if (e.kind == ENTRY_BATCH)
            check_batch(w, &w->journal.entries[w->journal.count - 1]);
    }
    w->journal.head = head;
}

static void put_offset(uint64_t offset, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(offset >> 8 * (7 - i));
}

void sim_journal_follow(struct sim *w)
{
    uint8_t from[8];
    struct slice key, commit;
    struct kv *kv = memkv_begin(w->collector.disk, false);
    struct kv_cursor *c = kv_cursor_open(kv, COLLECTOR_COMMITS);
    put_offset(w->journal.count + 1, from);
    for (bool more = kv_cursor_seek(c, slice_of(from, sizeof from), &key, &commit); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &commit))
        take_commit(w, commit);
    kv_cursor_close(c);
    memkv_abort(&kv);
    struct collector_head head = collector_head(w->collector.core);
    if (head.offset != w->journal.count || memcmp(head.hash, w->journal.head.hash, HASH_BYTES) != 0)
        sim_fail(w, "the collector believes in entry %" PRIu64 ", its store has %zu", head.offset,
                 w->journal.count);
}

void sim_journal_fini(struct sim_journal *j)
{
    free(j->entries);
    free(j->commits);
    free(j->hashes);
}

/* --- answers --- */

static bool same_refusals(const struct verdict *v, const struct entry *e)
{
    if (v->refusal != e->refusal || v->row_count != e->row_count ||
        v->refused_count != e->refused_count)
        return false;
    for (uint32_t i = 0; i < v->refused_count; i++)
        if (v->refused[i].row != e->refused[i].row || v->refused[i].code != e->refused[i].code)
            return false;
    return true;
}

static void check_not_journalled(struct sim *w, const struct sim_message *m)
{
    enum refusal refusal = (enum refusal)m->answer.verdict.refusal;
    if (refusal == REFUSAL_NONE || refusal_consumes_number(refusal))
        sim_fail(w, "node %u was told '%s' of number %" PRIu64 " without an offset", m->to,
                 refusal_name(refusal), m->answer.asked.number);
    if (refusal == REFUSAL_SETTLED)
        sim_fail(w, "node %u: number %" PRIu64 " was forgotten, and nothing was cut", m->to,
                 m->answer.asked.number);
}

void sim_journal_check_answer(struct sim *w, const struct sim_message *m)
{
    const struct sim_submit *asked = &m->answer.asked;
    const struct verdict *v = &m->answer.verdict;
    if (v->offset == 0) {
        check_not_journalled(w, m);
        return;
    }
    if (v->offset > w->journal.count)
        sim_fail(
            w, "node %u was told offset %" PRIu64 " of number %" PRIu64 ", the journal ends at %zu",
            m->to, v->offset, asked->number, w->journal.count);
    const struct entry *e = &w->journal.entries[v->offset - 1];
    if (e->kind != ENTRY_BATCH || e->number != asked->number ||
        memcmp(&e->spool, &asked->spool, sizeof e->spool) != 0 ||
        memcmp(e->body_hash, asked->content->hash, HASH_BYTES) != 0)
        sim_fail(w,
                 "node %u was told offset %" PRIu64 " of number %" PRIu64
                 ": another entry stands there",
                 m->to, v->offset, asked->number);
    if (!same_refusals(v, e) || v->time_ms != e->time_ms)
        sim_fail(w,
                 "node %u was told another verdict on number %" PRIu64
                 " than the journal has at %" PRIu64,
                 m->to, asked->number, v->offset);
}
