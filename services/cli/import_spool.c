#include "services/cli/import_spool.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/parse.h"

enum { NOTE_FORMAT = 1, NAME_BYTES = 16, TRIES_MAX = 10000 };

static const char note_name[] = "import";

void import_spool_pack_note(const struct import_note *n, struct buf *out)
{
    buf_u8(out, NOTE_FORMAT);
    buf_zigzag(out, n->imported_at_ms);
    buf_zigzag(out, n->reported_at_ms);
    buf_varint(out, n->batch_count);
    buf_block(out, buf_slice(&n->expect));
}

void import_spool_pack_expect(const struct import_expect *expect, uint32_t count, struct buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        buf_u8(out, expect[i].known);
        buf_u8(out, expect[i].period_kind);
        buf_u8(out, expect[i].calendar);
    }
}

int import_spool_expect(const struct import_note *n, struct import_expect *out, uint32_t count,
                        struct err *e)
{
    struct reader r = reader_of(buf_slice(&n->expect));
    for (uint32_t i = 0; i < count; i++) {
        out[i].known = reader_u8(&r) != 0;
        out[i].period_kind = reader_u8(&r);
        out[i].calendar = reader_u8(&r);
    }
    return reader_done(&r) ? 0
                           : err_set(e, ERR_CORRUPT,
                                     "what was noted of this import does not fit the file: begin "
                                     "anew with --again");
}

int import_spool_note(struct spool *s, struct import_note *out, struct err *e)
{
    struct buf b = {0};
    int rc = spool_note_get(s, note_name, &b, e);
    struct reader r = reader_of(buf_slice(&b));
    unsigned format = reader_u8(&r);
    out->imported_at_ms = reader_zigzag(&r);
    out->reported_at_ms = reader_zigzag(&r);
    out->batch_count = reader_varint(&r);
    struct slice expect = reader_block(&r);
    out->expect = (struct buf){0};
    if (rc == 0 && (format != NOTE_FORMAT || !reader_done(&r)))
        rc = err_set(e, ERR_VERSION,
                     "this import was begun by another version of the program: "
                     "finish it with that one, or begin anew with --again");
    if (rc == 0)
        buf_bytes(&out->expect, expect.data, expect.len);
    buf_fini(&b);
    return rc;
}

/* ---- which folder: CONTENT.KEY.TRY ---- */

static void name_content(const struct cli *cli, struct slice csv, char out[2 * NAME_BYTES + 1])
{
    crypto_generichash_state state;
    uint8_t hash[NAME_BYTES];
    const char *where = cli->config.collector.endpoint;
    crypto_generichash_init(&state, NULL, 0, NAME_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)where, strlen(where) + 1);
    crypto_generichash_update(&state, csv.data, csv.len);
    crypto_generichash_final(&state, hash, NAME_BYTES);
    format_hex(hash, NAME_BYTES, out);
}

/* What an import left in a folder. */
enum standing { NOTHING, BEGUN, COMPLETE };

static enum standing standing_of(const char *path)
{
    struct spool *s = NULL;
    struct import_note note;
    enum standing standing = NOTHING;
    if (spool_open(&s, path, true, NULL) == 0 && import_spool_note(s, &note, NULL) == 0) {
        struct spool_stored st = spool_stored(s);
        standing = st.first == st.next_number ? COMPLETE : BEGUN;
        buf_fini(&note.expect);
    }
    spool_close(s);
    return standing;
}

static bool is_of_another_key(const char *name, const char *content, const char *key)
{
    size_t content_len = strlen(content);
    return strncmp(name, content, content_len) == 0 &&
           strncmp(name + content_len + 1, key, strlen(key)) != 0;
}

/* The same content under another key: what it adds to a tally would count twice. */
static int check_other_keys(const struct cli *cli, const char *parent, const char *content,
                            const char *key, struct err *e)
{
    const struct dirent *one;
    char path[IMPORT_PATH_BYTES];
    DIR *folder = opendir(parent);
    bool found = false;
    while (folder && !found && (one = readdir(folder))) {
        snprintf(path, sizeof path, "%s/%s", parent, one->d_name);
        found = is_of_another_key(one->d_name, content, key) && standing_of(path) != NOTHING;
    }
    if (folder)
        closedir(folder);
    if (!found)
        return 0;
    return err_set(e, ERR_EXISTS, "%s",
                   cli_say(cli,
                           "tệp này đã được nhập từ máy này bằng một khóa khác; vẫn cần gửi bằng "
                           "khóa này thì thêm --again (số cộng thêm (add) khi đó tính hai lần)",
                           "this file was imported from here under another key: to send it under "
                           "this one as well, say --again (what it adds to a tally counts twice "
                           "then)"));
}

static int make_parent(const struct cli *cli, char *out, size_t bytes, struct err *e)
{
    char folder[IMPORT_PATH_BYTES / 2];
    cli_config_path(&cli->config, cli->config.spool, folder, sizeof folder);
    snprintf(out, bytes, "%s/imports", folder);
    return cli_make_directories(out, e);
}

int import_spool_path(struct cli *cli, const struct net_key *key, struct slice csv, bool again,
                      char out[IMPORT_PATH_BYTES], struct err *e)
{
    char content[2 * NAME_BYTES + 1], name[CLI_KEY_NAME_BYTES], parent[IMPORT_PATH_BYTES / 2 + 16];
    int rc = make_parent(cli, parent, sizeof parent, e);
    if (rc != 0)
        return rc;
    name_content(cli, csv, content);
    cli_key_name(key, name);
    unsigned last = 0;
    for (;; last++) {
        snprintf(out, IMPORT_PATH_BYTES, "%s/%s.%s.%u", parent, content, name, last + 1);
        if (access(out, F_OK) != 0)
            break;
        if (last == TRIES_MAX)
            return err_set(e, ERR_LIMIT, "%s: imported too often", parent);
    }
    snprintf(out, IMPORT_PATH_BYTES, "%s/%s.%s.%u", parent, content, name, last);
    if (!again && access(out, F_OK) != 0)
        return check_other_keys(cli, parent, content, name, e);
    if (again && standing_of(out) == COMPLETE)
        snprintf(out, IMPORT_PATH_BYTES, "%s/%s.%s.%u", parent, content, name, last + 1);
    return 0;
}

/* ---- what became of it ---- */

struct gathering {
    struct import_file *f;
    const struct import_batches *b;
    bool english;
    struct import_result *out;
    struct arena arena;
    struct err err; /* code 0: none so far */
};

static void refuse_row(struct gathering *g, size_t at, uint32_t code)
{
    struct import_row *row = &g->f->rows[g->b->order[at]];
    enum refusal why = (enum refusal)code;
    if (row->refused)
        return;
    row->refused = true;
    g->out->refused++;
    import_file_refuse(g->f, row, "%s (%s)",
                       g->english ? refusal_sentence_en(why) : refusal_sentence_vi(why),
                       refusal_name(why));
}

/* Of a batch refused whole, the rows that were named have their own reason, the others its. */
static void take_answer(void *arg, uint64_t ticket, struct slice raw)
{
    struct gathering *g = arg;
    struct wire_submit_answer a;
    arena_reset(&g->arena);
    if (g->err.code != 0 || ticket == 0 || ticket > g->b->count)
        return;
    if (wire_unpack_submit_answer(raw, &g->arena, &a, &g->err) != 0)
        return;
    size_t first = g->b->firsts[ticket - 1], end = g->b->firsts[ticket];
    g->out->answered++;
    g->out->accepted += a.accepted_rows;
    if (a.offset > g->out->offset)
        g->out->offset = a.offset;
    for (uint32_t i = 0; i < a.refused_count; i++)
        if (a.refused_rows[i] < end - first)
            refuse_row(g, first + a.refused_rows[i], a.refused_codes[i]);
    if (a.refusal == REFUSAL_SETTLED)
        g->out->accepted += end - first; /* answered before, and that answer is no longer kept */
    else if (a.refusal != REFUSAL_NONE)
        for (size_t i = first; i < end; i++)
            refuse_row(g, i, a.refusal);
}

int import_spool_result(struct spool *s, struct import_file *f, const struct import_batches *b,
                        bool english, struct import_result *out, struct err *e)
{
    struct gathering g = {.f = f, .b = b, .english = english, .out = out};
    *out = (struct import_result){0};
    arena_init(&g.arena, 0);
    int rc = spool_visit_answers(s, take_answer, &g, e);
    if (rc == 0 && g.err.code != 0)
        rc = err_set(e, g.err.code, "an answer kept in the spool: %s", g.err.text);
    arena_fini(&g.arena);
    return rc;
}
