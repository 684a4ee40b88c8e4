/* One table row per option: the only place that says what an option is called, what it may hold and
 * where it goes. The same table reads the file, prints the effective configuration and the manual
 * part of --help. A table also serves for the records of a list: its callback calls schema_read on
 * the item.
 *
 * Text in the destination is borrowed from the document (or from the table, for a default): keep
 * the document as long as the struct. */
#ifndef TONGHOP_CONFIG_SCHEMA_H
#define TONGHOP_CONFIG_SCHEMA_H

#include "common/config/doc.h"

#include <stdio.h>

enum { SCHEMA_KEY_BYTES = 64 }; /* longest dotted key, with the terminator */

/* Behind each, the C type of the destination field. */
enum schema_type {
    SCHEMA_STRING,     /* const char *; minimum and maximum in bytes */
    SCHEMA_IDENTIFIER, /* const char * */
    SCHEMA_DATE,       /* const char *, YYYY-MM-DD; the day itself is not checked */
    SCHEMA_INTEGER,    /* int64_t */
    SCHEMA_SIZE,       /* int64_t, bytes */
    SCHEMA_DURATION,   /* int64_t, milliseconds */
    SCHEMA_BOOLEAN,    /* bool */
    SCHEMA_CHOICE,     /* size_t, index into `choices` */
    SCHEMA_LIST,       /* whatever `item` fills; minimum and maximum in items */
};

/* Takes one item of a list into `field` (the destination of the row), called in file order. */
typedef int schema_item_fn(const struct doc_node *item, void *field, struct err *e);

struct schema_row {
    const char *key; /* dotted: "store.map_size"; rows with a common prefix stand together */
    enum schema_type type;
    int64_t minimum;
    int64_t maximum;
    /* The default as it would be written; NULL: none, the field stays 0. A list's is "[]" or NULL.
     */
    const char *standard;
    const char *unit; /* for people ("observations"); NULL: says itself */
    const char *help; /* one or two sentences: what it does, when to change it */
    bool required;    /* then `standard` is NULL */
    size_t offset;    /* SCHEMA_AT gives these two */
    size_t bytes;
    const char *const *choices; /* SCHEMA_CHOICE: names up to a NULL */
    schema_item_fn *item;       /* SCHEMA_LIST */
};

/* In a row: SCHEMA_AT(struct collector_config, map_bytes). The size is compared with what the type
 * writes, so that an int where an int64_t belongs stops at the first load. */
#define SCHEMA_AT(type, member)                                                                    \
    .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)

/* Rows that several tables share, for a struct that stands at `offset` in the one that is read. */
struct schema_part {
    const struct schema_row *rows;
    size_t count;
    size_t offset;
};

/* Reads `map` into dest: every key known, every required one present, defaults for the rest. On
 * failure dest may be partly filled; what list callbacks have put there is the caller's to free. */
int schema_read(const struct schema_row *rows, size_t count, const struct doc_node *map, void *dest,
                struct err *e);
/* The same from the root of a document. */
int schema_load(const struct schema_row *rows, size_t count, const struct doc *doc, void *dest,
                struct err *e);

/* The node of a dotted key below `map`; NULL when it is not there. */
const struct doc_node *schema_find(const struct doc_node *map, const char *key);

/* Prints the effective configuration as YAML that loads to the same values, each option under its
 * help and limits as comments. `doc` may be NULL: the defaults, required options commented out. */
void schema_dump(const struct schema_row *rows, size_t count, const struct doc *doc, FILE *out);
/* The options as a manual: key, type, limits, default and help. */
void schema_help(const struct schema_row *rows, size_t count, FILE *out);

/* A list of strings: a field of this type, with `.item = schema_item_string`. */
struct schema_strings {
    const char **items; /* borrowed texts */
    size_t count;
    size_t capacity;
};

enum { SCHEMA_STRING_BYTES = 1024 }; /* longest string of a list */

schema_item_fn schema_item_string;
void schema_strings_fini(struct schema_strings *s);

#endif
