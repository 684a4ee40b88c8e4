/* Sends what nobody should: under strange and revoked keys, numbers out of order, used ones with
 * another content, bytes that are no batch. Whatever it is answered must be true as well. */
#include "tests/sim/sim.h"

enum { PAUSE_MS_MAX = 5 * 60 * 1000, NUMBERS = 6 };

static struct spool_id own_spool(void)
{
    struct spool_id id;
    memset(id.bytes, 0xee, sizeof id.bytes);
    return id;
}

static void choose_key(struct sim *w, struct random *dice, uint8_t out[KEY_BYTES])
{
    const struct sim_operator *o = &w->operator;
    uint32_t kind = random_below(dice, 10);
    if (kind == 0)
        memset(out, 0x77, KEY_BYTES); /* nobody's */
    else if (kind == 1)
        memcpy(out, o->revoked_key, KEY_BYTES);
    else if (kind == 2)
        memcpy(out, sim_operator_key.key, KEY_BYTES);
    else
        memcpy(out, o->identities[random_below(dice, o->identity_count)].key, KEY_BYTES);
}

static const struct sim_content *choose_content(struct sim *w, struct random *dice)
{
    if (random_chance(dice, 40))
        return sim_batch_poison(w, SIM_INTRUDER, 0);
    struct sim_content *c = arena_alloc(&w->memory, sizeof *c);
    *c = *sim_batch_make(w, SIM_INTRUDER, 0, sim_true_ms(w) + random_between(dice, -9, 9) * 60000);
    c->oversized = random_chance(dice, 20);
    return c;
}

static void intrude(struct sim *w, struct sim_event *e)
{
    struct random *dice = &w->dice[SIM_INTRUDER];
    struct sim_message *m = sim_message(w, SIM_SUBMIT, SIM_INTRUDER, SIM_COLLECTOR);
    if (w->calm)
        return;
    choose_key(w, dice, m->submit.key);
    m->submit.spool = own_spool();
    m->submit.number = random_below(dice, NUMBERS);
    m->submit.content = choose_content(w, dice);
    if (random_chance(dice, 25))
        ident_set(&m->submit.officer, slice_str(random_chance(dice, 50) ? "p0" : "khong-ai"));
    sim_send(w, m);
    if (random_chance(dice, 40))
        sim_send(w, m);
    sim_schedule(w, sim_after(w, SIM_INTRUDER, 100, PAUSE_MS_MAX), *e);
}

void sim_intruder_begin(struct sim *w)
{
    sim_schedule(w, sim_after(w, SIM_INTRUDER, 100, PAUSE_MS_MAX),
                 (struct sim_event){.run = intrude, .node = SIM_INTRUDER});
}

void sim_intruder_receive(struct sim *w, struct sim_message *m)
{
    sim_journal_check_answer(w, m);
    sim_log(w, "the intruder is told '%s'", refusal_name((enum refusal)m->answer.verdict.refusal));
}
