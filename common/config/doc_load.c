/* From bytes to the tree, over libyaml's events. Its document API was the first choice and loses
 * what is to be refused here: it resolves aliases, forgets anchors and most tags, and has built the
 * whole tree before anybody can look at the depth. Events carry the same lines and columns. */
#include "common/config/doc.h"

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/check.h"
#include "common/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

struct doc {
    struct arena arena; /* every node and text */
    char *name;
    struct doc_node root;
};

struct loader {
    struct doc *doc;
    yaml_parser_t parser;
    const char *data;
    size_t bytes;
    struct err *err;
};

/* The children of a map or list while their number is not known. */
struct children {
    struct doc_node *nodes;
    size_t count;
    size_t capacity;
};

static int load_node(struct loader *l, const yaml_event_t *event, const char *name, unsigned depth,
                     struct doc_node *out);

static struct doc_node node_at(const struct loader *l, yaml_mark_t mark)
{
    return (struct doc_node){
        .line = (unsigned)mark.line + 1, .column = (unsigned)mark.column + 1, .doc = l->doc};
}

/* --- what libyaml refuses, in words that help */

/* libyaml counts bytes where it cannot read characters. */
static yaml_mark_t mark_of_offset(const struct loader *l, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset && i < l->bytes; i++) {
        if (l->data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)l->data[i] & 0xC0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

/* Its reader stops at broken UTF-8 (looked for before, see check_utf8) and control characters. */
static int explain_unreadable(struct loader *l)
{
    struct doc_node at = node_at(l, mark_of_offset(l, l->parser.problem_offset));
    return doc_error(&at, l->err, "the character U+%04X does not belong in a text: remove it",
                     (unsigned)l->parser.problem_value);
}

/* The start of the line that a 0-based line number names. */
static const char *line_start(const struct loader *l, size_t line)
{
    const char *at = l->data;
    const char *end = l->data + l->bytes;
    while (line-- > 0) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            return end;
        at = newline + 1;
    }
    return at;
}

/* Of a tab it says "character that cannot start any token", or something about block mappings. */
static bool tab_indents(const struct loader *l, size_t line, size_t *column)
{
    const char *start = line_start(l, line);
    const char *end = l->data + l->bytes;
    for (const char *at = start; at < end && (*at == ' ' || *at == '\t'); at++) {
        if (*at == '\t') {
            *column = (size_t)(at - start);
            return true;
        }
    }
    return false;
}

static int explain_syntax(struct loader *l)
{
    const yaml_parser_t *p = &l->parser;
    if (p->error == YAML_READER_ERROR)
        return explain_unreadable(l);
    yaml_mark_t mark = p->problem_mark;
    bool tab = tab_indents(l, mark.line, &mark.column);
    struct doc_node at = node_at(l, mark);
    if (tab)
        return doc_error(&at, l->err, "a tab in the indentation: indent with spaces");
    if (p->context)
        return doc_error(&at, l->err, "not YAML: %s, %s that began at line %zu", p->problem,
                         p->context, p->context_mark.line + 1);
    return doc_error(&at, l->err, "not YAML: %s", p->problem);
}

/* On success the caller deletes the event. */
static int next_event(struct loader *l, yaml_event_t *event)
{
    return yaml_parser_parse(&l->parser, event) ? 0 : explain_syntax(l);
}

/* --- nodes */

static int refuse_anchor(struct loader *l, const yaml_event_t *event, char sign, const void *name)
{
    struct doc_node at = node_at(l, event->start_mark);
    return doc_error(&at, l->err,
                     "%c%s refers elsewhere (anchors and aliases), which is not taken here: write "
                     "the value out; a text that begins with %c goes in quotes",
                     sign, (const char *)name, sign);
}

static int refuse_decoration(struct loader *l, const yaml_event_t *event, const void *anchor,
                             const void *tag)
{
    if (anchor)
        return refuse_anchor(l, event, '&', anchor);
    if (!tag)
        return 0;
    struct doc_node at = node_at(l, event->start_mark);
    return doc_error(&at, l->err,
                     "the tag %s is not taken here: leave it out; a text that begins with ! goes "
                     "in quotes",
                     (const char *)tag);
}

static int load_scalar(struct loader *l, const yaml_event_t *event, struct doc_node *out)
{
    struct slice text = slice_of(event->data.scalar.value, event->data.scalar.length);
    int rc = refuse_decoration(l, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (rc != 0)
        return rc;
    if (!utf8_text(text))
        return doc_error(out, l->err, "a control character in the text: remove it");
    out->kind = DOC_SCALAR;
    out->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->text = arena_string(&l->doc->arena, text.data, text.len);
    out->text_bytes = text.len;
    return 0;
}

/* One more child from the event, which is consumed; *done at `end` instead. */
static int load_child(struct loader *l, yaml_event_type_t end, const char *name, unsigned depth,
                      struct children *to, bool *done)
{
    yaml_event_t event;
    int rc = next_event(l, &event);
    if (rc != 0)
        return rc;
    *done = event.type == end;
    if (!*done) {
        struct doc_node child;
        rc = load_node(l, &event, name, depth, &child);
        alloc_reserve((void **)&to->nodes, &to->capacity, to->count + 1, sizeof child);
        to->nodes[to->count++] = child;
    }
    yaml_event_delete(&event);
    return rc;
}

static struct doc_node *keep_children(struct loader *l, const struct children *c)
{
    size_t bytes = c->count * sizeof *c->nodes;
    if (bytes == 0)
        return NULL;
    return memcpy(arena_alloc(&l->doc->arena, bytes), c->nodes, bytes);
}

static int load_list(struct loader *l, const char *name, unsigned depth, struct doc_node *out)
{
    struct children items = {0};
    bool done = false;
    int rc = 0;
    while (rc == 0 && !done)
        rc = load_child(l, YAML_SEQUENCE_END_EVENT, name, depth + 1, &items, &done);
    out->kind = DOC_LIST;
    out->count = items.count;
    out->items = keep_children(l, &items);
    free(items.nodes);
    return rc;
}

static int by_text_and_place(const void *a, const void *b)
{
    const struct doc_node *x = *(const struct doc_node *const *)a;
    const struct doc_node *y = *(const struct doc_node *const *)b;
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x > y) - (x < y);
}

/* Sorted, so that a large file costs n log n. The earliest repetition in the file is named. */
static int refuse_duplicate_keys(struct loader *l, const struct doc_node *map)
{
    if (map->count < 2)
        return 0;
    const struct doc_node **sorted = alloc_zeroed(map->count, sizeof *sorted);
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = &map->keys[i];
    qsort(sorted, map->count, sizeof *sorted, by_text_and_place);
    const struct doc_node *first = NULL, *again = NULL;
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0 && (!again || sorted[i] < again)) {
            first = sorted[i - 1];
            again = sorted[i];
        }
    }
    free(sorted);
    if (!again)
        return 0;
    return doc_error(again, l->err, "the key \"%s\" stands here again, first at line %u: keep one",
                     again->text, first->line);
}

static int check_key(struct loader *l, const struct doc_node *key)
{
    if (key->kind == DOC_SCALAR && key->text_bytes > 0 && !strpbrk(key->text, "\n\t"))
        return 0;
    return doc_error(key, l->err, "a key is missing before the colon, or is not a plain word");
}

static int load_map(struct loader *l, unsigned depth, struct doc_node *out)
{
    struct children keys = {0}, values = {0};
    bool done = false;
    int rc = 0;
    while (rc == 0) {
        rc = load_child(l, YAML_MAPPING_END_EVENT, NULL, depth + 1, &keys, &done);
        if (rc != 0 || done)
            break;
        const struct doc_node *key = &keys.nodes[keys.count - 1];
        rc = check_key(l, key);
        if (rc == 0)
            rc = load_child(l, YAML_NO_EVENT, key->text, depth + 1, &values, &done);
    }
    out->kind = DOC_MAP;
    out->count = values.count;
    out->keys = keep_children(l, &keys);
    out->items = keep_children(l, &values);
    free(keys.nodes);
    free(values.nodes);
    return rc != 0 ? rc : refuse_duplicate_keys(l, out);
}

static int load_node(struct loader *l, const yaml_event_t *event, const char *name, unsigned depth,
                     struct doc_node *out)
{
    *out = node_at(l, event->start_mark);
    out->name = name;
    if (event->type == YAML_ALIAS_EVENT)
        return refuse_anchor(l, event, '*', event->data.alias.anchor);
    if (event->type == YAML_SCALAR_EVENT)
        return load_scalar(l, event, out);
    if (depth > DOC_DEPTH_MAX)
        return doc_error(out, l->err, "nested deeper than %d levels", DOC_DEPTH_MAX);
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    int rc = list ? refuse_decoration(l, event, event->data.sequence_start.anchor,
                                      event->data.sequence_start.tag)
                  : refuse_decoration(l, event, event->data.mapping_start.anchor,
                                      event->data.mapping_start.tag);
    if (rc != 0)
        return rc;
    return list ? load_list(l, name, depth, out) : load_map(l, depth, out);
}

/* --- documents */

static int load_event_of(struct loader *l, yaml_event_type_t wanted, const char *otherwise)
{
    yaml_event_t event;
    int rc = next_event(l, &event);
    if (rc != 0)
        return rc;
    struct doc_node at = node_at(l, event.start_mark);
    if (event.type != wanted)
        rc = doc_error(&at, l->err, "%s", otherwise);
    yaml_event_delete(&event);
    return rc;
}

static int load_root(struct loader *l)
{
    yaml_event_t event;
    int rc = next_event(l, &event);
    if (rc != 0)
        return rc;
    rc = load_node(l, &event, NULL, 1, &l->doc->root);
    yaml_event_delete(&event);
    return rc;
}

static int load_document(struct loader *l)
{
    int rc = load_event_of(l, YAML_STREAM_START_EVENT, "not YAML");
    if (rc == 0)
        rc = load_event_of(l, YAML_DOCUMENT_START_EVENT, "the file is empty");
    if (rc == 0)
        rc = load_root(l);
    if (rc == 0)
        rc = load_event_of(l, YAML_DOCUMENT_END_EVENT, "not YAML");
    if (rc == 0)
        rc = load_event_of(l, YAML_STREAM_END_EVENT,
                           "a second document begins here: one file holds one");
    return rc;
}

static int check_utf8(struct loader *l)
{
    size_t bad = utf8_first_bad(slice_of(l->data, l->bytes));
    if (bad == l->bytes)
        return 0;
    struct doc_node at = node_at(l, mark_of_offset(l, bad));
    return doc_error(&at, l->err, "not UTF-8 (byte 0x%02X): save the file as UTF-8",
                     (unsigned)(unsigned char)l->data[bad]);
}

/* What Windows editors put in front of UTF-8. */
static void skip_byte_order_mark(struct loader *l)
{
    if (l->bytes >= 3 && memcmp(l->data, "\xEF\xBB\xBF", 3) == 0) {
        l->data += 3;
        l->bytes -= 3;
    }
}

int doc_parse(const char *name, const void *data, size_t bytes, struct doc **out, struct err *e)
{
    struct doc *doc = alloc_zeroed(1, sizeof *doc);
    doc->name = alloc_string(name);
    arena_init(&doc->arena, 0);
    struct loader l = {.doc = doc, .data = data, .bytes = bytes, .err = e};
    skip_byte_order_mark(&l);
    int rc = check_utf8(&l);
    if (rc != 0)
        goto fail;
    require(yaml_parser_initialize(&l.parser)); /* fails for want of memory only */
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)l.data, l.bytes);
    rc = load_document(&l);
    yaml_parser_delete(&l.parser);
    if (rc != 0)
        goto fail;
    *out = doc;
    return 0;
fail:
    doc_destroy(doc);
    return rc;
}

/* Reads to the end, or one byte more than is allowed; a pipe has no size to ask for. */
static int read_all(int fd, size_t bytes_max, char **out, size_t *bytes)
{
    char *data = NULL;
    size_t capacity = 0, len = 0;
    ssize_t got = 1;
    while (got != 0 && len <= bytes_max) {
        size_t want = bytes_max + 1 - len < 65536 ? bytes_max + 1 - len : 65536;
        alloc_reserve((void **)&data, &capacity, len + want, 1);
        got = read(fd, data + len, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(data);
            return ERR_IO;
        }
        len += (size_t)got;
    }
    *out = data;
    *bytes = len;
    return 0;
}

int doc_load(const char *path, size_t bytes_max, struct doc **out, struct err *e)
{
    char *data = NULL;
    size_t bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %s", path,
                       strerror(errno));
    int rc = read_all(fd, bytes_max, &data, &bytes);
    if (rc != 0)
        rc = err_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    else if (bytes > bytes_max)
        rc = err_set(e, ERR_LIMIT, "%s: larger than the %zu bytes that are taken", path, bytes_max);
    else
        rc = doc_parse(path, data, bytes, out, e);
    close(fd);
    free(data);
    return rc;
}

void doc_destroy(struct doc *doc)
{
    if (!doc)
        return;
    arena_fini(&doc->arena);
    free(doc->name);
    free(doc);
}

const struct doc_node *doc_root(const struct doc *doc)
{
    return &doc->root;
}

const char *doc_name(const struct doc *doc)
{
    return doc->name;
}
