#include "services/aggregator/follow.h"

#include "common/journal/journal.h"
#include "common/wire/wire.h"

static int check_chain(const struct ledger *l, const struct commit_head *head, struct err *e)
{
    struct ledger_position at = ledger_position(l);
    if (head->number == at.commit_number + 1 && head->first_offset == at.offset + 1 &&
        memcmp(head->previous_hash, at.commit_hash, HASH_BYTES) == 0)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "commit %llu of the journal (entry %llu) does not follow commit %llu (entry "
                   "%llu) that was applied last: one of the two was restored from a backup or "
                   "rewritten; compare heads before going on",
                   (unsigned long long)head->number, (unsigned long long)head->first_offset,
                   (unsigned long long)at.commit_number, (unsigned long long)at.offset);
}

static void note_producer(const struct ledger *l, const struct entry *entry, struct arena *arena,
                          struct follow_effects *effects)
{
    struct producer_change change;
    if (wire_unpack_producer_change(entry->body, arena, &change, NULL) != 0 ||
        change.kind == PRODUCER_KEY_ADD)
        return;
    uint32_t *more = arena_alloc(arena, (effects->producer_count + 1) * sizeof *more);
    if (effects->producer_count > 0)
        memcpy(more, effects->producers, effects->producer_count * sizeof *more);
    more[effects->producer_count++] =
        registry_producer_find(ledger_registry(l), ident_slice(&change.producer.name));
    effects->producers = more;
}

static void note_effects(const struct ledger *l, const struct entry *entry, struct arena *arena,
                         struct follow_effects *effects)
{
    if (entry->kind == ENTRY_CATALOGUE || entry->kind == ENTRY_PLAN)
        effects->registry = true;
    if (entry->kind != ENTRY_PRODUCER)
        return;
    effects->registry = true;
    note_producer(l, entry, arena, effects);
}

/* The transaction's own failure goes first: after it the ledger may have seen anything. */
static int result_of(struct kv *kv, int rc, struct err *e)
{
    return kv_failed(kv) ? err_set(e, kv->err.code, "%s", kv->err.text) : rc;
}

int follow_commit(struct ledger *l, struct kv *kv, struct slice commit, struct arena *arena,
                  struct follow_effects *effects, struct err *e)
{
    struct commit_head head;
    struct slice entries;
    struct entry entry;
    int rc = journal_commit_decode(commit, &head, &entries, e);
    if (rc == 0)
        rc = check_chain(l, &head, e);
    for (uint32_t i = 0; rc == 0 && i < head.entry_count; i++) {
        rc = journal_entry_decode(&entries, &head, i, true, arena, &entry, e);
        if (rc == 0)
            rc = result_of(kv, ledger_apply(l, kv, &entry, e), e);
        if (rc == 0)
            note_effects(l, &entry, arena, effects);
    }
    if (rc == 0)
        ledger_end_commit(l, head.number, head.hash);
    return rc;
}
