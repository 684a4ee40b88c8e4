#include "common/net/net.h"

#include "common/base/check.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { KEY_TEXT_LEN = NET_KEY_TEXT_BYTES - 1, KEY_FILE_BYTES_MAX = 4096 };

static const char Z85_ALPHABET[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

void keypair_generate(struct net_keypair *out)
{
    char public_text[NET_KEY_TEXT_BYTES], secret_text[NET_KEY_TEXT_BYTES];
    require(zmq_curve_keypair(public_text, secret_text) == 0);
    require(zmq_z85_decode(out->public_key.bytes, public_text) != NULL);
    require(zmq_z85_decode(out->secret_key.bytes, secret_text) != NULL);
    sodium_memzero(secret_text, sizeof secret_text);
}

void keypair_wipe(struct net_keypair *pair)
{
    if (pair)
        sodium_memzero(pair, sizeof *pair);
}

void key_format_z85(const struct net_key *key, char out[NET_KEY_TEXT_BYTES])
{
    require(zmq_z85_encode(out, key->bytes, NET_KEY_BYTES) != NULL);
}

int key_parse_z85(struct slice text, struct net_key *out, struct err *e)
{
    if (text.len != KEY_TEXT_LEN)
        return err_set(e, ERR_INVALID, "a key is %d characters of Z85, this has %zu", KEY_TEXT_LEN,
                       text.len);
    char copy[NET_KEY_TEXT_BYTES];
    memcpy(copy, text.data, KEY_TEXT_LEN);
    copy[KEY_TEXT_LEN] = '\0';
    size_t good = strspn(copy, Z85_ALPHABET);
    if (good != KEY_TEXT_LEN)
        return err_set(e, ERR_INVALID, "character %zu of the key is none of Z85: copy the key anew",
                       good + 1);
    struct net_key key;
    bool decoded = zmq_z85_decode(key.bytes, copy) != NULL;
    sodium_memzero(copy, sizeof copy);
    if (!decoded)
        return err_set(e, ERR_INVALID, "the key is no valid Z85: copy it anew");
    *out = key;
    sodium_memzero(&key, sizeof key);
    return 0;
}

bool key_equal(const struct net_key *a, const struct net_key *b)
{
    return sodium_memcmp(a->bytes, b->bytes, NET_KEY_BYTES) == 0;
}

/* ---- key files ---- */

enum key_name { KEY_PUBLIC, KEY_SECRET, KEY_NAMES };
static const char *const KEY_NAME_TEXT[KEY_NAMES] = {"public", "secret"};

struct key_file {
    const char *path;
    const char *line_start;
    const char *at;
    const char *end;
    unsigned line;
    bool present[KEY_NAMES];
    struct net_key keys[KEY_NAMES];
};

static int key_file_error(const struct key_file *f, const char *at, const char *what, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s:%u:%zu: %s", f->path, f->line,
                   (size_t)(at - f->line_start) + 1, what);
}

static void key_file_skip_blanks(struct key_file *f)
{
    while (f->at < f->end && (*f->at == ' ' || *f->at == '\t' || *f->at == '\r'))
        f->at++;
}

static bool key_file_at_line_end(const struct key_file *f)
{
    return f->at == f->end || *f->at == '\n' || *f->at == '#';
}

static int key_file_name(struct key_file *f, enum key_name *name, struct err *e)
{
    const char *start = f->at;
    while (f->at < f->end && *f->at >= 'a' && *f->at <= 'z')
        f->at++;
    struct slice word = slice_of(start, (size_t)(f->at - start));
    for (int i = 0; i < KEY_NAMES; i++) {
        if (!slice_equal(word, slice_str(KEY_NAME_TEXT[i])))
            continue;
        *name = (enum key_name)i;
        return f->present[i] ? key_file_error(f, start, "stands here a second time: delete one", e)
                             : 0;
    }
    const char *near = text_nearest(word, KEY_NAME_TEXT, KEY_NAMES);
    char what[96];
    snprintf(what, sizeof what, "expected a line such as %s = \"…\"", near ? near : "public");
    return key_file_error(f, start, what, e);
}

static int key_file_value(struct key_file *f, struct net_key *out, struct err *e)
{
    key_file_skip_blanks(f);
    if (f->at == f->end || *f->at != '=')
        return key_file_error(f, f->at, "expected = after the name", e);
    f->at++;
    key_file_skip_blanks(f);
    if (f->at == f->end || *f->at != '"')
        return key_file_error(f, f->at, "expected the key in double quotes", e);
    const char *start = ++f->at;
    while (f->at < f->end && *f->at != '"' && *f->at != '\n')
        f->at++;
    if (f->at == f->end || *f->at != '"')
        return key_file_error(f, f->at, "expected a closing double quote", e);
    struct err inner;
    if (key_parse_z85(slice_of(start, (size_t)(f->at - start)), out, &inner) < 0)
        return key_file_error(f, start, inner.text, e);
    f->at++;
    return 0;
}

static int key_file_line(struct key_file *f, struct err *e)
{
    key_file_skip_blanks(f);
    if (!key_file_at_line_end(f)) {
        enum key_name name = KEY_PUBLIC;
        int rc = key_file_name(f, &name, e);
        if (rc == 0)
            rc = key_file_value(f, &f->keys[name], e);
        if (rc < 0)
            return rc;
        f->present[name] = true;
        key_file_skip_blanks(f);
        if (!key_file_at_line_end(f))
            return key_file_error(f, f->at, "nothing may follow the key", e);
    }
    while (f->at < f->end && *f->at != '\n')
        f->at++;
    return 0;
}

static int key_file_parse(struct key_file *f, const char *text, size_t len, struct err *e)
{
    f->at = text;
    f->end = text + len;
    while (f->at < f->end) {
        f->line++;
        f->line_start = f->at;
        int rc = key_file_line(f, e);
        if (rc < 0)
            return rc;
        if (f->at < f->end)
            f->at++;
    }
    return 0;
}

static int key_file_check_private(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(e, ERR_IO, "key file %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "key file %s is not a plain file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(
            e, ERR_DENIED,
            "key file %s holds a secret but its mode is %03o, so that others than its "
            "owner can use it: chmod 600 %s, and make a new key if it may have been read",
            path, (unsigned)(st.st_mode & 0777), path);
    return 0;
}

static int key_file_open(const char *path, int *fd, struct err *e)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd >= 0)
        return 0;
    if (errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND,
                       "key file %s does not exist: make one with tonghop keys make", path);
    return err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO, "key file %s: %s", path,
                   strerror(errno));
}

static int key_file_read(int fd, struct key_file *f, struct err *e)
{
    char text[KEY_FILE_BYTES_MAX];
    size_t len = 0;
    ssize_t got = 0;
    while (len < sizeof text && (got = read(fd, text + len, sizeof text - len)) > 0)
        len += (size_t)got;
    int rc = 0;
    if (got < 0)
        rc = err_set(e, ERR_IO, "key file %s: %s", f->path, strerror(errno));
    else if (len == sizeof text)
        rc = err_set(e, ERR_LIMIT, "key file %s is larger than %d bytes: it is no key file",
                     f->path, KEY_FILE_BYTES_MAX);
    else
        rc = key_file_parse(f, text, len, e);
    sodium_memzero(text, sizeof text);
    return rc;
}

static int key_file_missing(const char *path, enum key_name name, struct err *e)
{
    return err_set(e, ERR_INVALID, "key file %s lacks the line %s = \"…\"", path,
                   KEY_NAME_TEXT[name]);
}

/* A pair that does not fit together would only show as handshakes that fail for no stated reason.
 */
static int keypair_check(const struct key_file *f, struct err *e)
{
    struct net_key expected;
    if (crypto_scalarmult_base(expected.bytes, f->keys[KEY_SECRET].bytes) == 0 &&
        key_equal(&expected, &f->keys[KEY_PUBLIC]))
        return 0;
    return err_set(
        e, ERR_INVALID,
        "key file %s: the public key does not belong to the secret one: restore the file "
        "or make a new pair",
        f->path);
}

int keypair_load(const char *path, struct net_keypair *out, struct err *e)
{
    struct key_file f = {.path = path};
    int fd = -1;
    int rc = key_file_open(path, &fd, e);
    if (rc < 0)
        return rc;
    rc = key_file_check_private(fd, path, e);
    if (rc == 0)
        rc = key_file_read(fd, &f, e);
    close(fd);
    for (int i = 0; rc == 0 && i < KEY_NAMES; i++)
        if (!f.present[i])
            rc = key_file_missing(path, (enum key_name)i, e);
    if (rc == 0)
        rc = keypair_check(&f, e);
    if (rc == 0)
        *out = (struct net_keypair){f.keys[KEY_PUBLIC], f.keys[KEY_SECRET]};
    sodium_memzero(&f, sizeof f);
    return rc;
}

int key_public_load(const char *path, struct net_key *out, struct err *e)
{
    struct key_file f = {.path = path};
    int fd = -1;
    int rc = key_file_open(path, &fd, e);
    if (rc < 0)
        return rc;
    rc = key_file_read(fd, &f, e);
    close(fd);
    if (rc == 0 && f.present[KEY_SECRET])
        rc = err_set(e, ERR_INVALID,
                     "key file %s holds a secret, which its owner alone may have: name the public "
                     "key file here",
                     path);
    if (rc == 0 && !f.present[KEY_PUBLIC])
        rc = key_file_missing(path, KEY_PUBLIC, e);
    if (rc == 0)
        *out = f.keys[KEY_PUBLIC];
    sodium_memzero(&f, sizeof f);
    return rc;
}

static int key_file_write(const char *path, mode_t mode, const char *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST)
        return err_set(e, ERR_EXISTS, "key file %s exists: move it away first", path);
    if (fd < 0)
        return err_set(e, ERR_IO, "key file %s: %s", path, strerror(errno));
    size_t len = strlen(text);
    bool good = write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int saved = errno;
    good = close(fd) == 0 && good;
    if (good)
        return 0;
    unlink(path);
    return err_set(e, ERR_IO, "write key file %s: %s", path, strerror(saved));
}

int keypair_save(const char *path, const struct net_keypair *pair, struct err *e)
{
    char public_text[NET_KEY_TEXT_BYTES], secret_text[NET_KEY_TEXT_BYTES], text[256];
    key_format_z85(&pair->public_key, public_text);
    key_format_z85(&pair->secret_key, secret_text);
    snprintf(text, sizeof text, "public = \"%s\"\nsecret = \"%s\"\n", public_text, secret_text);
    int rc = key_file_write(path, 0600, text, e);
    sodium_memzero(secret_text, sizeof secret_text);
    sodium_memzero(text, sizeof text);
    return rc;
}

int key_public_save(const char *path, const struct net_key *key, struct err *e)
{
    char public_text[NET_KEY_TEXT_BYTES], text[128];
    key_format_z85(key, public_text);
    snprintf(text, sizeof text, "public = \"%s\"\n", public_text);
    return key_file_write(path, 0644, text, e);
}
