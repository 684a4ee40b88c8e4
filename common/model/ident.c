#include "common/model/ident.h"

static bool is_ident_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
}

bool ident_valid(struct slice text)
{
    if (text.len == 0 || text.len > IDENT_BYTES_MAX) {
        return false;
    }
    const char *at = text.data;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_ident_byte(at[i])) {
            return false;
        }
    }
    return true;
}

/* The rest is zeroed, so that equal identifiers are equal bytes. */
bool ident_set(struct ident *out, struct slice text)
{
    if (!ident_valid(text)) {
        return false;
    }
    struct ident id = {{0}};
    memcpy(id.text, text.data, text.len);
    *out = id;
    return true;
}
