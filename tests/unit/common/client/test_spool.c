/* What the spool on disk still knows after a close, a kill and a new spool. */
#include "common/client/spool.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

static void make_directory(void)
{
    char base[] = "/tmp/tonghop-spool-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(base));
    snprintf(directory, sizeof directory, "%s/spool", base);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_directory(void)
{
    *strrchr(directory, '/') = '\0';
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct spool *opened(bool keep_answers)
{
    struct err e = {0};
    struct spool *s = NULL;
    ck_assert_msg(spool_open(&s, directory, keep_answers, &e) == 0, "%s", e.text);
    return s;
}

static uint64_t put(struct spool *s, const char *payload)
{
    struct err e = {0};
    uint64_t ticket = 0;
    struct slice p = slice_str(payload);
    ck_assert_msg(spool_put(s, &p, 1, &ticket, &e) == 0, "%s", e.text);
    return ticket;
}

static void expect_held(struct spool *s, uint64_t number, uint64_t ticket, const char *payload)
{
    struct err e = {0};
    struct buf b = {0};
    uint64_t found = 0;
    ck_assert_msg(spool_get(s, number, &found, &b, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(found, ticket);
    ck_assert_msg(slice_equal(buf_slice(&b), slice_str(payload)),
                  "number %" PRIu64 " holds %.*s instead of %s", number, (int)b.len,
                  (const char *)b.data, payload);
    buf_fini(&b);
}

START_TEST(a_fresh_spool_begins_at_one_under_an_id_of_its_own)
{
    make_directory();
    struct spool *s = opened(false);
    struct spool_stored st = spool_stored(s);
    struct spool_id zero = {{0}};
    ck_assert_uint_eq(st.first, 1);
    ck_assert_uint_eq(st.next_number, 1);
    ck_assert_mem_ne(st.id.bytes, zero.bytes, SPOOL_ID_BYTES);
    spool_close(s);
    s = opened(false);
    struct spool_stored again = spool_stored(s);
    ck_assert_mem_eq(st.id.bytes, again.id.bytes, SPOOL_ID_BYTES);
    spool_close(s);
    remove_directory();
}
END_TEST

/* The child is killed between enqueue and answer, with nothing closed. */
START_TEST(a_kill_between_enqueue_and_answer_loses_nothing)
{
    make_directory();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct spool *s = opened(false);
        put(s, "one");
        put(s, "two");
        put(s, "three");
        struct err e = {0};
        if (spool_done(s, 1, slice_of(NULL, 0), &e) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status), "the child ended with %d", status);
    struct spool *s = opened(false);
    struct spool_stored st = spool_stored(s);
    ck_assert_uint_eq(st.first, 2);
    ck_assert_uint_eq(st.next_number, 4);
    expect_held(s, 2, 2, "two");
    expect_held(s, 3, 3, "three");
    ck_assert_uint_eq(put(s, "four"), 4);
    spool_close(s);
    remove_directory();
}
END_TEST

/* In front of the C library's: LMDB calls it before it says that a commit is on disk. */
static unsigned syncs;

int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

START_TEST(what_is_put_or_done_is_synced_when_it_returns)
{
    make_directory();
    struct err e = {0};
    struct spool *s = opened(false);
    unsigned before = syncs;
    put(s, "one");
    ck_assert_uint_gt(syncs, before);
    before = syncs;
    ck_assert_int_eq(spool_done(s, 1, slice_of(NULL, 0), &e), 0);
    ck_assert_uint_gt(syncs, before);
    spool_close(s);
    remove_directory();
}
END_TEST

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {0};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_put_that_fails_uses_up_no_number)
{
    static const uint8_t large[4 << 20];
    make_directory();
    struct err e = {0};
    struct slice payload = slice_of(large, sizeof large);
    struct spool *s = opened(false);
    put(s, "one");
    signal(SIGXFSZ, SIG_IGN);
    limit_files(sizeof large / 2);
    ck_assert_int_ne(spool_put(s, &payload, 1, NULL, &e), 0);
    limit_files(RLIM_INFINITY);
    ck_assert_uint_eq(spool_stored(s).next_number, 2);
    ck_assert_uint_eq(put(s, "two"), 2);
    expect_held(s, 2, 2, "two");
    spool_close(s);
    remove_directory();
}
END_TEST

START_TEST(numbers_go_on_though_everything_was_answered)
{
    make_directory();
    struct err e = {0};
    struct spool *s = opened(false);
    put(s, "one");
    ck_assert_int_eq(spool_done(s, 1, slice_of(NULL, 0), &e), 0);
    spool_close(s);
    s = opened(false);
    struct spool_stored st = spool_stored(s);
    ck_assert_uint_eq(st.first, 2);
    ck_assert_uint_eq(st.next_number, 2);
    spool_close(s);
    remove_directory();
}
END_TEST

START_TEST(a_new_spool_takes_what_is_unanswered_in_order_under_the_same_tickets)
{
    make_directory();
    struct err e = {0};
    struct spool *s = opened(false);
    for (int i = 0; i < 5; i++)
        put(s, (const char *[]){"a", "b", "c", "d", "e"}[i]);
    ck_assert_int_eq(spool_done(s, 1, slice_of(NULL, 0), &e), 0);
    ck_assert_int_eq(spool_done(s, 3, slice_of(NULL, 0), &e), 0);
    struct spool_id id;
    spool_random_id(&id);
    ck_assert_msg(spool_reopen(s, &id, &e) == 0, "%s", e.text);
    spool_close(s);
    s = opened(false);
    struct spool_stored st = spool_stored(s);
    ck_assert_mem_eq(st.id.bytes, id.bytes, SPOOL_ID_BYTES);
    ck_assert_uint_eq(st.next_number, 4);
    expect_held(s, 1, 2, "b");
    expect_held(s, 2, 4, "d");
    expect_held(s, 3, 5, "e");
    ck_assert_int_eq(spool_get(s, 4, NULL, &(struct buf){0}, &e), ERR_NOT_FOUND);
    spool_close(s);
    remove_directory();
}
END_TEST

START_TEST(a_new_stamp_keeps_the_ticket)
{
    make_directory();
    struct err e = {0};
    struct spool *s = opened(false);
    put(s, "ahead");
    put(s, "other");
    ck_assert_msg(spool_replace(s, 1, 3, slice_str("again"), &e) == 0, "%s", e.text);
    expect_held(s, 3, 1, "again");
    ck_assert_uint_eq(spool_stored(s).first, 2);
    ck_assert_uint_eq(spool_stored(s).next_number, 4);
    spool_close(s);
    remove_directory();
}
END_TEST

static void gather(void *arg, uint64_t ticket, struct slice answer)
{
    char *text = arg;
    sprintf(text + strlen(text), "%" PRIu64 "=%.*s;", ticket, (int)answer.len,
            (const char *)answer.data);
}

START_TEST(answers_and_notes_are_kept_where_asked_for)
{
    make_directory();
    struct err e = {0};
    char text[64] = "";
    struct spool *s = opened(true);
    struct slice payloads[2] = {slice_str("a"), slice_str("b")};
    ck_assert_msg(spool_put_with_note(s, payloads, 2, "import", slice_str("f.csv"), &e) == 0, "%s",
                  e.text);
    ck_assert_int_eq(spool_done(s, 2, slice_str("yes"), &e), 0);
    ck_assert_int_eq(spool_done(s, 1, slice_str("no"), &e), 0);
    ck_assert_int_eq(spool_visit_answers(s, gather, text, &e), 0);
    ck_assert_str_eq(text, "1=no;2=yes;");
    struct buf b = {0};
    ck_assert_int_eq(spool_note_get(s, "import", &b, &e), 0);
    ck_assert(slice_equal(buf_slice(&b), slice_str("f.csv")));
    ck_assert_int_eq(spool_note_get(s, "other", &b, &e), ERR_NOT_FOUND);
    buf_fini(&b);
    spool_close(s);
    remove_directory();
}
END_TEST

SUITE_MAIN("client/spool", a_fresh_spool_begins_at_one_under_an_id_of_its_own,
           a_kill_between_enqueue_and_answer_loses_nothing,
           what_is_put_or_done_is_synced_when_it_returns, a_put_that_fails_uses_up_no_number,
           numbers_go_on_though_everything_was_answered,
           a_new_spool_takes_what_is_unanswered_in_order_under_the_same_tickets,
           a_new_stamp_keeps_the_ticket, answers_and_notes_are_kept_where_asked_for)
