#include "common/base/text.h"
#include "common/config/doc.h"
#include "common/config/quantity.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 64 };

/* The text as it can stand in a sentence: one line, of bounded length, no half character. */
static const char *shown(const struct doc_node *node, char out[SHOWN_BYTES])
{
    size_t len = node->text_bytes;
    const char *cut = "";
    if (len > SHOWN_BYTES - sizeof "…") {
        len = SHOWN_BYTES - sizeof "…";
        while (((unsigned char)node->text[len] & 0xC0) == 0x80)
            len--;
        cut = "…";
    }
    snprintf(out, SHOWN_BYTES, "%.*s%s", (int)len, node->text, cut);
    for (char *p = out; *p; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    return out;
}

/* "file:line:column: name: "text": sentence" */
static int refuse(const struct doc_node *node, struct err *e, const char *sentence)
{
    char text[SHOWN_BYTES];
    return doc_error(node, e, "%s%s\"%s\": %s", node->name ? node->name : "",
                     node->name ? ": " : "", shown(node, text), sentence);
}

/* A value that says something: null, ~ and nothing at all do not. */
static int expect_value(const struct doc_node *node, struct err *e)
{
    int rc = doc_expect(node, DOC_SCALAR, e);
    if (rc != 0 || node->quoted)
        return rc;
    if (node->text_bytes == 0)
        return doc_error(node, e, "%s has no value: write one, or take the line out",
                         node->name ? node->name : "this");
    if (strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0)
        return refuse(node, e, "that is YAML for no value: write one, or take the line out");
    return 0;
}

static int expect_plain(const struct doc_node *node, const char *wanted, struct err *e)
{
    int rc = expect_value(node, e);
    if (rc != 0 || !node->quoted)
        return rc;
    char sentence[80];
    snprintf(sentence, sizeof sentence, "in quotes it is a text: write %s without them", wanted);
    return refuse(node, e, sentence);
}

int doc_string(const struct doc_node *node, size_t bytes_max, const char **out, struct err *e)
{
    int rc = expect_value(node, e);
    if (rc != 0)
        return rc;
    if (node->text_bytes == 0)
        return refuse(node, e, "empty: write a text, or take the line out");
    if (node->text_bytes > bytes_max) {
        char sentence[80];
        snprintf(sentence, sizeof sentence, "%zu bytes long: write at most %zu", node->text_bytes,
                 bytes_max);
        return refuse(node, e, sentence);
    }
    *out = node->text;
    return 0;
}

static bool is_identifier(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    return bytes >= 1 && bytes <= DOC_IDENTIFIER_BYTES;
}

int doc_identifier(const struct doc_node *node, const char **out, struct err *e)
{
    int rc = expect_value(node, e);
    if (rc != 0)
        return rc;
    if (!is_identifier(node->text, node->text_bytes))
        return refuse(node, e, "write 1 to 32 of 0-9 A-Z a-z . _ -, without accents or blanks");
    *out = node->text;
    return 0;
}

int doc_boolean(const struct doc_node *node, bool *out, struct err *e)
{
    int rc = expect_plain(node, "true or false", e);
    if (rc != 0)
        return rc;
    bool yes = strcmp(node->text, "true") == 0;
    if (!yes && strcmp(node->text, "false") != 0)
        return refuse(node, e, "write true or false");
    *out = yes;
    return 0;
}

int doc_date(const struct doc_node *node, const char **out, struct err *e)
{
    static const char shape[] = "dddd-dd-dd";
    int rc = expect_value(node, e);
    if (rc != 0)
        return rc;
    bool fits = node->text_bytes == DOC_DATE_BYTES;
    for (size_t i = 0; fits && i < DOC_DATE_BYTES; i++)
        fits = shape[i] == 'd' ? isdigit((unsigned char)node->text[i]) != 0
                               : node->text[i] == shape[i];
    if (!fits)
        return refuse(node, e, "write a date as YYYY-MM-DD, as in 2024-10-05");
    *out = node->text;
    return 0;
}

static int read_quantity(const struct doc_node *node, enum quantity_kind kind, int64_t minimum,
                         int64_t maximum, int64_t *out, struct err *e)
{
    struct err why;
    if (quantity_parse(kind, node->text, minimum, maximum, out, &why) != 0)
        return refuse(node, e, why.text);
    return 0;
}

int doc_integer(const struct doc_node *node, int64_t minimum, int64_t maximum, int64_t *out,
                struct err *e)
{
    int rc = expect_plain(node, "the number", e);
    return rc != 0 ? rc : read_quantity(node, QUANTITY_INTEGER, minimum, maximum, out, e);
}

int doc_size(const struct doc_node *node, int64_t minimum, int64_t maximum, int64_t *out,
             struct err *e)
{
    int rc = expect_value(node, e);
    return rc != 0 ? rc : read_quantity(node, QUANTITY_SIZE, minimum, maximum, out, e);
}

int doc_duration(const struct doc_node *node, int64_t minimum_ms, int64_t maximum_ms,
                 int64_t *out_ms, struct err *e)
{
    int rc = expect_value(node, e);
    return rc != 0 ? rc : read_quantity(node, QUANTITY_DURATION, minimum_ms, maximum_ms, out_ms, e);
}

int doc_choice(const struct doc_node *node, const char *const *names, size_t count, size_t *out,
               struct err *e)
{
    int rc = expect_value(node, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], node->text) == 0) {
            *out = i;
            return 0;
        }
    }
    return doc_unknown(node, node->name ? node->name : "word", node->text, names, count, e);
}
