#include "common/wire/query_wire.h"

#include "common/wire/proto.h"
#include "query.pb-c.h"

/* Questions. */

static void make_question(const struct wire_question *q, Tonghop__V1__Question *m)
{
    tonghop__v1__question__init(m);
    m->unit = proto_string(q->unit.text);
    m->indicator = proto_string(q->indicator.text);
    m->first = q->first;
    m->last = q->last;
    m->source = proto_string(q->source.text);
}

void wire_pack_query(const struct wire_query *q, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__QueryRequest m;
    tonghop__v1__query_request__init(&m);
    Tonghop__V1__Question *questions = arena_alloc(&arena, q->question_count * sizeof *questions);
    for (uint32_t i = 0; i < q->question_count; i++)
        make_question(&q->questions[i], &questions[i]);
    m.n_questions = q->question_count;
    m.questions = proto_pointers(&arena, questions, q->question_count, sizeof *questions);
    m.not_before = q->not_before;
    m.wait_ms = q->wait_ms;
    m.has_as_known_on = q->has_as_known_on;
    m.as_known_on = q->has_as_known_on ? q->as_known_on : 0;
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

static void take_question(struct proto_check *c, const Tonghop__V1__Question *m,
                          struct wire_question *out)
{
    proto_ident(c, "unit", m->unit, &out->unit);
    proto_ident(c, "indicator", m->indicator, &out->indicator);
    out->first = proto_day(c, "first", m->first);
    out->last = proto_day(c, "last", m->last);
    proto_ident_or_empty(c, "source", m->source, &out->source);
}

int wire_unpack_query(struct slice s, struct arena *arena, struct wire_query *out, struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__query_request__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__QueryRequest *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_query){
        .question_count = proto_count(&c, "questions", m->n_questions, WIRE_QUESTIONS_MAX),
        .not_before = m->not_before,
        .wait_ms = m->wait_ms,
        .has_as_known_on = m->has_as_known_on,
    };
    if (m->has_as_known_on)
        out->as_known_on = proto_day(&c, "as_known_on", m->as_known_on);
    out->questions = arena_alloc(arena, out->question_count * sizeof *out->questions);
    for (uint32_t i = 0; i < out->question_count && c.code == 0; i++) {
        proto_at(&c, "questions", i);
        take_question(&c, m->questions[i], &out->questions[i]);
    }
    return c.code;
}

/* Answers. */

static void make_answer(const struct wire_answer *a, struct arena *arena, Tonghop__V1__Answer *m)
{
    tonghop__v1__answer__init(m);
    m->code = a->code;
    m->message = proto_sentence(arena, a->message);
    m->has_value = a->has_value;
    m->value = a->value;
    m->numerator = a->numerator;
    m->denominator = a->denominator;
    m->figures = a->figures;
    m->owed = a->owed;
    m->reported = a->reported;
    m->on_time = a->on_time;
    m->source = proto_string(a->source.text);
}

void wire_pack_query_reply(const struct wire_query_reply *r, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    Tonghop__V1__QueryReply m;
    tonghop__v1__query_reply__init(&m);
    m.offset = r->offset;
    m.time_ms = r->time_ms;
    Tonghop__V1__Answer *answers = arena_alloc(&arena, r->answer_count * sizeof *answers);
    for (uint32_t i = 0; i < r->answer_count; i++)
        make_answer(&r->answers[i], &arena, &answers[i]);
    m.n_answers = r->answer_count;
    m.answers = proto_pointers(&arena, answers, r->answer_count, sizeof *answers);
    proto_pack(&m.base, out);
    arena_fini(&arena);
}

static void take_answer(struct proto_check *c, const Tonghop__V1__Answer *m,
                        struct wire_answer *out)
{
    *out = (struct wire_answer){
        .code = proto_code(c, m->code),
        .message = m->message,
        .has_value = m->has_value,
        .value = m->value,
        .numerator = m->numerator,
        .denominator = m->denominator,
        .figures = m->figures,
        .owed = m->owed,
        .reported = m->reported,
        .on_time = m->on_time,
    };
    proto_ident_or_empty(c, "source", m->source, &out->source);
}

int wire_unpack_query_reply(struct slice s, struct arena *arena, struct wire_query_reply *out,
                            struct err *err)
{
    const ProtobufCMessageDescriptor *type = &tonghop__v1__query_reply__descriptor;
    struct proto_check c = proto_check_of(type, err);
    const Tonghop__V1__QueryReply *m = proto_unpack(&c, s, type, &proto_limit_large, arena);
    if (m == NULL)
        return c.code;
    *out = (struct wire_query_reply){
        .offset = m->offset,
        .time_ms = m->time_ms,
        .answer_count = proto_count(&c, "answers", m->n_answers, WIRE_QUESTIONS_MAX),
    };
    out->answers = arena_alloc(arena, out->answer_count * sizeof *out->answers);
    for (uint32_t i = 0; i < out->answer_count && c.code == 0; i++) {
        proto_at(&c, "answers", i);
        take_answer(&c, m->answers[i], &out->answers[i]);
    }
    return c.code;
}
