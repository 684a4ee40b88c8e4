/* Computes everything again from the journal and compares. Beside a running service: its store is
 * read, what is computed goes into a scratch store in a directory of its own, removed at the end.
 */
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/parse.h"
#include "services/aggregator/aggregator_service.h"

enum { ANSWER_MS = 30000, PROGRESS_MS = 2000, PENDING_MAX = 64 << 20, DIFFERENCES_MAX = 10 };

struct verify {
    struct aggregator_service *own;
    FILE *out;
    char *directory; /* of the scratch store */
    struct store *store;
    struct ledger *ledger;
    struct kv *kv;
    struct net *net;
    struct net_keypair keys;
    struct puller puller;
    struct puller_reply reply;
    struct arena arena;
    int64_t told_ms;
};

/* --- scratch */

static int open_scratch(struct verify *v, struct err *e)
{
    const char *beside = v->own->config->store.directory;
    size_t bytes = strlen(beside) + sizeof "/verify-XXXXXX";
    v->directory = alloc_bytes(bytes);
    snprintf(v->directory, bytes, "%s/verify-XXXXXX", beside);
    if (!mkdtemp(v->directory)) {
        int rc = err_set(e, ERR_IO, "cannot make a directory %s for the comparison", v->directory);
        free(v->directory);
        v->directory = NULL;
        return rc;
    }
    struct store_options options = aggregator_store_options;
    options.directory = v->directory;
    options.map_bytes = (size_t)v->own->config->store.map_bytes;
    options.scratch = true;
    int rc = store_open(&v->store, &options, e);
    if (rc == 0)
        rc = store_begin(v->store, true, &v->kv, e);
    return rc != 0 ? rc : ledger_open(&v->ledger, v->kv, &wire_codec, e);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void close_scratch(struct verify *v)
{
    store_abort(&v->kv);
    ledger_close(v->ledger);
    store_close(v->store);
    if (v->directory)
        nftw(v->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(v->directory);
}

/* --- the journal */

static int connect_collector(struct verify *v, struct err *e)
{
    const struct aggregator_config *c = v->own->config;
    struct net_options options = {.message_bytes_max = AGGREGATOR_MESSAGE_BYTES_MAX,
                                  .retry_ms = 500};
    struct net_key key = aggregator_config_collector_key(c);
    struct net_socket *socket;
    int rc = keypair_load(c->endpoint.key_file, &v->keys, e);
    if (rc == 0)
        rc = net_create(&v->net, &options, e);
    if (rc == 0)
        rc = net_connect(v->net, NET_DEALER, c->collector_endpoint, &key, &v->keys, &socket, e);
    if (rc == 0)
        puller_init(&v->puller, socket, (uint32_t)c->fetch_bytes, 1000);
    if (rc == 0 && net_wait_writable(socket, ANSWER_MS) != 0)
        rc = err_set(e, ERR_NET, "the collector at %s cannot be reached, or refuses our key",
                     c->collector_endpoint);
    return rc;
}

static int next_reply(struct verify *v, struct err *e)
{
    int64_t until_ms = loop_now_ms() + ANSWER_MS;
    pull_reply_clear(&v->reply.raw);
    while (loop_now_ms() < until_ms) {
        puller_poke(&v->puller, loop_now_ms());
        int rc = net_wait(v->puller.pull.socket, 200);
        if (rc == ERR_DENIED)
            return err_set(e, rc, "the collector refuses our key");
        if (rc == 0)
            rc = puller_receive(&v->puller, loop_now_ms(), &v->reply, e);
        if (rc == 0 || rc == ERR_CORRUPT || rc == ERR_DENIED)
            return rc;
    }
    return err_set(e, ERR_NET, "the collector does not answer");
}

/* Before the first entry a store has no position; a flush would write one. */
static int checkpoint(struct verify *v, struct err *e)
{
    if (ledger_position(v->ledger).offset > 0)
        ledger_flush(v->ledger, v->kv, NULL);
    int rc = store_commit(&v->kv, e);
    return rc != 0 ? rc : store_begin(v->store, true, &v->kv, e);
}

static void tell_progress(struct verify *v, uint64_t target)
{
    if (loop_now_ms() - v->told_ms < PROGRESS_MS)
        return;
    v->told_ms = loop_now_ms();
    fprintf(v->out, "verify: entry %" PRIu64 " of %" PRIu64 "\n", ledger_position(v->ledger).offset,
            target);
    fflush(v->out);
}

static int take_commit(struct verify *v, struct slice commit, struct err *e)
{
    struct follow_effects effects = {0};
    int rc = follow_commit(v->ledger, v->kv, commit, &v->arena, &effects, e);
    arena_reset(&v->arena);
    if (rc == 0 && ledger_pending(v->ledger) > PENDING_MAX)
        rc = checkpoint(v, e);
    return rc;
}

/* Until `target` is applied: commits behind it stay in the reply. A store that holds nothing needs
 * no collector. */
static int follow_to(struct verify *v, uint64_t target, struct err *e)
{
    struct slice commit;
    int rc = target > 0 && !v->net ? connect_collector(v, e) : 0;
    while (rc == 0 && ledger_position(v->ledger).offset < target) {
        tell_progress(v, target);
        if (v->reply.raw.held && puller_next_commit(&v->reply, &commit))
            rc = take_commit(v, commit, e);
        else
            rc = next_reply(v, e);
    }
    return rc;
}

/* --- comparing */

struct comparison {
    FILE *out;
    FILE *computed; /* the scratch store's lines */
    char *line;
    size_t capacity;
    unsigned differences;
};

static const char *next_computed(struct comparison *c)
{
    ssize_t len = getline(&c->line, &c->capacity, c->computed);
    if (len <= 0)
        return NULL;
    c->line[len - 1] = '\0';
    return c->line;
}

static void differ(struct comparison *c, const char *stored, const char *computed)
{
    if (++c->differences > DIFFERENCES_MAX)
        return;
    fprintf(c->out, "store:   %s\njournal: %s\n", stored ? stored : "(nothing)",
            computed ? computed : "(nothing)");
}

static void compare_line(void *arg, const char *stored)
{
    struct comparison *c = arg;
    const char *computed = next_computed(c);
    if (!computed || strcmp(stored, computed) != 0)
        differ(c, stored, computed);
}

static void write_line(void *arg, const char *text)
{
    fprintf(arg, "%s\n", text);
}

/* As large as the store, so beside it and not in /tmp. */
static FILE *open_dump(const struct verify *v)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/computed", v->directory);
    return fopen(path, "w+e");
}

static int compare(struct verify *v, const struct ledger *own, struct kv *own_kv, struct err *e)
{
    struct comparison c = {.out = v->out, .computed = open_dump(v)};
    const char *rest;
    if (!c.computed)
        return err_set(e, ERR_IO, "cannot make a file in %s for the comparison", v->directory);
    ledger_dump(v->ledger, v->kv, false, write_line, c.computed);
    rewind(c.computed);
    ledger_dump(own, own_kv, false, compare_line, &c);
    while ((rest = next_computed(&c)) != NULL)
        differ(&c, NULL, rest);
    bool unreadable = ferror(c.computed) != 0;
    fclose(c.computed);
    free(c.line);
    if (unreadable)
        return err_set(e, ERR_IO, "cannot read the file of the comparison in %s", v->directory);
    if (c.differences == 0)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "store and journal differ in %u lines: stop the aggregator, move its store "
                   "away and let it be made again from the journal",
                   c.differences);
}

static void tell_agreement(struct verify *v)
{
    char hash[2 * HASH_BYTES + 1];
    struct ledger_position p = ledger_position(v->ledger);
    if (p.offset == 0) {
        fputs("verify: the store holds no entry of the journal yet: there is nothing to compare\n",
              v->out);
        return;
    }
    format_hex(p.commit_hash, HASH_BYTES, hash);
    fprintf(v->out,
            "verify: %" PRIu64 " entries, %" PRIu64 " commits, %" PRIu64
            " rows: store and journal agree; head %s\n",
            p.offset, p.commit_number, p.next_row, hash);
}

/* The long part goes without a hold on the store; then the service has moved on, and the short rest
 * is followed up to what the read sees. */
static int verify_against(struct verify *v, struct kv *own_kv, struct err *e)
{
    struct ledger *own = NULL;
    int rc = ledger_open(&own, own_kv, &wire_codec, e);
    if (rc == 0)
        rc = follow_to(v, ledger_position(own).offset, e);
    if (rc == 0)
        rc = checkpoint(v, e);
    if (rc == 0)
        rc = compare(v, own, own_kv, e);
    if (rc == 0 && kv_failed(own_kv))
        rc = err_set(e, own_kv->err.code, "%s", own_kv->err.text);
    ledger_close(own);
    return rc;
}

static int run(struct verify *v, struct err *e)
{
    struct kv *own_kv = NULL;
    int rc = open_scratch(v, e);
    if (rc == 0)
        rc = follow_to(v, v->own->done.offset, e);
    if (rc == 0)
        rc = store_begin(v->own->store, false, &own_kv, e);
    if (rc == 0)
        rc = verify_against(v, own_kv, e);
    store_abort(&own_kv);
    return rc;
}

int aggregator_verify(struct service *service, FILE *out, struct err *e)
{
    struct verify v = {.own = service_state(service), .out = out, .told_ms = loop_now_ms()};
    arena_init(&v.arena, 4 << 20);
    int rc = run(&v, e);
    if (rc == 0)
        tell_agreement(&v);
    pull_reply_clear(&v.reply.raw);
    net_destroy(v.net);
    keypair_wipe(&v.keys);
    close_scratch(&v);
    arena_fini(&v.arena);
    return rc;
}
