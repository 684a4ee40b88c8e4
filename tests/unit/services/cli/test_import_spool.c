/* What an import makes of the answers that its spool kept, and where that spool lies. */
#include "services/cli/import_spool.h"
#include "tests/support/suite.h"
#include "tests/support/temp_dir.h"

#include "common/wire/wire.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_OF_THREE                                                                              \
    "unit,indicator,period,value\n1,a,2024-09-05,1\n2,a,2024-09-05,2\n3,a,2024-09-05,3\n"

struct done {
    struct temp_dir dir;
    struct import_file file;
    struct import_batches batches;
    struct import_result result;
};

/* One batch of three rows, answered so. */
static void answer_with(struct done *d, const struct wire_submit_answer *a)
{
    char path[TEMP_PATH_BYTES];
    struct err e = {0};
    struct spool *s = NULL;
    struct buf payload = {0}, answer = {0};
    temp_dir_open(&d->dir, "import");
    int rc = import_file_read("f.csv", slice_str(FILE_OF_THREE), 1000, true, &d->file, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    import_batches_cut(&d->file, &d->batches);
    import_batches_pack(&d->file, &d->batches, 0, &payload);
    rc = spool_open(&s, temp_dir_file(&d->dir, "s", path), true, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    struct slice one = buf_slice(&payload);
    ck_assert_int_eq(spool_put(s, &one, 1, NULL, &e), 0);
    wire_pack_submit_answer(a, &answer);
    ck_assert_int_eq(spool_done(s, 1, buf_slice(&answer), &e), 0);
    rc = import_spool_result(s, &d->file, &d->batches, true, &d->result, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    spool_close(s);
    buf_fini(&payload);
    buf_fini(&answer);
}

static void done_fini(struct done *d)
{
    import_batches_fini(&d->batches);
    import_file_fini(&d->file);
    temp_dir_close(&d->dir);
}

START_TEST(a_batch_refused_whole_gives_back_each_row_once)
{
    struct done d;
    uint32_t row = 1, code = REFUSAL_BAD_CODE;
    answer_with(&d, &(struct wire_submit_answer){.refusal = REFUSAL_BAD_CODE,
                                                 .offset = 9,
                                                 .refused_count = 1,
                                                 .refused_rows = &row,
                                                 .refused_codes = &code});
    ck_assert_uint_eq(d.result.accepted, 0);
    ck_assert_uint_eq(d.result.refused, 3);
    ck_assert_uint_eq(d.result.offset, 9);
    ck_assert_uint_eq(d.file.refusal_count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(strstr(d.file.refusals[i].reason, "(bad_code)") != NULL, "%s",
                      d.file.refusals[i].reason);
    done_fini(&d);
}
END_TEST

START_TEST(rows_refused_alone_leave_the_others_accepted)
{
    struct done d;
    uint32_t row = 2, code = REFUSAL_OUT_OF_SCOPE;
    answer_with(&d, &(struct wire_submit_answer){.accepted_rows = 2,
                                                 .refused_count = 1,
                                                 .refused_rows = &row,
                                                 .refused_codes = &code});
    ck_assert_uint_eq(d.result.accepted, 2);
    ck_assert_uint_eq(d.file.refusal_count, 1);
    ck_assert_uint_eq(d.file.refusals[0].row, 4);
    done_fini(&d);
}
END_TEST

START_TEST(a_batch_answered_long_ago_counts_as_accepted)
{
    struct done d;
    answer_with(&d, &(struct wire_submit_answer){.refusal = REFUSAL_SETTLED});
    ck_assert_uint_eq(d.result.accepted, 3);
    ck_assert_uint_eq(d.file.refusal_count, 0);
    done_fini(&d);
}
END_TEST

/* --- where it lies */

struct place {
    struct temp_dir dir;
    struct cli cli;
    char config[TEMP_PATH_BYTES];
};

static void open_place(struct place *p)
{
    memset(p, 0, sizeof *p);
    temp_dir_open(&p->dir, "place");
    p->cli.english = true;
    p->cli.config.collector.endpoint = "ipc:///c";
    p->cli.config.spool = "spool";
    p->cli.config.path = temp_dir_file(&p->dir, "tonghop.yaml", p->config);
}

static int find(struct place *p, uint8_t key, const char *csv, bool again,
                char out[IMPORT_PATH_BYTES], struct err *e)
{
    struct net_key k = {{key}};
    return import_spool_path(&p->cli, &k, slice_str(csv), again, out, e);
}

static void begin(const char *path)
{
    struct spool *s = NULL;
    struct err e = {0};
    struct buf note = {0};
    struct import_note n = {.batch_count = 1};
    ck_assert_msg(spool_open(&s, path, true, &e) == 0, "%s", e.text);
    import_spool_pack_note(&n, &note);
    ck_assert_int_eq(spool_note_put(s, "import", buf_slice(&note), &e), 0);
    spool_close(s);
    buf_fini(&note);
}

START_TEST(the_same_content_finds_its_folder_again)
{
    struct place p;
    struct err e = {0};
    char first[IMPORT_PATH_BYTES], again[IMPORT_PATH_BYTES], other[IMPORT_PATH_BYTES];
    open_place(&p);
    ck_assert_int_eq(find(&p, 1, "a", false, first, &e), 0);
    begin(first);
    ck_assert_int_eq(find(&p, 1, "a", false, again, &e), 0);
    ck_assert_str_eq(first, again);
    ck_assert_int_eq(find(&p, 1, "a", true, again, &e), 0);
    ck_assert_str_ne(first, again);
    ck_assert_int_eq(find(&p, 1, "b", false, other, &e), 0);
    ck_assert_str_ne(first, other);
    temp_dir_close(&p.dir);
}
END_TEST

START_TEST(the_same_content_under_another_key_is_asked_about)
{
    struct place p;
    struct err e = {0};
    char first[IMPORT_PATH_BYTES], other[IMPORT_PATH_BYTES];
    open_place(&p);
    ck_assert_int_eq(find(&p, 1, "a", false, first, &e), 0);
    ck_assert_int_eq(find(&p, 2, "a", false, other, &e), 0); /* nothing was sent from the first */
    begin(first);
    ck_assert_int_eq(find(&p, 2, "a", false, other, &e), ERR_EXISTS);
    ck_assert_int_eq(find(&p, 2, "a", true, other, &e), 0);
    begin(other);
    ck_assert_int_eq(find(&p, 2, "a", false, other, &e), 0); /* its own by now */
    temp_dir_close(&p.dir);
}
END_TEST

SUITE_MAIN("cli/import_spool", a_batch_refused_whole_gives_back_each_row_once,
           rows_refused_alone_leave_the_others_accepted,
           a_batch_answered_long_ago_counts_as_accepted, the_same_content_finds_its_folder_again,
           the_same_content_under_another_key_is_asked_about)
