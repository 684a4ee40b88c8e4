/* The table as YAML (schema_dump) and as a manual (schema_help). */
#include "common/config/quantity.h"
#include "common/config/schema.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_COLUMNS = 96 };

/* --- sentences about a row */

/* Words of `text` in lines that begin with `lead`; columns are counted in bytes, near enough. */
static void print_wrapped(FILE *out, const char *lead, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > TEXT_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%s%.*s", lead, (int)word, text);
        else
            column += (size_t)fprintf(out, " %.*s", (int)word, text);
        text += word + (text[word] == ' ');
    }
    fputc('\n', out);
}

static void print_range(FILE *out, const struct schema_row *row, enum quantity_kind kind)
{
    char from[QUANTITY_TEXT_BYTES], to[QUANTITY_TEXT_BYTES];
    fprintf(out, "%s to %s", quantity_format(kind, row->minimum, from),
            quantity_format(kind, row->maximum, to));
    if (row->unit)
        fprintf(out, " %s", row->unit);
}

static void print_choices(FILE *out, const struct schema_row *row)
{
    for (size_t i = 0; row->choices[i]; i++)
        fprintf(out, "%s%s", i == 0 ? "one of " : ", ", row->choices[i]);
}

static void print_type(FILE *out, const struct schema_row *row)
{
    switch (row->type) {
    case SCHEMA_STRING:
        fprintf(out, "text of at most %" PRId64 " bytes", row->maximum);
        break;
    case SCHEMA_IDENTIFIER:
        fputs("name of 1 to 32 of 0-9 A-Z a-z . _ -", out);
        break;
    case SCHEMA_DATE:
        fputs("date as YYYY-MM-DD", out);
        break;
    case SCHEMA_INTEGER:
        print_range(out, row, QUANTITY_INTEGER);
        break;
    case SCHEMA_SIZE:
        print_range(out, row, QUANTITY_SIZE);
        break;
    case SCHEMA_DURATION:
        print_range(out, row, QUANTITY_DURATION);
        break;
    case SCHEMA_BOOLEAN:
        fputs("true or false", out);
        break;
    case SCHEMA_CHOICE:
        print_choices(out, row);
        break;
    case SCHEMA_LIST:
        fprintf(out, "list of %" PRId64 " to %" PRId64 " %s", row->minimum, row->maximum,
                row->unit ? row->unit : "items");
        break;
    }
}

static void print_limits(FILE *out, const struct schema_row *row)
{
    print_type(out, row);
    if (row->required)
        fputs("; required", out);
    if (row->standard)
        fprintf(out, "; default %s", *row->standard ? row->standard : "\"\"");
    fputc('\n', out);
}

void schema_help(const struct schema_row *rows, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %s: ", rows[i].key);
        print_limits(out, &rows[i]);
        print_wrapped(out, "      ", rows[i].help);
    }
}

/* --- YAML */

static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\t')
            fputs("\\t", out);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

/* What was plain in the file is plain again: the getters tell quoted from plain. */
static void print_scalar(FILE *out, const struct doc_node *node)
{
    if (node->quoted || strchr(node->text, '\n'))
        print_quoted(out, node->text);
    else
        fputs(node->text, out);
}

static void print_flow(FILE *out, const struct doc_node *node);

static void print_flow_map(FILE *out, const struct doc_node *map)
{
    fputc('{', out);
    for (size_t i = 0; i < map->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_quoted(out, map->keys[i].text);
        fputs(": ", out);
        print_flow(out, &map->items[i]);
    }
    fputc('}', out);
}

/* A plain scalar of a block may hold , [ ] { } that would end it here: those are texts, so quoted.
 */
static void print_flow(FILE *out, const struct doc_node *node)
{
    if (node->kind == DOC_MAP) {
        print_flow_map(out, node);
    } else if (node->kind == DOC_SCALAR) {
        if (strpbrk(node->text, ",[]{}"))
            print_quoted(out, node->text);
        else
            print_scalar(out, node);
    } else {
        fputc('[', out);
        for (size_t i = 0; i < node->count; i++) {
            fputs(i > 0 ? ", " : "", out);
            print_flow(out, &node->items[i]);
        }
        fputc(']', out);
    }
}

/* One item a line; what is inside an item stands on its line. */
static void print_value(FILE *out, const struct doc_node *node, int indent)
{
    if (node->kind == DOC_LIST && node->count > 0) {
        for (size_t i = 0; i < node->count; i++) {
            fprintf(out, "\n%*s- ", indent + 2, "");
            print_flow(out, &node->items[i]);
        }
        return;
    }
    fputc(' ', out);
    if (node->kind == DOC_SCALAR)
        print_scalar(out, node);
    else
        print_flow(out, node);
}

static void print_standard(FILE *out, const struct schema_row *row)
{
    fputc(' ', out);
    if (row->type == SCHEMA_STRING)
        print_quoted(out, row->standard);
    else
        fputs(row->standard, out);
}

/* Opens the groups of `key` that `before` was not in; returns the indentation of the last part and
 * points *name at it. */
static int print_groups(FILE *out, const char *before, const char *key, const char **name)
{
    int indent = 0;
    bool shared = true;
    const char *part = key;
    for (const char *dot; (dot = strchr(part, '.')); part = dot + 1) {
        size_t bytes = (size_t)(dot + 1 - key);
        shared = shared && strncmp(before, key, bytes) == 0;
        if (!shared)
            fprintf(out, "%*s%.*s:\n", indent, "", (int)(dot - part), part);
        indent += 2;
    }
    *name = part;
    return indent;
}

static void print_comment(FILE *out, const struct schema_row *row, int indent)
{
    char lead[32];
    snprintf(lead, sizeof lead, "%*s# ", indent, "");
    print_wrapped(out, lead, row->help);
    fputs(lead, out);
    print_limits(out, row);
}

void schema_dump(const struct schema_row *rows, size_t count, const struct doc *doc, FILE *out)
{
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        const struct schema_row *row = &rows[i];
        const struct doc_node *node = doc ? schema_find(doc_root(doc), row->key) : NULL;
        const char *name;
        int indent = print_groups(out, before, row->key, &name);
        print_comment(out, row, indent);
        fprintf(out, "%*s%s%s:", indent, "", node || row->standard ? "" : "# ", name);
        if (node)
            print_value(out, node, indent);
        else if (row->standard)
            print_standard(out, row);
        fputc('\n', out);
        before = row->key;
    }
}
