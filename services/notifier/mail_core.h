/* A notification as a message of RFC 5322 (RFC 2047 words in headers, UTF-8 in the body): one file
 * of a maildir, later the body of an SMTP session. Lines end in a bare newline, as files in a
 * maildir do; a sender over SMTP makes them CRLF. Pure: the same notification is the same bytes. */
#ifndef TONGHOP_NOTIFIER_MAIL_CORE_H
#define TONGHOP_NOTIFIER_MAIL_CORE_H

#include "common/base/buf.h"
#include "common/model/day.h"

enum { MAIL_LINE_COLUMNS = 76 }; /* characters; a longer word has a line of its own */

struct mail {
    const char *from_name;    /* UTF-8 */
    const char *from_address; /* name@domain, ASCII */
    const char *to_name;      /* "" for none */
    const char *to_address;
    const char *domain;    /* right side of message ids */
    struct slice id;       /* of the notification */
    struct slice corrects; /* of the one before that this one answers; empty for none */
    struct slice subject;
    struct slice body;
    int64_t time_ms; /* of the tick, not of the delivery: a second delivery is the same message */
};

void mail_format(const struct mail *m, struct buf *out);

#endif
