#include "services/cli/cli.h"

#include "common/base/alloc.h"
#include "common/base/parse.h"
#include "common/net/loop.h"

#include <poll.h>

enum {
    PATH_BYTES = 2048,
    QUESTIONS_A_REQUEST = 8192,
    AGAIN_PAUSE_MS = 200,
    AGAIN_TOLD_MS = 1000, /* what is over sooner needs no word */
};

int cli_load_config(struct cli *cli, struct err *e)
{
    int rc = cli->config.doc ? 0 : cli_config_load(cli->config_path, &cli->config, e);
    cli->misconfigured = rc != 0;
    return rc;
}

static int need(const struct cli *cli, const char *value, const char *key, struct err *e)
{
    if (value)
        return 0;
    return err_set(e, ERR_INVALID, "%s: %s is not given there, and this command needs it",
                   cli->config.path, key);
}

static int load_own_key(struct cli *cli, struct net_keypair *out, struct err *e)
{
    char path[PATH_BYTES];
    if (cli->key_path)
        return keypair_load(cli->key_path, out, e);
    int rc = need(cli, cli->config.key_file, "key_file", e);
    if (rc != 0)
        return rc;
    return keypair_load(cli_config_path(&cli->config, cli->config.key_file, path, sizeof path), out,
                        e);
}

static int load_server_key(struct cli *cli, const struct cli_endpoint *s, const char *name,
                           struct net_key *out, struct err *e)
{
    char path[PATH_BYTES];
    if (s->key) {
        int rc = key_parse_z85(slice_str(s->key), out, e);
        return rc != 0 ? err_wrap(e, "%s: %s.key", cli->config.path, name) : 0;
    }
    if (s->key_file)
        return key_public_load(cli_config_path(&cli->config, s->key_file, path, sizeof path), out,
                               e);
    return err_set(e, ERR_INVALID, "%s: neither %s.key nor %s.key_file is given", cli->config.path,
                   name, name);
}

const char *const cli_service_names[CLI_SERVICE_COUNT] = {"collector", "aggregator", "notifier"};

static const struct cli_endpoint *endpoint_of(const struct cli *cli, enum cli_service service)
{
    const struct cli_endpoint *const endpoints[CLI_SERVICE_COUNT] = {
        &cli->config.collector, &cli->config.aggregator, &cli->config.notifier};
    return endpoints[service];
}

int cli_peer(struct cli *cli, enum cli_service service, struct request_peer *out, struct err *e)
{
    const char *name = cli_service_names[service];
    int rc = cli_load_config(cli, e);
    if (rc != 0)
        return rc;
    const struct cli_endpoint *s = endpoint_of(cli, service);
    char key[32];
    snprintf(key, sizeof key, "%s.endpoint", name);
    rc = need(cli, s->endpoint, key, e);
    if (rc == 0)
        rc = load_server_key(cli, s, name, &out->server_key, e);
    if (rc == 0)
        rc = load_own_key(cli, &out->self, e);
    cli->misconfigured = rc != 0;
    if (rc == 0 && !cli->net)
        rc = net_create(&cli->net, &(struct net_options){0}, e);
    out->endpoint = s->endpoint;
    return rc;
}

int cli_connect(struct cli *cli, enum cli_service service, struct request **out, struct err *e)
{
    struct request_peer peer = {0};
    int rc = cli_peer(cli, service, &peer, e);
    if (rc == 0)
        rc = request_open(out, cli->net, &peer, e);
    keypair_wipe(&peer.self);
    return rc;
}

static void tell_waiting(const struct cli *cli, const struct err *why)
{
    fprintf(cli->err,
            cli_say(cli,
                    "tonghop: hệ thống chưa sẵn sàng, đang chờ để hỏi lại, nhiều nhất %d giây\n"
                    "  (%s)\n",
                    "tonghop: not ready yet; waiting to ask again, for %d seconds at most\n"
                    "  (%s)\n"),
            (cli->timeout_ms + 999) / 1000, why->text);
    fflush(cli->err);
}

static int still_not_ready(const struct cli *cli, struct err *e)
{
    struct err why = *e;
    return err_set(e, why.code,
                   cli_say(cli,
                           "Hệ thống đang khởi động hoặc đang bận: đề nghị thử lại sau ít phút.\n"
                           "  (%s)",
                           "%s"),
                   why.text);
}

int cli_request(struct request *link, const struct cli *cli, enum wire_kind kind,
                struct slice message, int timeout_ms, struct buf *reply, struct err *e)
{
    int64_t begun_ms = loop_now_ms();
    bool told = false;
    for (;;) {
        int rc = request_ask(link, kind, message, timeout_ms, &cli_stop, reply, e);
        int64_t next_ms = loop_now_ms() - begun_ms + AGAIN_PAUSE_MS;
        if (rc != ERR_AGAIN || cli_stop)
            return rc;
        if (next_ms >= cli->timeout_ms)
            return still_not_ready(cli, e);
        if (!told && next_ms > AGAIN_TOLD_MS) {
            tell_waiting(cli, e);
            told = true;
        }
        poll(NULL, 0, AGAIN_PAUSE_MS);
    }
}

int cli_ask(struct cli *cli, enum cli_service service, enum wire_kind kind, struct slice message,
            struct buf *reply, struct err *e)
{
    struct request *link = NULL;
    int rc = cli_connect(cli, service, &link, e);
    if (rc == 0)
        rc = cli_request(link, cli, kind, message, cli->timeout_ms, reply, e);
    request_close(link);
    return rc;
}

int cli_journal_day(struct request *link, const struct cli *cli, day_t *out, struct err *e)
{
    struct buf reply = {0};
    struct arena arena;
    struct wire_health h = {0};
    arena_init(&arena, 0);
    int rc = cli_request(link, cli, WIRE_HEALTH, slice_of(NULL, 0), cli->timeout_ms, &reply, e);
    if (rc == 0)
        rc = wire_unpack_health(buf_slice(&reply), &arena, &h, e);
    if (rc == 0)
        *out = day_of_ms(h.time_ms);
    arena_fini(&arena);
    buf_fini(&reply);
    return rc;
}

const char *cli_key_name(const struct net_key *key, char out[CLI_KEY_NAME_BYTES])
{
    format_hex(key->bytes, (CLI_KEY_NAME_BYTES - 1) / 2, out);
    return out;
}

int cli_apply(struct request *link, const struct cli *cli, const struct wire_apply *apply,
              uint64_t *offset, struct err *e)
{
    struct buf message = {0}, reply = {0};
    struct arena arena;
    struct wire_apply_answer answer = {0};
    arena_init(&arena, 0);
    wire_pack_apply(apply, &message);
    int rc =
        request_ask(link, WIRE_APPLY, buf_slice(&message), cli->timeout_ms, &cli_stop, &reply, e);
    if (rc == 0)
        rc = wire_unpack_apply_answer(buf_slice(&reply), &arena, &answer, e);
    if (rc == 0 && answer.code != 0)
        rc = err_set(e, answer.code, "%s", answer.message);
    if (rc == 0 && offset)
        *offset = answer.offset;
    arena_fini(&arena);
    buf_fini(&reply);
    buf_fini(&message);
    return rc;
}

static int query_chunk(struct request *link, const struct cli *cli, const struct wire_query *chunk,
                       struct arena *arena, struct wire_query_reply *out, struct err *e)
{
    struct buf message = {0}, reply = {0};
    int64_t wait_ms = (int64_t)cli->timeout_ms + chunk->wait_ms;
    wire_pack_query(chunk, &message);
    int rc = cli_request(link, cli, WIRE_QUERY, buf_slice(&message), (int)wait_ms, &reply, e);
    if (rc == 0)
        rc = wire_unpack_query_reply(buf_slice(&reply), arena, out, e);
    if (rc == 0 && out->answer_count != chunk->question_count)
        rc = err_set(e, ERR_CORRUPT, "%u answers to %u questions", out->answer_count,
                     chunk->question_count);
    buf_fini(&reply);
    buf_fini(&message);
    return rc;
}

int cli_query(struct request *link, const struct cli *cli, const struct wire_query *query,
              struct arena *arena, struct wire_query_reply *out, struct err *e)
{
    struct wire_answer *all = arena_alloc(arena, (query->question_count + 1) * sizeof *all);
    uint32_t done = 0;
    int rc = 0;
    while (rc == 0 && done < query->question_count) {
        struct wire_query chunk = *query;
        chunk.questions += done;
        chunk.question_count -= done;
        if (chunk.question_count > QUESTIONS_A_REQUEST)
            chunk.question_count = QUESTIONS_A_REQUEST;
        rc = query_chunk(link, cli, &chunk, arena, out, e);
        if (rc != 0)
            break;
        memcpy(all + done, out->answers, chunk.question_count * sizeof *all);
        done += chunk.question_count;
    }
    out->answers = all;
    out->answer_count = done;
    return rc;
}

int cli_trace(struct request *link, const struct cli *cli, struct wire_trace *t,
              struct arena *arena, struct wire_trace_reply *out, struct err *e)
{
    struct buf message = {0}, reply = {0};
    int timeout_ms = cli->timeout_ms + (int)t->wait_ms;
    t->versions_max = WIRE_TRACE_PAGE_MAX;
    wire_pack_trace(t, &message);
    int rc = cli_request(link, cli, WIRE_TRACE, buf_slice(&message), timeout_ms, &reply, e);
    if (rc == 0)
        rc = wire_unpack_trace_reply(buf_slice(&reply), arena, out, e);
    if (rc == 0 && out->code != 0)
        rc = err_set(e, out->code, "%s", out->message);
    if (rc == 0 && out->version_count > 0) {
        t->before_offset = out->versions[out->version_count - 1].offset;
        t->before_row = out->versions[out->version_count - 1].row;
    }
    out->more = rc == 0 && out->more && out->version_count > 0;
    buf_fini(&reply);
    buf_fini(&message);
    return rc;
}

int cli_indicators(struct request *link, const struct cli *cli, struct arena *arena,
                   struct wire_units_reply *out, struct err *e)
{
    struct buf message = {0}, reply = {0};
    struct wire_units roots = {.day = day_of_ms(cli_now_ms())};
    wire_pack_units(&roots, &message);
    int rc = cli_request(link, cli, WIRE_UNITS, buf_slice(&message), cli->timeout_ms, &reply, e);
    if (rc == 0)
        rc = wire_unpack_units_reply(buf_slice(&reply), arena, out, e);
    if (rc == 0 && out->code != 0)
        rc = err_set(e, out->code, "%s", out->message);
    buf_fini(&reply);
    buf_fini(&message);
    return rc;
}

const struct wire_indicator_info *cli_find_indicator(const struct wire_units_reply *r,
                                                     const char *id)
{
    for (uint32_t i = 0; i < r->indicator_count; i++)
        if (strcmp(r->indicators[i].id.text, id) == 0)
            return &r->indicators[i];
    return NULL;
}
