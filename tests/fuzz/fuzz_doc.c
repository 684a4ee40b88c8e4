#include "common/config/doc.h"
#include "tests/fuzz/fuzz.h"

/* Every getter on every scalar: what they make of a text is theirs to refuse. */
static void read_scalar(const struct doc_node *n)
{
    static const char *const names[] = {"day", "month", "year"};
    struct err e;
    const char *text;
    int64_t number;
    bool flag;
    size_t choice;
    doc_string(n, 64, &text, &e);
    doc_identifier(n, &text, &e);
    doc_integer(n, -90000, 90000, &number, &e);
    doc_boolean(n, &flag, &e);
    doc_date(n, &text, &e);
    doc_size(n, 0, INT64_MAX, &number, &e);
    doc_duration(n, 0, INT64_MAX, &number, &e);
    doc_choice(n, names, 3, &choice, &e);
}

/* No deeper than DOC_DEPTH_MAX, as the parser has seen to. */
static void walk(const struct doc_node *n)
{
    static const char *const keys[] = {"plan", "version"};
    struct err e;
    if (n->kind == DOC_SCALAR)
        read_scalar(n);
    doc_check_keys(n, keys, 2, &e);
    for (size_t i = 0; i < n->count; i++)
        walk(&n->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    struct doc *doc;
    if (doc_parse("d.yaml", data, size, &doc, &e) != 0)
        return 0;
    walk(doc_root(doc));
    doc_destroy(doc);
    return 0;
}
