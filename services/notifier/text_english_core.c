#include "services/notifier/text_internal.h"

#include <string.h>

/* The same messages in English: shorter, in the same order. */

static void put(struct buf *out, const char *text)
{
    buf_bytes(out, text, strlen(text));
}

static void value(const struct text_facts *f, int64_t v, struct buf *out)
{
    text_value(v, f->measure, f->ratio, true, out);
}

static void on_day(day_t d, struct buf *out)
{
    text_day(d, true, out);
}

static void part_of_share(const struct text_facts *f, int64_t level, int64_t lower, struct buf *out)
{
    if (f->ratio)
        value(f, level, out);
    else
        text_number(level, true, out);
    put(out, " of ");
    value(f, lower, out);
    if (!f->ratio && lower > 0) {
        put(out, " (");
        text_percent(level, lower, true, out);
        put(out, ")");
    }
}

static void name_target(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "%s: %s (%s", f->target_id, f->target_title, f->document);
    if (f->clause[0] != '\0')
        buf_printf(out, ", section %s", f->clause);
    put(out, ")");
}

void text_english_recipient(const struct text_facts *f, struct buf *out)
{
    static const char *const whom[] = {
        [TEXT_TO_LEADERS] = "The leaders of the People's Committee",
        [TEXT_TO_OFFICE] = "The office of the Association for Promoting Education",
        [TEXT_TO_DISTRICT] = "The People's Committee and the Association for Promoting Education",
    };
    buf_printf(out, "%s, %s", whom[f->role], f->role_unit);
}

static void salute(const struct text_facts *f, struct buf *out)
{
    put(out, "To: ");
    text_english_recipient(f, out);
    put(out, "\n\n");
}

static void coverage(const struct text_facts *f, struct buf *out)
{
    if (!f->pace->covered) {
        put(out, "Known from: no day yet has reports enough to judge by.\n\n");
        return;
    }
    buf_printf(out, "Known from: %u of %u reporting units, figures of ", f->pace->reported,
               f->pace->owed);
    on_day(f->pace->judged, out);
    put(out, ".\n\n");
}

static void list_lines(const struct text_facts *f, const char *heading, struct buf *out)
{
    if (f->line_count == 0)
        return;
    buf_printf(out, "%s\n", heading);
    for (unsigned i = 0; i < f->line_count; i++) {
        const struct text_line *l = &f->lines[i];
        buf_printf(out, "- %s: ", l->name);
        if (l->silent)
            buf_printf(out, "%u of %u reports have come", l->reported, l->owed);
        else
            part_of_share(f, l->level, l->lower, out);
        put(out, "\n");
    }
    if (f->more > 0)
        buf_printf(out, "- and %u more\n", f->more);
    put(out, "\n");
}

static void standing(const struct text_facts *f, struct buf *out)
{
    put(out, "As of ");
    on_day(f->pace->judged, out);
    put(out, ": ");
    part_of_share(f, f->pace->level, f->lower, out);
}

static void forecast_sentence(const struct text_facts *f, struct buf *out)
{
    put(out, "At the rate of recent days (about ");
    text_rate(f->pace->rate, f, true, out);
    put(out, " a working day) it would stand at about ");
    value(f, f->pace->projected, out);
    put(out, " on ");
    on_day(f->due, out);
    put(out, ".");
}

void text_english_forecast(const struct text_facts *f, struct buf *out)
{
    if (f->pace->has_forecast) {
        forecast_sentence(f, out);
        return;
    }
    buf_printf(out, "Not enough history for a forecast: %u periods with reports enough so far.",
               f->pace->reports);
}

static void needed_sentence(const struct text_facts *f, struct buf *out)
{
    value(f, f->pace->needed, out);
    buf_printf(out, " a working day are needed (%u left after ", f->pace->weekdays_left);
    on_day(f->pace->judged, out);
    put(out, ")");
    struct buf times = {0};
    if (text_times(f, true, &times))
        buf_printf(out, ", %.*s times the present rate", (int)times.len, (const char *)times.data);
    buf_fini(&times);
    put(out, ".");
}

static void behind_body(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "%s is behind on ", f->unit);
    name_target(f, out);
    put(out, ".\n\n");
    standing(f, out);
    put(out, "; expected by then ");
    value(f, f->pace->expected, out);
    put(out, ". ");
    forecast_sentence(f, out);
    put(out, "\n\n");
    coverage(f, out);
    list_lines(f, "Lowest of the units below:", out);
    put(out, "Asked of you: ");
    needed_sentence(f, out);
    put(out, " Please see to it that the units named speed up and say what holds them up.");
}

static void silent_body(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "%s has not reported on ", f->unit);
    name_target(f, out);
    put(out, ".\n\nReports overdue, ");
    on_day(f->silent_from, out);
    put(out, " to ");
    on_day(f->silent_to, out);
    buf_printf(out, ": %u of %u have come.", f->silent_reported, f->silent_owed);
    if (f->heard != DAY_NEVER) {
        put(out, " Last heard of for ");
        on_day(f->heard, out);
        put(out, ": ");
        part_of_share(f, f->pace->actual, f->lower, out);
        put(out, ".");
    }
    put(out, "\n\nReports are missing; this does not say that the unit is behind.\n\n");
    list_lines(f, "Units below that have not reported:", out);
    put(out, "Asked of you: see that the missing reports are sent, or say what prevents it.");
}

static void refer(const struct text_facts *f, struct buf *out)
{
    on_day(f->told_on, out);
    if (f->corrects[0] != '\0')
        buf_printf(out, " (%s)", f->corrects);
}

static void recovered_body(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "%s is back on pace with ", f->unit);
    name_target(f, out);
    put(out, ". The alert of ");
    refer(f, out);
    put(out, " is over.\n\n");
    standing(f, out);
    put(out, ". ");
    forecast_sentence(f, out);
    put(out, "\n\n");
    coverage(f, out);
    put(out, "Asked of you: keep the rate.");
}

static void undone_body(const struct text_facts *f, struct buf *out)
{
    put(out, "Correction of the alert of ");
    refer(f, out);
    buf_printf(out, ", which said that %s was behind on ", f->unit);
    name_target(f, out);
    put(out, " with ");
    value(f, f->told_level, out);
    put(out, " as of ");
    on_day(f->told_judged, out);
    put(out, ". By figures corrected or sent since, it stood at ");
    value(f, f->corrected_level, out);
    put(out, " that day, and was not behind.\n\n");
    standing(f, out);
    put(out, ".\n\n");
    coverage(f, out);
    put(out, "Asked of you: do not rely on the earlier message.");
}

static void final_body(const struct text_facts *f, struct buf *out)
{
    if (f->tell == TELL_REVISED) {
        put(out, "Correction of the result told on ");
        refer(f, out);
        put(out, ". ");
    }
    buf_printf(out, "%s: ", f->unit);
    put(out, alert_state_words(f->to, true));
    put(out, ", ");
    name_target(f, out);
    put(out, ".\n\nAt the end of ");
    on_day(f->due, out);
    put(out, ": ");
    part_of_share(f, f->pace->actual, f->lower, out);
    put(out, ".");
    if (f->below > 0)
        buf_printf(out, " %u of %u units below reached their share.", f->below_reached, f->below);
    put(out, "\n\n");
    coverage(f, out);
    list_lines(f, "Lowest of the units below:", out);
    put(out, "Asked of you: check the figures and correct them before they are closed.");
}

void text_english_subject(const struct text_facts *f, struct buf *out)
{
    if (f->tell == TELL_UNDONE || f->tell == TELL_REVISED)
        put(out, "Correction: ");
    buf_printf(out, "[%s] %s ", f->target_id, f->unit);
    if (f->tell == TELL_SILENT) {
        put(out, "has not reported, ");
        on_day(f->silent_from, out);
        put(out, " to ");
        on_day(f->silent_to, out);
        return;
    }
    put(out, alert_state_words(f->to, true));
    put(out, ": ");
    bool final = f->tell == TELL_FINAL || f->tell == TELL_REVISED;
    part_of_share(f, final ? f->pace->actual : f->pace->level, f->lower, out);
    put(out, ", as of ");
    on_day(final ? f->due : f->pace->judged, out);
}

void text_english_body(const struct text_facts *f, struct buf *out)
{
    static void (*const bodies[])(const struct text_facts *, struct buf *) = {
        [TELL_NOBODY] = final_body,        [TELL_BEHIND] = behind_body, [TELL_SILENT] = silent_body,
        [TELL_RECOVERED] = recovered_body, [TELL_UNDONE] = undone_body, [TELL_FINAL] = final_body,
        [TELL_REVISED] = final_body,
    };
    salute(f, out);
    bodies[f->tell](f, out);
    buf_printf(out, "\n\ntonghop (sent automatically)\nNotification: %s\n", f->id);
}
