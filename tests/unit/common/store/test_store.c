/* common/store against real LMDB environments in private directories. Each case opens its stores in
 * its own body: check runs it in a forked child, and an environment must not cross a fork. */
#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/store/store.h"
#include "common/store/store_internal.h"
#include "tests/support/suite.h"
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FACTS, NAMES, TABLES };
enum { MIB = 1 << 20 };
static const char *const table_names[TABLES] = {"facts", "names"};
static char root[64];

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The directory of a store that is not there yet, inside one that goes when the child ends. */
static const char *new_directory(void)
{
    static char path[80];
    strcpy(root, "/tmp/tonghop-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    atexit(remove_root);
    snprintf(path, sizeof path, "%s/s", root);
    return path;
}

static struct store_options options_for(const char *directory)
{
    return (struct store_options){.directory = directory,
                                  .map_bytes = 16 * MIB,
                                  .tables = table_names,
                                  .table_count = TABLES,
                                  .kind = "test journal",
                                  .format = 1};
}

static struct store *open_with(const struct store_options *o)
{
    struct err e = {0};
    struct store *s = NULL;
    ck_assert_msg(store_open(&s, o, &e) == 0, "%s", e.text);
    return s;
}

static struct store *open_new(void)
{
    struct store_options o = options_for(new_directory());
    o.scratch = true;
    return open_with(&o);
}

static struct kv *begin(struct store *s, bool write)
{
    struct err e = {0};
    struct kv *kv = NULL;
    ck_assert_msg(store_begin(s, write, &kv, &e) == 0, "%s", e.text);
    return kv;
}

static void commit(struct kv *kv)
{
    struct err e = {0};
    ck_assert_msg(store_commit(&kv, &e) == 0, "%s", e.text);
    ck_assert_ptr_null(kv);
}

static void put_one(struct store *s, const char *key, const char *value)
{
    struct kv *kv = begin(s, true);
    kv_put(kv, FACTS, slice_str(key), slice_str(value));
    commit(kv);
}

static void expect(struct store *s, const char *key, const char *value)
{
    struct kv *kv = begin(s, false);
    struct slice got = {0};
    bool found = kv_get(kv, FACTS, slice_str(key), &got);
    ck_assert_msg(found == (value != NULL), "%s: found %d", key, found);
    if (found)
        ck_assert_msg(slice_equal(got, slice_str(value)), "%s: %.*s, not %s", key, (int)got.len,
                      (const char *)got.data, value);
    store_abort(&kv);
}

static void expect_text(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part);
}

static void expect_refused(const struct store_options *o, int code, const char *part)
{
    struct err e = {0};
    struct store *s = NULL;
    int got = store_open(&s, o, &e);
    ck_assert_msg(got == code && e.code == code, "%s, not %s: %s", err_name(got), err_name(code),
                  e.text);
    ck_assert_ptr_null(s);
    expect_text(e.text, part);
    expect_text(e.text, o->directory);
}

START_TEST(reopened_store_keeps_what_was_committed)
{
    struct store_options o = options_for(new_directory());
    struct store *s = open_with(&o);
    put_one(s, "a", "1");
    store_close(s);
    s = open_with(&o);
    expect(s, "a", "1");
    struct stat st;
    ck_assert_int_eq(stat(o.directory, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    store_close(s);
}
END_TEST

START_TEST(aborted_transaction_leaves_nothing)
{
    struct store *s = open_new();
    struct kv *kv = begin(s, true);
    kv_put(kv, FACTS, slice_str("a"), slice_str("1"));
    store_abort(&kv);
    ck_assert_ptr_null(kv);
    store_abort(&kv);
    expect(s, "a", NULL);
    store_close(s);
}
END_TEST

START_TEST(read_sees_the_state_of_its_beginning_also_when_reused)
{
    struct store *s = open_new();
    struct slice got;
    put_one(s, "a", "1");
    for (int round = 0; round < 3; round++) {
        struct kv *outer = begin(s, false), *inner = begin(s, false);
        put_one(s, "a", "2");
        ck_assert(kv_get(outer, FACTS, slice_str("a"), &got));
        ck_assert(slice_equal(got, slice_str("1")));
        store_abort(&outer);
        commit(inner);
        expect(s, "a", "2");
        put_one(s, "a", "1");
    }
    store_close(s);
}
END_TEST

START_TEST(empty_values_and_both_key_lengths_are_kept)
{
    struct store *s = open_new();
    char longest[511];
    memset(longest, 0xff, sizeof longest);
    struct kv *kv = begin(s, true);
    kv_put(kv, FACTS, slice_of("\0", 1), slice_of(NULL, 0));
    kv_append(kv, FACTS, slice_of(longest, sizeof longest), slice_of("x", 0));
    commit(kv);
    kv = begin(s, false);
    struct slice got = {"", 9};
    ck_assert(kv_get(kv, FACTS, slice_of("\0", 1), &got));
    ck_assert_uint_eq(got.len, 0);
    ck_assert(kv_get(kv, FACTS, slice_of(longest, sizeof longest), &got));
    ck_assert_uint_eq(got.len, 0);
    store_abort(&kv);
    store_close(s);
}
END_TEST

/* The file's bytes; the caller frees. */
static char *slurp(const char *directory, size_t *len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    char *bytes = alloc_bytes(16 * MIB);
    *len = fread(bytes, 1, 16 * MIB, f);
    fclose(f);
    return bytes;
}

START_TEST(store_of_another_kind_or_format_is_refused_and_left_as_it_was)
{
    struct store_options made = options_for(new_directory());
    made.format = 2;
    struct store *s = open_with(&made);
    put_one(s, "a", "1");
    store_close(s);
    static const struct {
        const char *kind;
        unsigned format;
        int code;
        const char *part, *reason;
    } rows[] = {
        {"test journal", 1, ERR_VERSION, "a newer program wrote it", "written by a newer program"},
        {"test journal", 3, ERR_VERSION, "there is no migration", "written by an older program"},
        {"alert store", 2, ERR_INVALID, "a store of kind \"test journal\", not \"alert store\"",
         "another kind"},
    };
    size_t before_len, after_len;
    char *before = slurp(made.directory, &before_len);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct store_options o = made;
        o.kind = rows[i / 2].kind;
        o.format = rows[i / 2].format;
        o.read_only = i % 2;
        expect_refused(&o, rows[i / 2].code, rows[i / 2].part);
        expect_refused(&o, rows[i / 2].code, "nothing was changed");
        char *after = slurp(made.directory, &after_len);
        ck_assert_msg(before_len == after_len && memcmp(before, after, before_len) == 0,
                      "%s: changed", rows[i / 2].reason);
        free(after);
    }
    free(before);
    s = open_with(&made);
    expect(s, "a", "1");
    store_close(s);
}
END_TEST

START_TEST(strange_environment_is_refused)
{
    struct store_options o = options_for(new_directory());
    ck_assert_int_eq(mkdir(o.directory, 0700), 0);
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    ck_assert_int_eq(mdb_env_create(&env), 0);
    ck_assert_int_eq(mdb_env_set_maxdbs(env, 1), 0);
    ck_assert_int_eq(mdb_env_open(env, o.directory, 0, 0600), 0);
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, "theirs", MDB_CREATE, &dbi), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    expect_refused(&o, ERR_INVALID, "not a store of this system");
}
END_TEST

static void write_data_file(const char *directory, const char *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

START_TEST(file_that_is_not_lmdb_is_refused_and_left_as_it_was)
{
    struct store_options o = options_for(new_directory());
    char junk[20000];
    memset(junk, 'j', sizeof junk);
    ck_assert_int_eq(mkdir(o.directory, 0700), 0);
    write_data_file(o.directory, junk, sizeof junk);
    expect_refused(&o, ERR_CORRUPT, "not an LMDB file");
    size_t len;
    char *after = slurp(o.directory, &len);
    ck_assert(len == sizeof junk && memcmp(after, junk, len) == 0);
    free(after);
}
END_TEST

START_TEST(truncated_file_is_an_error_and_no_crash)
{
    struct store_options o = options_for(new_directory());
    struct store *s = open_with(&o);
    char key[16], value[1000] = {0};
    struct kv *kv = begin(s, true);
    for (int i = 0; i < 1000; i++) {
        int len = snprintf(key, sizeof key, "%08d", i);
        kv_append(kv, FACTS, slice_of(key, (size_t)len), slice_of(value, sizeof value));
    }
    commit(kv);
    store_close(s);
    size_t len;
    char *whole = slurp(o.directory, &len);
    for (size_t left = 2; left < 10; left++) {
        write_data_file(o.directory, whole, len * left / 10);
        struct err e = {0};
        int code = store_open(&s, &o, &e);
        if (code == 0) {
            kv = begin(s, false);
            for (int i = 0; i < 1000; i++) {
                int key_len = snprintf(key, sizeof key, "%08d", i);
                kv_get(kv, FACTS, slice_of(key, (size_t)key_len), NULL);
            }
            code = store_commit(&kv, &e);
            store_close(s);
        }
        ck_assert_msg(code == ERR_CORRUPT, "%zu tenths: %s: %s", left, err_name(code), e.text);
    }
    free(whole);
}
END_TEST

START_TEST(reading_where_nothing_is_stored_creates_nothing)
{
    struct store_options o = options_for(new_directory());
    o.read_only = true;
    expect_refused(&o, ERR_NOT_FOUND, "no such file");
    ck_assert_int_ne(access(o.directory, F_OK), 0);
}
END_TEST

START_TEST(missing_parent_directory_is_named)
{
    char path[128];
    snprintf(path, sizeof path, "%s/not/there", new_directory());
    struct store_options o = options_for(path);
    expect_refused(&o, ERR_NOT_FOUND, "create the directory");
}
END_TEST

START_TEST(map_larger_than_the_address_space_is_refused)
{
    struct store_options o = options_for(new_directory());
    o.map_bytes = (size_t)1 << 52;
    expect_refused(&o, ERR_LIMIT, "lower store.map_size");
}
END_TEST

START_TEST(network_file_systems_are_refused_by_name)
{
    static const struct {
        unsigned long type;
        const char *name;
    } rows[] = {{0x6969, "NFS"},
                {0xfe534d42UL, "SMB"},
                {0xfffffffffe534d42UL, "SMB"}, /* f_type is signed on some machines */
                {0xff534d42UL, "SMB"},
                {0x00c36400UL, "Ceph"},
                {0xef53, NULL} /* ext4 */,
                {0x01021994, NULL} /* tmpfs */};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_pstr_eq(store_network_filesystem(rows[i].type), rows[i].name);
}
END_TEST

/* A process of our own that reads from `go`, does `work`, and answers a byte on `done`. */
struct helper {
    pid_t pid;
    int go, done;
};

static struct helper start_helper(void (*work)(const char *directory), const char *directory)
{
    int go[2], done[2];
    ck_assert(pipe(go) == 0 && pipe(done) == 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0) {
        close(go[0]), close(done[1]);
        return (struct helper){pid, go[1], done[0]};
    }
    char byte;
    close(go[1]), close(done[0]);
    if (read(go[0], &byte, 1) == 1) {
        work(directory);
        if (write(done[1], "d", 1) == 1 && read(go[0], &byte, 1) >= 0)
            _exit(0);
    }
    _exit(1);
}

static void let_work(struct helper h)
{
    char byte;
    ck_assert_int_eq(write(h.go, "g", 1), 1);
    ck_assert_int_eq(read(h.done, &byte, 1), 1);
}

static void kill_helper(struct helper h)
{
    int status;
    ck_assert_int_eq(kill(h.pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(h.pid, &status, 0), h.pid);
    close(h.go), close(h.done);
}

static void open_and_hold(const char *directory)
{
    struct store_options o = options_for(directory);
    open_with(&o);
}

START_TEST(second_opener_is_told_who_holds_the_store)
{
    struct store_options o = options_for(new_directory());
    struct helper other = start_helper(open_and_hold, o.directory);
    let_work(other);
    char part[64];
    snprintf(part, sizeof part, "already in use by process %ld", (long)other.pid);
    expect_refused(&o, ERR_AGAIN, part);
    kill_helper(other);
    store_close(open_with(&o));
}
END_TEST

START_TEST(same_process_cannot_open_twice)
{
    struct store_options o = options_for(new_directory());
    struct store *s = open_with(&o);
    expect_refused(&o, ERR_AGAIN, "already in use");
    put_one(s, "a", "1");
    store_close(s);
}
END_TEST

static void begin_to_read(const char *directory)
{
    struct store_options o = options_for(directory);
    o.read_only = true;
    begin(open_with(&o), false);
}

START_TEST(killed_reader_is_cleared)
{
    struct store_options o = options_for(new_directory());
    struct helper reader = start_helper(begin_to_read, o.directory);
    struct store *s = open_with(&o);
    struct store_usage usage;
    unsigned cleared = 7;
    put_one(s, "a", "0");
    let_work(reader);
    for (int i = 0; i < 5; i++)
        put_one(s, "a", "1");
    ck_assert_int_eq(store_check_readers(s, &cleared, NULL), 0);
    ck_assert_uint_eq(cleared, 0);
    ck_assert_int_eq(store_usage(s, &usage, NULL), 0);
    ck_assert_uint_eq(usage.oldest_reader_age, 5);

    kill_helper(reader);
    ck_assert_int_eq(store_usage(s, &usage, NULL), 0);
    ck_assert_uint_eq(usage.oldest_reader_age, 5);
    ck_assert_int_eq(store_check_readers(s, &cleared, NULL), 0);
    ck_assert_uint_eq(cleared, 1);
    ck_assert_int_eq(store_usage(s, &usage, NULL), 0);
    ck_assert_uint_eq(usage.oldest_reader_age, 0);
    store_close(s);
}
END_TEST

static void put_many(struct kv *kv, unsigned count, size_t value_bytes)
{
    char *value = alloc_zeroed(1, value_bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        kv_append(kv, NAMES, slice_of(key, sizeof key), slice_of(value, value_bytes));
    }
    free(value);
}

/* Writes more than its reader's map holds, then exits when told. */
static void grow(const char *directory)
{
    struct store_options o = options_for(directory);
    struct store *s = open_with(&o);
    struct kv *kv = begin(s, true);
    put_many(kv, 4000, 1000);
    kv_put(kv, FACTS, slice_str("a"), slice_str("2"));
    commit(kv);
}

START_TEST(reader_with_a_smaller_map_follows_the_writer)
{
    struct store_options o = options_for(new_directory());
    struct helper writer = start_helper(grow, o.directory);
    struct store *s = open_with(&o);
    put_one(s, "a", "1");
    store_close(s);
    o.read_only = true;
    o.map_bytes = MIB;
    s = open_with(&o);
    expect(s, "a", "1");
    struct kv *held = begin(s, false), *refused;
    let_work(writer);
    struct err e = {0};
    ck_assert_int_eq(store_begin(s, false, &refused, &e), ERR_AGAIN);
    expect_text(e.text, "enlarged the map");
    store_abort(&held);
    expect(s, "a", "2");
    store_close(s);
    kill_helper(writer);
}
END_TEST

/* Values too large for what is left fail at put; many small changes may fail only at commit. */
START_TEST(full_map_is_told_and_the_store_works_on)
{
    struct store_options o = options_for(new_directory());
    o.map_bytes = MIB;
    o.scratch = true;
    struct store *s = open_with(&o);
    put_one(s, "a", "1");
    for (int round = 0; round < 3; round++) {
        struct kv *kv = begin(s, true);
        struct kv_cursor *c = kv_cursor_open(kv, FACTS);
        put_many(kv, 3000, 1000);
        ck_assert(kv_failed(kv));
        kv_put(kv, FACTS, slice_str("b"), slice_str("2"));
        kv_cursor_close(c);
        struct err e = {0};
        ck_assert_int_eq(store_commit(&kv, &e), ERR_FULL);
        ck_assert_ptr_null(kv);
        expect_text(e.text, "map full at 1 MiB: raise store.map_size");
        expect_text(e.text, "put into table names");
        expect(s, "a", "1");
        expect(s, "b", NULL);
        put_one(s, "c", "3");
        expect(s, "c", "3");
    }
    store_close(s);
}
END_TEST

/* Fills in small commits until one is refused, at whichever step. */
START_TEST(map_filled_step_by_step_refuses_with_the_same_sentence)
{
    struct store_options o = options_for(new_directory());
    o.map_bytes = MIB;
    o.scratch = true;
    struct store *s = open_with(&o);
    struct err e = {0};
    int code = 0;
    unsigned stored = 0;
    static const char filler[300];
    for (; code == 0 && stored < 10000; stored += code == 0) {
        char key[16];
        int len = snprintf(key, sizeof key, "%08u", stored);
        struct kv *kv = begin(s, true);
        kv_put(kv, FACTS, slice_of(key, (size_t)len), slice_of(filler, sizeof filler));
        put_many(kv, stored % 7, 100 + stored); /* pages freed and used again */
        code = store_commit(&kv, &e);
    }
    ck_assert_msg(code == ERR_FULL, "%u stored: %s %s", stored, err_name(code), e.text);
    expect_text(e.text, "map full at 1 MiB: raise store.map_size");
    struct store_usage usage;
    ck_assert_int_eq(store_usage(s, &usage, NULL), 0);
    ck_assert_uint_eq(usage.entries[FACTS], stored);
    ck_assert_msg(usage.used_bytes > usage.map_bytes * 7 / 10, "full with %llu of %llu bytes used",
                  (unsigned long long)usage.used_bytes, (unsigned long long)usage.map_bytes);
    store_close(s);
    o.map_bytes = 2 * MIB;
    s = open_with(&o);
    put_one(s, "after", "raised");
    expect(s, "after", "raised");
    store_close(s);
}
END_TEST

START_TEST(usage_follows_what_is_stored_and_deleted)
{
    struct store *s = open_new();
    struct store_usage empty, full, after;
    ck_assert_int_eq(store_usage(s, &empty, NULL), 0);
    struct kv *kv = begin(s, true);
    put_many(kv, 2000, 1000);
    commit(kv);
    ck_assert_int_eq(store_usage(s, &full, NULL), 0);
    kv = begin(s, true);
    for (uint32_t i = 0; i < 2000; i++) {
        uint8_t key[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        kv_del(kv, NAMES, slice_of(key, sizeof key));
    }
    commit(kv);
    put_one(s, "a", "1"); /* makes the pages freed before it free to use */
    ck_assert_int_eq(store_usage(s, &after, NULL), 0);
    ck_assert_uint_eq(full.map_bytes, 16 * MIB);
    ck_assert_uint_eq(full.entries[NAMES], 2000);
    ck_assert_uint_eq(after.entries[NAMES], 0);
    ck_assert_uint_eq(after.entries[FACTS], 1);
    ck_assert_uint_gt(full.used_bytes, 2000 * 1000);
    ck_assert_uint_lt(after.used_bytes, full.used_bytes / 4);
    ck_assert_uint_lt(empty.used_bytes, 64 * 1024);
    ck_assert_uint_ge(after.disk_bytes, full.used_bytes);
    store_close(s);
}
END_TEST

START_TEST(fault_fails_the_counted_commit_and_only_that)
{
    struct store *s = open_new();
    struct err e = {0};
    store_fault(s, 2, ERR_IO);
    put_one(s, "a", "1");
    expect(s, "a", "1"); /* reads do not count */
    struct kv *kv = begin(s, true);
    kv_put(kv, FACTS, slice_str("b"), slice_str("2"));
    ck_assert_int_eq(store_commit(&kv, &e), ERR_IO);
    ck_assert_ptr_null(kv);
    expect(s, "b", NULL);
    put_one(s, "c", "3");
    expect(s, "c", "3");
    store_close(s);
}
END_TEST

static const char *move_to(struct kv_cursor *c, enum kv_move move, const char *seek)
{
    static char text[16];
    struct slice key = slice_str(seek), value;
    if (!kv_cursor_move(c, move, &key, &value))
        return "";
    ck_assert(slice_equal(key, value));
    snprintf(text, sizeof text, "%.*s", (int)key.len, (const char *)key.data);
    return text;
}

START_TEST(cursor_steps_in_byte_order_and_turns_round_at_the_ends)
{
    struct store *s = open_new();
    struct kv *kv = begin(s, true);
    static const char *const keys[] = {"d", "b", "bb"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        kv_put(kv, FACTS, slice_str(keys[i]), slice_str(keys[i]));
    commit(kv);
    static const struct {
        enum kv_move move;
        const char *seek, *want, *reason;
    } rows[] = {
        {KV_FIRST, "", "b", "the lowest"},
        {KV_PREV, "", "", "nothing before it"},
        {KV_PREV, "", "", "still nothing"},
        {KV_NEXT, "", "b", "from before the first to the first"},
        {KV_NEXT, "", "bb", "a prefix comes before its extension"},
        {KV_NEXT, "", "d", "the highest"},
        {KV_NEXT, "", "", "nothing behind it"},
        {KV_NEXT, "", "", "still nothing"},
        {KV_PREV, "", "d", "from behind the last to the last"},
        {KV_PREV, "", "bb", "back"},
        {KV_LAST, "", "d", "the highest"},
        {KV_SEEK, "bb", "bb", "exactly there"},
        {KV_SEEK, "a", "b", "below all"},
        {KV_SEEK, "c", "d", "between two"},
        {KV_PREV, "", "bb", "the last below what was sought"},
        {KV_SEEK, "e", "", "above all"},
        {KV_PREV, "", "d", "the last below what was sought, also above all"},
        {KV_SEEK, "", "b", "from the empty key"},
    };
    kv = begin(s, false);
    struct kv_cursor *c = kv_cursor_open(kv, FACTS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(strcmp(move_to(c, rows[i].move, rows[i].seek), rows[i].want) == 0,
                      "row %zu: %s", i, rows[i].reason);
    struct kv_cursor *empty = kv_cursor_open(kv, NAMES);
    static const enum kv_move moves[] = {KV_FIRST, KV_NEXT, KV_PREV, KV_LAST, KV_PREV, KV_NEXT};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        ck_assert_msg(strcmp(move_to(empty, moves[i], ""), "") == 0, "empty table, move %zu", i);
    kv_cursor_close(empty);
    kv_cursor_close(c);
    commit(kv);
    store_close(s);
}
END_TEST

START_TEST(cursor_is_positioned_again_after_writes_to_its_table)
{
    struct store *s = open_new();
    struct kv *kv = begin(s, true);
    struct kv_cursor *c = kv_cursor_open(kv, FACTS);
    ck_assert_str_eq(move_to(c, KV_FIRST, ""), "");
    for (int i = 0; i < 500; i++) {
        char key[16];
        int len = snprintf(key, sizeof key, "%05d", i);
        struct slice k = slice_of(key, (size_t)len);
        kv_put(kv, FACTS, k, k);
        ck_assert_str_eq(move_to(c, KV_LAST, ""), key);
        kv_put(kv, NAMES, k, k); /* another table's write does not count */
        move_to(c, KV_PREV, "");
    }
    for (int i = 0; i < 500; i += 2) { /* delete all, each found by a seek */
        char key[16];
        int len = snprintf(key, sizeof key, "%05d", i);
        ck_assert_str_eq(move_to(c, KV_SEEK, key), key);
        ck_assert_int_eq(strtol(move_to(c, KV_NEXT, ""), NULL, 10), i + 1);
        kv_del(kv, FACTS, slice_of(key, (size_t)len));
    }
    kv_cursor_close(c);
    c = kv_cursor_open(kv, FACTS);
    ck_assert_str_eq(move_to(c, KV_FIRST, ""), "00001");
    kv_cursor_close(c);
    commit(kv);
    store_close(s);
}
END_TEST

START_TEST(append_out_of_order_is_still_right)
{
    struct store *s = open_new();
    static const char *const keys[] = {"m", "z", "a", "m", "n"};
    struct kv *kv = begin(s, true);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        kv_append(kv, FACTS, slice_str(keys[i]), slice_str(keys[i]));
    commit(kv);
    kv = begin(s, false);
    struct kv_cursor *c = kv_cursor_open(kv, FACTS);
    static const char *const sorted[] = {"a", "m", "n", "z", ""};
    for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++)
        ck_assert_str_eq(move_to(c, i == 0 ? KV_FIRST : KV_NEXT, ""), sorted[i]);
    kv_cursor_close(c);
    store_abort(&kv);
    store_close(s);
}
END_TEST

static void add_line(void *arg, const char *text)
{
    buf_printf(arg, "%s\n", text);
}

START_TEST(dump_prints_every_record_in_hexadecimal)
{
    struct store *s = open_new();
    struct kv *kv = begin(s, true);
    kv_put(kv, NAMES, slice_str("k"), slice_of("\0\xff", 2));
    kv_put(kv, FACTS, slice_str("b"), slice_str(""));
    kv_put(kv, FACTS, slice_str("a"), slice_str("1"));
    commit(kv);
    struct buf text = {0};
    kv = begin(s, false);
    ck_assert_int_eq(store_dump(kv, table_names, TABLES, add_line, &text), 0);
    store_abort(&kv);
    buf_u8(&text, 0);
    ck_assert_str_eq((const char *)text.data, "facts 61 31\nfacts 62 -\nnames 6b 00ff\n");
    buf_fini(&text);
    store_close(s);
}
END_TEST

/* The naive implementation: a sorted array, searched from the front. */
enum { MODEL_MAX = 400, MODEL_KEYS = 300 };
struct model_entry {
    unsigned key;   /* number of a key in key order */
    unsigned value; /* which fill, and by that which length */
};
struct model {
    struct model_entry at[MODEL_MAX];
    size_t count;
};

static uint64_t random_state;

static unsigned random_below(unsigned n)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(random_state >> 33) % n;
}

/* Keys in order of their number, some a prefix of the next, some of the greatest length. */
static struct slice model_key(unsigned number, uint8_t bytes[511])
{
    bytes[0] = (uint8_t)(number / 3 / 16 + 1);
    bytes[1] = (uint8_t)(number / 3 % 16 * 16);
    memset(bytes + 2, 0, 509);
    static const size_t lengths[] = {2, 3, 511};
    return slice_of(bytes, lengths[number % 3]);
}

static struct slice model_value(unsigned value)
{
    static char bytes[6000];
    memset(bytes, (int)(value % 251), sizeof bytes);
    return slice_of(bytes, value % 10 == 0 ? value % sizeof bytes : value % 40);
}

static size_t model_seek(const struct model *m, unsigned key)
{
    size_t i = 0;
    while (i < m->count && m->at[i].key < key)
        i++;
    return i;
}

static void model_put(struct model *m, unsigned key, unsigned value)
{
    size_t i = model_seek(m, key);
    if (i == m->count || m->at[i].key != key) {
        memmove(m->at + i + 1, m->at + i, (m->count - i) * sizeof *m->at);
        m->count++;
    }
    m->at[i] = (struct model_entry){key, value};
}

static void model_del(struct model *m, unsigned key)
{
    size_t i = model_seek(m, key);
    if (i == m->count || m->at[i].key != key)
        return;
    m->count--;
    memmove(m->at + i, m->at + i + 1, (m->count - i) * sizeof *m->at);
}

static void same_get(struct kv *kv, const struct model *m, unsigned key)
{
    uint8_t bytes[511];
    struct slice got;
    size_t i = model_seek(m, key);
    bool want = i < m->count && m->at[i].key == key;
    ck_assert_msg(kv_get(kv, FACTS, model_key(key, bytes), &got) == want, "key %u: want %d", key,
                  want);
    if (want)
        ck_assert_msg(slice_equal(got, model_value(m->at[i].value)), "key %u: %zu bytes", key,
                      got.len);
}

/* A cursor put somewhere and walked to and fro, past the ends as well. */
static void same_walk(struct kv *kv, const struct model *m)
{
    uint8_t bytes[511];
    unsigned from = random_below(MODEL_KEYS);
    long at = (long)model_seek(m, from), count = (long)m->count;
    struct kv_cursor *c = kv_cursor_open(kv, FACTS);
    struct slice key, value;
    bool found = kv_cursor_seek(c, model_key(from, bytes), &key, &value);
    for (unsigned step = 0;; step++) {
        ck_assert_msg(found == (at >= 0 && at < count), "from %u, step %u: found %d at %ld of %ld",
                      from, step, found, at, count);
        if (found) {
            ck_assert(slice_equal(key, model_key(m->at[at].key, bytes)));
            ck_assert(slice_equal(value, model_value(m->at[at].value)));
        }
        if (step == 8)
            break;
        bool next = random_below(2);
        at = next ? (at < count ? at + 1 : at) : (at >= 0 ? at - 1 : at);
        found = kv_cursor_move(c, next ? KV_NEXT : KV_PREV, &key, &value);
    }
    kv_cursor_close(c);
}

static void random_step(struct kv *kv, struct model *m)
{
    uint8_t bytes[511];
    unsigned key = random_below(MODEL_KEYS), value = random_below(100000);
    switch (random_below(6)) {
    case 0:
    case 1:
        kv_put(kv, FACTS, model_key(key, bytes), model_value(value));
        model_put(m, key, value);
        break;
    case 2:
        kv_append(kv, FACTS, model_key(key, bytes), model_value(value));
        model_put(m, key, value);
        break;
    case 3:
        kv_del(kv, FACTS, model_key(key, bytes));
        model_del(m, key);
        break;
    case 4:
        same_get(kv, m, key);
        break;
    default:
        same_walk(kv, m);
    }
}

START_TEST(store_does_what_a_sorted_array_does)
{
    const char *given = getenv("TONGHOP_SEED");
    random_state = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("store_does_what_a_sorted_array_does: TONGHOP_SEED=%llu\n",
           (unsigned long long)random_state);
    fflush(stdout);
    struct store_options o = options_for(new_directory());
    o.scratch = true;
    struct store *s = open_with(&o);
    static struct model now, kept;
    for (int round = 0; round < 400; round++) {
        struct kv *kv = begin(s, true);
        for (unsigned steps = random_below(60); steps > 0; steps--)
            random_step(kv, &now);
        if (random_below(4) == 0) {
            store_abort(&kv);
            now = kept;
        } else {
            commit(kv);
            kept = now;
        }
        if (random_below(20) == 0) {
            store_close(s);
            s = open_with(&o);
        }
        kv = begin(s, false);
        for (unsigned key = 0; key < MODEL_KEYS; key++)
            same_get(kv, &now, key);
        same_walk(kv, &now);
        store_abort(&kv);
    }
    store_close(s);
}
END_TEST

SUITE_MAIN("store", reopened_store_keeps_what_was_committed, aborted_transaction_leaves_nothing,
           read_sees_the_state_of_its_beginning_also_when_reused,
           empty_values_and_both_key_lengths_are_kept,
           store_of_another_kind_or_format_is_refused_and_left_as_it_was,
           strange_environment_is_refused, file_that_is_not_lmdb_is_refused_and_left_as_it_was,
           truncated_file_is_an_error_and_no_crash, reading_where_nothing_is_stored_creates_nothing,
           missing_parent_directory_is_named, map_larger_than_the_address_space_is_refused,
           network_file_systems_are_refused_by_name, second_opener_is_told_who_holds_the_store,
           same_process_cannot_open_twice, killed_reader_is_cleared,
           reader_with_a_smaller_map_follows_the_writer, full_map_is_told_and_the_store_works_on,
           map_filled_step_by_step_refuses_with_the_same_sentence,
           usage_follows_what_is_stored_and_deleted, fault_fails_the_counted_commit_and_only_that,
           cursor_steps_in_byte_order_and_turns_round_at_the_ends,
           cursor_is_positioned_again_after_writes_to_its_table, append_out_of_order_is_still_right,
           dump_prints_every_record_in_hexadecimal, store_does_what_a_sorted_array_does)
