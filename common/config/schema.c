#include "common/config/schema.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

static size_t field_bytes(enum schema_type type)
{
    switch (type) {
    case SCHEMA_STRING:
    case SCHEMA_IDENTIFIER:
    case SCHEMA_DATE:
        return sizeof(const char *);
    case SCHEMA_INTEGER:
    case SCHEMA_SIZE:
    case SCHEMA_DURATION:
        return sizeof(int64_t);
    case SCHEMA_BOOLEAN:
        return sizeof(bool);
    case SCHEMA_CHOICE:
        return sizeof(size_t);
    case SCHEMA_LIST:
        break;
    }
    return 0;
}

/* A table is code: what is wrong with it is a bug, found at the first load in any test. */
static void check_row(const struct schema_row *row)
{
    require(row->key && strlen(row->key) < SCHEMA_KEY_BYTES && row->help);
    require(!row->required || !row->standard);
    require(row->type == SCHEMA_LIST || row->bytes == field_bytes(row->type));
    require(row->type != SCHEMA_LIST || row->item);
    require(row->type != SCHEMA_CHOICE || row->choices);
}

static size_t count_choices(const struct schema_row *row)
{
    size_t n = 0;
    while (row->choices[n])
        n++;
    return n;
}

static int read_list(const struct schema_row *row, const struct doc_node *node, void *field,
                     struct err *e)
{
    int rc = doc_expect(node, DOC_LIST, e);
    if (rc != 0)
        return rc;
    if ((int64_t)node->count < row->minimum || (int64_t)node->count > row->maximum)
        return doc_error(node, e, "%s: %zu items: write from %lld to %lld", row->key, node->count,
                         (long long)row->minimum, (long long)row->maximum);
    for (size_t i = 0; rc == 0 && i < node->count; i++)
        rc = row->item(&node->items[i], field, e);
    return rc;
}

static int read_string(const struct schema_row *row, const struct doc_node *node,
                       const char **field, struct err *e)
{
    if ((int64_t)node->text_bytes < row->minimum)
        return doc_error(node, e, "%s: %zu bytes long: write at least %lld", row->key,
                         node->text_bytes, (long long)row->minimum);
    return doc_string(node, (size_t)row->maximum, field, e);
}

static int read_value(const struct schema_row *row, const struct doc_node *node, void *field,
                      struct err *e)
{
    switch (row->type) {
    case SCHEMA_STRING:
        return read_string(row, node, field, e);
    case SCHEMA_IDENTIFIER:
        return doc_identifier(node, field, e);
    case SCHEMA_DATE:
        return doc_date(node, field, e);
    case SCHEMA_INTEGER:
        return doc_integer(node, row->minimum, row->maximum, field, e);
    case SCHEMA_SIZE:
        return doc_size(node, row->minimum, row->maximum, field, e);
    case SCHEMA_DURATION:
        return doc_duration(node, row->minimum, row->maximum, field, e);
    case SCHEMA_BOOLEAN:
        return doc_boolean(node, field, e);
    case SCHEMA_CHOICE:
        return doc_choice(node, row->choices, count_choices(row), field, e);
    case SCHEMA_LIST:
        break;
    }
    return read_list(row, node, field, e);
}

/* A default goes the way of a value in the file, so it obeys the same limits. */
static void read_standard(const struct schema_row *row, void *field)
{
    struct doc_node node = {.kind = DOC_SCALAR,
                            .name = row->key,
                            .text = row->standard,
                            .text_bytes = strlen(row->standard)};
    require(read_value(row, &node, field, NULL) == 0);
}

const struct doc_node *schema_find(const struct doc_node *map, const char *key)
{
    char part[SCHEMA_KEY_BYTES];
    while (map) {
        size_t len = strcspn(key, ".");
        require(len < sizeof part);
        memcpy(part, key, len);
        part[len] = '\0';
        map = doc_find(map, part);
        if (key[len] == '\0')
            break;
        key += len + 1;
    }
    return map;
}

/* --- keys that no row knows */

struct known {
    const struct schema_row *rows;
    size_t count;
    const char **keys; /* of the rows */
};

enum known_as {
    KNOWN_NOT,
    KNOWN_OPTION,
    KNOWN_GROUP,
};

static enum known_as know(const struct known *k, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < k->count; i++) {
        if (strcmp(k->keys[i], key) == 0)
            return KNOWN_OPTION;
        if (strncmp(k->keys[i], key, len) == 0 && k->keys[i][len] == '.')
            return KNOWN_GROUP;
    }
    return KNOWN_NOT;
}

/* A group whose options are all commented out is written as a key without a value. */
static bool is_empty_group(const struct doc_node *node)
{
    return node->kind == DOC_SCALAR && node->text_bytes == 0 && !node->quoted;
}

/* The first group whose name (up to the last dot of a row's key) is near `key`. */
static bool find_near_group(const struct known *k, const char *key, char out[SCHEMA_KEY_BYTES])
{
    for (size_t i = 0; i < k->count; i++) {
        const char *dot = strrchr(k->keys[i], '.');
        if (!dot)
            continue;
        size_t len = (size_t)(dot - k->keys[i]);
        require(len < SCHEMA_KEY_BYTES);
        memcpy(out, k->keys[i], len);
        out[len] = '\0';
        const char *const candidate = out;
        if (text_nearest(slice_str(key), &candidate, 1))
            return true;
    }
    return false;
}

static int refuse_key(const struct known *k, const struct doc_node *at, const char *key,
                      struct err *e)
{
    char group[SCHEMA_KEY_BYTES];
    const char *const only = group;
    if (strchr(at->text, '.'))
        return doc_error(at, e,
                         "the key \"%s\" has a point in it: write each part on a line of its own, "
                         "the next indented under it",
                         at->text);
    if (!text_nearest(slice_str(key), k->keys, k->count) && find_near_group(k, key, group))
        return doc_unknown(at, "key", key, &only, 1, e);
    return doc_unknown(at, "key", key, k->keys, k->count, e);
}

static int check_known(const struct known *k, const char *prefix, const struct doc_node *map,
                       struct err *e)
{
    int rc = is_empty_group(map) ? 0 : doc_expect(map, DOC_MAP, e);
    for (size_t i = 0; rc == 0 && i < map->count; i++) {
        char key[2 * SCHEMA_KEY_BYTES];
        int len =
            snprintf(key, sizeof key, "%s%s%s", prefix, *prefix ? "." : "", map->keys[i].text);
        bool single = (size_t)len < sizeof key && !strchr(map->keys[i].text, '.');
        enum known_as as = single ? know(k, key) : KNOWN_NOT;
        if (as == KNOWN_NOT)
            return refuse_key(k, &map->keys[i], key, e);
        if (as == KNOWN_GROUP)
            rc = check_known(k, key, &map->items[i], e);
    }
    return rc;
}

static int check_unknown_keys(const struct schema_row *rows, size_t count,
                              const struct doc_node *map, struct err *e)
{
    struct known k = {rows, count, alloc_zeroed(count, sizeof *k.keys)};
    for (size_t i = 0; i < count; i++)
        k.keys[i] = rows[i].key;
    int rc = check_known(&k, "", map, e);
    free(k.keys);
    return rc;
}

static int read_row(const struct schema_row *row, const struct doc_node *map, void *dest,
                    struct err *e)
{
    void *field = (char *)dest + row->offset;
    const struct doc_node *node = schema_find(map, row->key);
    check_row(row);
    if (node)
        return read_value(row, node, field, e);
    if (row->required)
        return doc_error(map, e, "the option %s is missing: %s", row->key, row->help);
    if (row->standard && row->type != SCHEMA_LIST)
        read_standard(row, field);
    return 0;
}

int schema_read(const struct schema_row *rows, size_t count, const struct doc_node *map, void *dest,
                struct err *e)
{
    int rc = check_unknown_keys(rows, count, map, e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = read_row(&rows[i], map, dest, e);
    return rc;
}

int schema_load(const struct schema_row *rows, size_t count, const struct doc *doc, void *dest,
                struct err *e)
{
    return schema_read(rows, count, doc_root(doc), dest, e);
}

int schema_item_string(const struct doc_node *item, void *field, struct err *e)
{
    struct schema_strings *s = field;
    const char *text;
    int rc = doc_string(item, SCHEMA_STRING_BYTES, &text, e);
    if (rc != 0)
        return rc;
    alloc_reserve((void **)&s->items, &s->capacity, s->count + 1, sizeof *s->items);
    s->items[s->count++] = text;
    return 0;
}

void schema_strings_fini(struct schema_strings *s)
{
    free(s->items);
    *s = (struct schema_strings){0};
}
