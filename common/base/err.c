#include "common/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* `needed` is what vsnprintf answered. The cut falls on a character, never inside one. */
static void mark_cut(char text[ERR_TEXT_BYTES], int needed)
{
    if (needed < ERR_TEXT_BYTES)
        return;
    size_t at = ERR_TEXT_BYTES - sizeof "...";
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    memcpy(text + at, "...", sizeof "...");
}

int err_set(struct err *e, int code, const char *format, ...)
{
    if (e == NULL)
        return code;
    int saved = errno;
    /* Formatted aside: an argument may be the old text of the same *e. */
    char text[ERR_TEXT_BYTES] = "";
    va_list args;
    va_start(args, format);
    mark_cut(text, vsnprintf(text, sizeof text, format, args));
    va_end(args);
    memcpy(e->text, text, sizeof text);
    e->code = code;
    errno = saved;
    return code;
}

int err_wrap(struct err *e, const char *format, ...)
{
    if (e == NULL)
        return ERR_IO;
    int saved = errno;
    char what[ERR_TEXT_BYTES] = "";
    va_list args;
    va_start(args, format);
    mark_cut(what, vsnprintf(what, sizeof what, format, args));
    va_end(args);
    char text[2 * ERR_TEXT_BYTES + 2];
    int needed = snprintf(text, sizeof text, "%s: %s", what, e->text);
    mark_cut(text, needed);
    memcpy(e->text, text, ERR_TEXT_BYTES);
    errno = saved;
    return e->code;
}

const char *err_name(int code)
{
    switch ((enum err_code)code) {
    case ERR_OK:
        return "ok";
    case ERR_INVALID:
        return "invalid";
    case ERR_NOT_FOUND:
        return "not_found";
    case ERR_EXISTS:
        return "exists";
    case ERR_FULL:
        return "full";
    case ERR_IO:
        return "io";
    case ERR_CORRUPT:
        return "corrupt";
    case ERR_VERSION:
        return "version";
    case ERR_LIMIT:
        return "limit";
    case ERR_DENIED:
        return "denied";
    case ERR_AGAIN:
        return "again";
    case ERR_NET:
        return "net";
    }
    return "unknown";
}
