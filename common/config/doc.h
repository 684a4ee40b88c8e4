/* A YAML file as a read-only tree whose every node knows its line and column: services read their
 * configuration through it (schema.h), the command reads plans and catalogues. It takes the plain
 * part of YAML only: one document, maps, lists and scalars. Anchors, aliases, tags, duplicate keys,
 * tabs as indentation, broken UTF-8, control characters and deep nesting are refused, each with a
 * sentence that begins "file:line:column: ". It knows nothing of what the keys mean.
 *
 * Scalars keep the text as written; nothing guesses a type. The getters are strict: a quoted scalar
 * is a string and never a number, `90.000` and `90,000` are refused and not read as 90. */
#ifndef TONGHOP_CONFIG_DOC_H
#define TONGHOP_CONFIG_DOC_H

#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DOC_DEPTH_MAX = 16,        /* maps and lists inside one another */
    DOC_IDENTIFIER_BYTES = 32, /* longest identifier, without the terminator */
    DOC_DATE_BYTES = 10,       /* YYYY-MM-DD */
};

struct doc;

enum doc_kind {
    DOC_SCALAR,
    DOC_LIST,
    DOC_MAP,
};

/* Lives as long as its document; nothing in it is to be written. */
struct doc_node {
    enum doc_kind kind;
    bool quoted;           /* scalar: in quotes or a block (| or >), so a string whatever it says */
    unsigned line;         /* from 1 */
    unsigned column;       /* from 1, in characters */
    const char *name;      /* the key it stands under (a list item: its list's); NULL at the root */
    const char *text;      /* scalar: terminated UTF-8 without control characters but \n and \t */
    size_t text_bytes;     /* scalar: without the terminator */
    size_t count;          /* list: items; map: pairs; scalar: 0 */
    struct doc_node *keys; /* map: scalars, in the order of the file, no two alike */
    struct doc_node *items; /* list: the items; map: items[i] is the value of keys[i] */
    const struct doc *doc;
};

/* Reads the file at `path`, refused (ERR_LIMIT) above bytes_max. ERR_NOT_FOUND, ERR_IO for the file
 * itself, ERR_INVALID for what stands in it. On success *out is the caller's, to be destroyed; on
 * failure it is left alone. Errors name the file as `path`. */
int doc_load(const char *path, size_t bytes_max, struct doc **out, struct err *e);
/* The same from memory, which may be freed afterwards; `name` stands where the path would. */
int doc_parse(const char *name, const void *data, size_t bytes, struct doc **out, struct err *e);
void doc_destroy(struct doc *doc); /* accepts NULL */

const struct doc_node *doc_root(const struct doc *doc); /* never NULL; any kind */
const char *doc_name(const struct doc *doc);            /* the path given at load */

/* Fills *e with "file:line:column: " and the sentence; returns `ERR_INVALID`. */
int doc_error(const struct doc_node *node, struct err *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 0 when the node is of that kind, else an error that says what stands there instead. */
int doc_expect(const struct doc_node *node, enum doc_kind kind, struct err *e);

/* --- maps. Iterate with for (i = 0; i < map->count; i++) over keys[i].text and items[i]. */

/* The value under `key`, NULL when absent or when `map` is not a map. */
const struct doc_node *doc_find(const struct doc_node *map, const char *key);
/* The same, but absence is an error that names the key. */
int doc_need(const struct doc_node *map, const char *key, const struct doc_node **out,
             struct err *e);
/* 0 when `map` is a map and each of its keys is among `keys`; else an error at the first key that
 * is not, naming the nearest valid one. */
int doc_check_keys(const struct doc_node *map, const char *const *keys, size_t count,
                   struct err *e);

/* The error for a word that is none of `names`: "unknown WHAT "WORD": did you mean "NAME"?", or the
 * names when none is near. */
int doc_unknown(const struct doc_node *at, const char *what, const char *word,
                const char *const *names, size_t count, struct err *e);

/* --- scalars. *out is written on success only; text stays borrowed from the document. */

/* Any text of 1 to bytes_max bytes, plain or quoted. Plain null and ~ and nothing are no value. */
int doc_string(const struct doc_node *node, size_t bytes_max, const char **out, struct err *e);
/* 1 to 32 of 0-9 A-Z a-z . _ - */
int doc_identifier(const struct doc_node *node, const char **out, struct err *e);
int doc_integer(const struct doc_node *node, int64_t minimum, int64_t maximum, int64_t *out,
                struct err *e);
int doc_boolean(const struct doc_node *node, bool *out, struct err *e); /* true or false only */
/* The shape YYYY-MM-DD; that the day exists is for the caller to check. */
int doc_date(const struct doc_node *node, const char **out, struct err *e);
/* Bytes: a whole number with B, KiB, MiB, GiB or TiB ("64MiB"). */
int doc_size(const struct doc_node *node, int64_t minimum, int64_t maximum, int64_t *out,
             struct err *e);
/* Milliseconds: a whole number with ms, s, min, h or d ("250ms", "5s", "2min"). */
int doc_duration(const struct doc_node *node, int64_t minimum_ms, int64_t maximum_ms,
                 int64_t *out_ms, struct err *e);
/* One of `names`; *out is its index. An unknown word names the nearest. */
int doc_choice(const struct doc_node *node, const char *const *names, size_t count, size_t *out,
               struct err *e);

#endif
