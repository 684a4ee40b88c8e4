#include "common/config/doc.h"

#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int doc_error(const struct doc_node *node, struct err *e, const char *format, ...)
{
    if (!e)
        return ERR_INVALID;
    char text[ERR_TEXT_BYTES] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(e, ERR_INVALID, "%s:%u:%u: %s", node->doc ? doc_name(node->doc) : "default",
                   node->line, node->column, text);
}

static const char *kind_text(enum doc_kind kind)
{
    switch (kind) {
    case DOC_MAP:
        return "a map (\"key: value\" lines)";
    case DOC_LIST:
        return "a list (\"- item\" lines)";
    case DOC_SCALAR:
        break;
    }
    return "a single value";
}

static const char *kind_found(const struct doc_node *node)
{
    bool nothing = node->kind == DOC_SCALAR && node->text_bytes == 0 && !node->quoted;
    return nothing ? "nothing" : kind_text(node->kind);
}

int doc_expect(const struct doc_node *node, enum doc_kind kind, struct err *e)
{
    if (node->kind == kind)
        return 0;
    return doc_error(node, e, "%s%s%s is wanted here, %s is what stands",
                     node->name ? node->name : "", node->name ? ": " : "", kind_text(kind),
                     kind_found(node));
}

const struct doc_node *doc_find(const struct doc_node *map, const char *key)
{
    if (map->kind != DOC_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i].text, key) == 0)
            return &map->items[i];
    return NULL;
}

int doc_need(const struct doc_node *map, const char *key, const struct doc_node **out,
             struct err *e)
{
    int rc = doc_expect(map, DOC_MAP, e);
    if (rc != 0)
        return rc;
    const struct doc_node *value = doc_find(map, key);
    if (!value)
        return doc_error(map, e, "the key \"%s\" is missing here", key);
    *out = value;
    return 0;
}

/* "a, b, c", cut with "…" where `bytes` end. */
static void join_names(const char *const *names, size_t count, char *out, size_t bytes)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t need = strlen(names[i]) + sizeof ", " - 1;
        if (len + need + sizeof "…" > bytes) {
            memcpy(out + len, "…", sizeof "…");
            return;
        }
        len += (size_t)snprintf(out + len, bytes - len, "%s%s", i > 0 ? ", " : "", names[i]);
    }
}

int doc_unknown(const struct doc_node *at, const char *what, const char *word,
                const char *const *names, size_t count, struct err *e)
{
    const char *nearest = text_nearest(slice_str(word), names, count);
    if (nearest)
        return doc_error(at, e, "unknown %s \"%s\": did you mean \"%s\"?", what, word, nearest);
    char valid[200];
    join_names(names, count, valid, sizeof valid);
    return doc_error(at, e, "unknown %s \"%s\": there are %s", what, word, valid);
}

static bool is_among(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0)
            return true;
    return false;
}

int doc_check_keys(const struct doc_node *map, const char *const *keys, size_t count, struct err *e)
{
    int rc = doc_expect(map, DOC_MAP, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < map->count; i++)
        if (!is_among(map->keys[i].text, keys, count))
            return doc_unknown(&map->keys[i], "key", map->keys[i].text, keys, count, e);
    return 0;
}
