#include <string.h>

#include "services/notifier/text_internal.h"

/* The same messages in English: shorter, in the same order. */

static void put(struct buf *out, const char *text)
{
    text_put(out, text);
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
    put(out, f->target_id);
    if (f->target_title[0] != '\0')
        buf_printf(out, ": %s", f->target_title);
    buf_printf(out, " (%s", f->document);
    if (f->clause[0] != '\0')
        buf_printf(out, ", section %s", f->clause);
    put(out, ")");
}

/* Whom it is about, with its verb: "Quận Kiến An is", "3 units are". */
static void put_subject(const struct text_facts *f, const char *one, const char *many,
                        struct buf *out)
{
    if (f->about_count > 0)
        buf_printf(out, "%u units %s", f->about_count, many);
    else
        buf_printf(out, "%s %s", f->unit, one);
}

static void coverage(const struct text_facts *f, struct buf *out)
{
    struct text_coverage c = text_cover(f);
    if (c.owed == 0) {
        put(out, "Known from: no day yet has reports enough to judge by.\n\n");
        return;
    }
    buf_printf(out, "Known from: %u of %u reporting units, figures of ", c.reported, c.owed);
    if (c.first != c.last) {
        on_day(c.first, out);
        put(out, " to ");
    }
    on_day(c.last, out);
    put(out, ".\n\n");
}

/* ---- lists ---- */

static void put_days(day_t from, day_t to, struct buf *out)
{
    on_day(from, out);
    if (from == to)
        return;
    put(out, " to ");
    on_day(to, out);
}

static void put_silence(const struct text_line *l, struct buf *out)
{
    if (l->owed == 0) {
        put(out, "not reported");
        return;
    }
    buf_printf(out, "%u of %u reports have come", l->reported, l->owed);
    if (l->from > l->to)
        return;
    put(out, " for ");
    put_days(l->from, l->to, out);
}

static void put_standing(const struct text_facts *f, const struct text_line *l, struct buf *out)
{
    part_of_share(f, l->level, l->lower, out);
    if (f->about_count == 0) {
        put(out, ", ");
        put(out, alert_state_words(l->state, true));
        return;
    }
    if (l->late > 0) {
        put(out, ", ");
        text_gain(l->late, f, true, out);
        put(out, " late");
    }
    if (l->projected >= 0) {
        put(out, "; expected to end at about ");
        value(f, text_round(l->projected), out);
    }
}

static void put_lines(const struct text_facts *f, const struct text_line *lines, unsigned count,
                      struct buf *out)
{
    for (unsigned i = 0; i < count; i++) {
        const struct text_line *l = &lines[i];
        buf_printf(out, "- %s%s", l->name, f->kind == TEXT_REMOVED ? "" : ": ");
        if (f->kind == TEXT_SILENT || (l->state == STATE_NOT_REPORTED && f->kind != TEXT_REMOVED))
            put_silence(l, out);
        else if (f->kind != TEXT_REMOVED)
            put_standing(f, l, out);
        if (l->told_on != DAY_NEVER && f->reminded_of == DAY_NEVER) {
            put(out, " (told on ");
            on_day(l->told_on, out);
            put(out, ")");
        }
        put(out, "\n");
    }
}

static void list_about(const struct text_facts *f, struct buf *out)
{
    put_lines(f, f->about, f->about_count, out);
    put(out, "\n");
}

static void list_below(const struct text_facts *f, const char *heading, struct buf *out)
{
    if (f->line_count == 0)
        return;
    buf_printf(out, "%s\n", heading);
    put_lines(f, f->lines, f->line_count, out);
    if (f->more > 0)
        buf_printf(out, "- and %u more\n", f->more);
    put(out, "\n");
}

/* ---- the pace ---- */

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
    put(out, " a working day");
    if (f->left_out_from <= f->left_out_to) {
        put(out, ", the days without work from ");
        put_days(f->left_out_from, f->left_out_to, out);
        put(out, " left out");
    }
    put(out, ") it would stand at about ");
    value(f, text_round(f->pace->projected), out);
    put(out, " on ");
    on_day(f->due, out);
    put(out, ".");
}

static void needed_sentence(const struct text_facts *f, struct buf *out)
{
    if (f->pace->weekdays_left == 0) {
        text_gain(f->lower - f->pace->level, f, true, out);
        put(out, " are missing.");
        return;
    }
    text_gain(f->pace->needed, f, true, out);
    buf_printf(out, " more a working day are needed (%u left after ", f->pace->weekdays_left);
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
    put_subject(f, "is behind on ", "are behind on ", out);
    name_target(f, out);
    if (f->about_count > 0) {
        put(out, ":\n");
        list_about(f, out);
        coverage(f, out);
        put(out, "Asked of you: ");
    } else {
        put(out, ".\n\n");
        standing(f, out);
        put(out, "; expected by then ");
        value(f, f->pace->expected, out);
        put(out, ". ");
        forecast_sentence(f, out);
        put(out, "\n\n");
        coverage(f, out);
        list_below(f, "The units below, lowest first:", out);
        put(out, "Asked of you: ");
        needed_sentence(f, out);
        put(out, " ");
    }
    put(out, "Please see to it that the units named speed up and say what holds them up.");
}

static void silent_body(const struct text_facts *f, struct buf *out)
{
    put_subject(f, "has not reported on ", "have not reported on ", out);
    name_target(f, out);
    put(out, ".");
    if (f->reminded_of != DAY_NEVER) {
        put(out, " You were told on ");
        on_day(f->reminded_of, out);
        put(out, "; this is a reminder.");
    }
    put(out, f->about_count > 0 ? "\n" : "\n\n");
    if (f->about_count > 0) {
        list_about(f, out);
    } else {
        put(out, "Reports overdue, ");
        put_days(f->silent_from, f->silent_to, out);
        buf_printf(out, ": %u of %u have come.", f->silent_reported, f->silent_owed);
        if (f->heard != DAY_NEVER) {
            put(out, " Last heard of for ");
            on_day(f->heard, out);
            put(out, ": ");
            part_of_share(f, f->pace->actual, f->lower, out);
            put(out, ".");
        }
        put(out, "\n\n");
    }
    put(out, "Reports are missing; this does not say that anybody is behind.\n\n");
    list_below(f, "Reports of these days are still missing from:", out);
    put(out, "Asked of you: see that the missing reports are sent, or say what prevents it.");
}

/* ---- what is over, taken back or changed ---- */

static void refer(const struct text_facts *f, struct buf *out)
{
    on_day(f->told_on, out);
    if (f->corrects[0] != '\0')
        buf_printf(out, " (%s)", f->corrects);
}

static void put_amendment(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "as the plan was amended (version %u", f->version);
    if (f->about_count == 0 && f->told_lower != f->lower) {
        put(out, ": from ");
        value(f, f->told_lower, out);
        put(out, " to ");
        value(f, f->lower, out);
    }
    put(out, "; due ");
    on_day(f->due, out);
    put(out, ")");
}

static void put_cause(const struct text_facts *f, struct buf *out)
{
    if (f->amended) {
        put_amendment(f, out);
        put(out, f->corrected ? " and " : ", ");
    }
    if (f->corrected || !f->amended)
        put(out, "by figures corrected or sent since, ");
}

static void list_still_behind(const struct text_facts *f, struct buf *out)
{
    if (f->also_count > 0) {
        put(out, "No longer behind either:\n");
        put_lines(f, f->also, f->also_count, out);
        put(out, "\n");
    }
    list_below(f, "Still behind:", out);
}

/* Where it stands now; then what is asked. */
static void close_with(const struct text_facts *f, const char *asked, struct buf *out)
{
    if (f->about_count > 0) {
        list_about(f, out);
    } else {
        standing(f, out);
        put(out, ".\n\n");
    }
    coverage(f, out);
    list_still_behind(f, out);
    buf_printf(out, "Asked of you: %s", asked);
}

static void recovered_body(const struct text_facts *f, struct buf *out)
{
    put_subject(f, "is back on pace with ", "are back on pace with ", out);
    name_target(f, out);
    if (f->amended)
        buf_printf(out, ", by the plan as amended (version %u)", f->version);
    put(out, ".");
    if (f->about_count > 0) {
        put(out, " Earlier alerts are over:\n");
    } else {
        put(out, " The alert of ");
        refer(f, out);
        put(out, " is over.\n\n");
        if (f->pace->actual >= f->lower) {
            put(out, "It has reached its share. ");
        } else {
            forecast_sentence(f, out);
            put(out, " ");
        }
    }
    close_with(f, "keep the rate.", out);
}

static void undone_body(const struct text_facts *f, struct buf *out)
{
    if (f->about_count > 0) {
        put(out, "Correction of earlier alerts on ");
        name_target(f, out);
        put(out, ". By figures corrected or sent since, these units were not behind:\n");
    } else {
        put(out, "Correction of the alert of ");
        refer(f, out);
        buf_printf(out, ", which said that %s was behind on ", f->unit);
        name_target(f, out);
        put(out, ". By figures corrected or sent since, ");
    }
    if (f->about_count == 0 && f->told_judged != DAY_NEVER) {
        put(out, "it stood on ");
        on_day(f->told_judged, out);
        put(out, " at ");
        value(f, f->corrected_level, out);
        put(out, ", not ");
        value(f, f->told_level, out);
        put(out, ", and was not behind.\n\n");
    } else if (f->about_count == 0) {
        put(out, "it was not behind.\n\n");
    }
    close_with(f, "do not rely on the earlier message.", out);
}

static void amended_body(const struct text_facts *f, struct buf *out)
{
    put_subject(f, "is no longer behind on ", "are no longer behind on ", out);
    name_target(f, out);
    put(out, ", ");
    put_amendment(f, out);
    if (f->about_count > 0) {
        put(out, ":\n");
    } else {
        put(out, ". The alert of ");
        refer(f, out);
        put(out, " is over.\n\n");
    }
    close_with(f, "go by the plan as amended.", out);
}

static void withdrawn_body(const struct text_facts *f, struct buf *out)
{
    put(out, "The due day of ");
    name_target(f, out);
    put(out, " is now ");
    on_day(f->due, out);
    buf_printf(out, " (version %u of the plan). ", f->version);
    if (f->about_count > 0) {
        put(out, "The results told of these units no longer hold:\n");
    } else {
        put(out, "The result \"");
        put(out, alert_state_words(f->from, true));
        buf_printf(out, "\" of %s, told on ", f->unit);
        refer(f, out);
        put(out, ", no longer holds.\n\n");
    }
    close_with(f, "go by the plan as amended.", out);
}

static void removed_body(const struct text_facts *f, struct buf *out)
{
    put_subject(f, "no longer has ", "no longer have ", out);
    name_target(f, out);
    buf_printf(out, ", by version %u of the plan. ", f->version);
    if (f->about_count > 0) {
        put(out, "Earlier messages on it are void:\n");
        list_about(f, out);
    } else {
        put(out, "The message of ");
        refer(f, out);
        put(out, " is void.\n\n");
    }
    put(out, "Asked of you: go by the plan as amended.");
}

/* ---- results ---- */

static void put_result(const struct text_facts *f, struct buf *out)
{
    if (f->to == STATE_NOT_REPORTED)
        put(out, "too few reports to say");
    else
        put(out, alert_state_words(f->to, true));
}

static void final_body(const struct text_facts *f, struct buf *out)
{
    if (f->kind == TEXT_REVISED) {
        put(out, "Correction of the result told on ");
        refer(f, out);
        put(out, ": ");
        put_cause(f, out);
    }
    buf_printf(out, "%s: ", f->unit);
    put_result(f, out);
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
    list_below(f, "Units below that did not reach theirs:", out);
    put(out, "Asked of you: check the figures and correct them before they are closed.");
}

/* ---- the subject ---- */

static void put_headline(const struct text_facts *f, struct buf *out)
{
    static const char *const words[TEXT_KIND_COUNT] = {
        [TEXT_BEHIND] = "behind",
        [TEXT_SILENT] = "not reported",
        [TEXT_RECOVERED] = "back on pace",
        [TEXT_UNDONE] = "not behind",
        [TEXT_AMENDED] = "no longer behind, by the plan as amended",
        [TEXT_WITHDRAWN] = "goes on, by the plan as amended",
        [TEXT_REMOVED] = "no longer has this target",
    };
    if (text_is_result(f))
        put_result(f, out);
    else
        put(out, words[f->kind]);
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

void text_english_subject(const struct text_facts *f, struct buf *out)
{
    bool result = text_is_result(f);
    if (f->kind == TEXT_UNDONE || f->kind == TEXT_REVISED)
        put(out, "Correction: ");
    if (f->kind == TEXT_SILENT && f->reminded_of != DAY_NEVER)
        put(out, "Reminder: ");
    buf_printf(out, "[%s] ", f->target_id);
    put_subject(f, "", "", out);
    put_headline(f, out);
    if (f->about_count > 0 || f->kind == TEXT_REMOVED)
        return;
    if (f->kind == TEXT_SILENT) {
        put(out, ", ");
        put_days(f->silent_from, f->silent_to, out);
        return;
    }
    put(out, ": ");
    part_of_share(f, result ? f->pace->actual : f->pace->level, f->lower, out);
    put(out, ", as of ");
    on_day(result ? f->due : f->pace->judged, out);
}

void text_english_body(const struct text_facts *f, struct buf *out)
{
    static void (*const bodies[TEXT_KIND_COUNT])(const struct text_facts *, struct buf *) = {
        [TEXT_BEHIND] = behind_body,       [TEXT_SILENT] = silent_body,
        [TEXT_RECOVERED] = recovered_body, [TEXT_UNDONE] = undone_body,
        [TEXT_AMENDED] = amended_body,     [TEXT_FINAL] = final_body,
        [TEXT_REVISED] = final_body,       [TEXT_WITHDRAWN] = withdrawn_body,
        [TEXT_REMOVED] = removed_body,
    };
    put(out, "To: ");
    text_english_recipient(f, out);
    put(out, "\n\n");
    bodies[f->kind](f, out);
    buf_printf(out, "\n\ntonghop (sent automatically)\nNotification: %s\n", f->id);
}
