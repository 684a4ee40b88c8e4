#include "common/model/plan_check.h"

#include "common/model/scan.h"

#include <stdio.h>

int plan_check_ident(const struct ident *id, const char *place, struct err *err)
{
    if (ident_valid(ident_slice(id)))
        return 0;
    char excerpt[SCAN_EXCERPT_BYTES];
    return err_set(err, ERR_INVALID,
                   "%s: \"%s\" is not 1 to %d of the characters 0-9 A-Z a-z . _ -", place,
                   scan_excerpt(ident_slice(id), excerpt), IDENT_BYTES_MAX);
}

int plan_check_text(const char *text, const char *place, struct err *err)
{
    if (text && text[0] != '\0')
        return 0;
    return err_set(err, ERR_INVALID, "%s: is empty: people need something to read there", place);
}

int plan_check_day(day_t d, const char *place, struct err *err)
{
    if (DAY_FIRST <= d && d <= DAY_LAST)
        return 0;
    return err_set(err, ERR_INVALID, "%s: is no day from 1900-01-01 to 2199-12-31", place);
}

int plan_check_days(day_t from, day_t to, const char *place, struct err *err)
{
    char part[PLAN_PLACE_BYTES + 8], first[DAY_TEXT_BYTES], last[DAY_TEXT_BYTES];
    snprintf(part, sizeof part, "%s%sfrom", place, place[0] ? "." : "");
    int rc = plan_check_day(from, part, err);
    if (rc < 0)
        return rc;
    snprintf(part, sizeof part, "%s%sto", place, place[0] ? "." : "");
    rc = plan_check_day(to, part, err);
    if (rc < 0 || from <= to)
        return rc;
    return err_set(err, ERR_INVALID, "%s: %s is before %s, the day it begins", part,
                   day_format(to, last), day_format(from, first));
}

int plan_check_count(unsigned count, unsigned most, const char *place, struct err *err)
{
    if (count <= most)
        return 0;
    return err_set(err, ERR_LIMIT, "%s: %u of them: a plan has at most %u", place, count, most);
}

const struct indicator *plan_find_indicator(const struct plan *p, const struct ident *id)
{
    for (unsigned i = 0; i < p->indicator_count; i++)
        if (ident_equal(&p->indicators[i].id, id))
            return &p->indicators[i];
    return NULL;
}
