/* What a service that follows another one tells about it: in the log and in counters how its pulls
 * ended and whether the other can be reached; and when it has caught up for the first time, which
 * is when it is ready. */
#ifndef TONGHOP_SERVICE_FOLLOWER_H
#define TONGHOP_SERVICE_FOLLOWER_H

#include "common/service/pull.h"
#include "common/service/service.h"

/* Literals. */
struct follower_words {
    const char *pulls_help;        /* of pulls_total */
    const char *answers_event;     /* it answers again */
    const char *refuses_event;     /* it does not know our key */
    const char *refuses_message;   /* what to do then */
    const char *unreachable_event; /* no link for some seconds */
    const char *cannot_follow;     /* what was done when going on became impossible */
};

/* Part of the owner's struct, zeroed at first; read by the owner, written here alone. */
struct follower {
    struct service *service;
    const struct follower_words *words;
    uint64_t head_offset; /* the other's, as last told */
    bool goal_known;
    uint64_t goal_offset; /* the head found at the start */
    bool ready;           /* that one was reached */
    int64_t linked_ms;    /* when the other was last seen */
    struct log_complaint complaint;
    struct {
        uint64_t *answered;
        uint64_t *failed;
        uint64_t *unanswered;
        uint64_t *stale;
    } counters;
};

/* Begins now: the other has some seconds to be reached. */
void follower_init(struct follower *f, struct service *service, const struct follower_words *words);
void follower_refresh(struct follower *f,
                      const struct pull *p); /* counters, before they are shown */

/* How taking an answer ended; ERR_CORRUPT stops the service. */
void follower_note(struct follower *f, int rc, const struct err *e);
/* The other's head, as an answer told it; done_offset: what the owner has in its store. */
void follower_learn_head(struct follower *f, uint64_t head_offset, uint64_t done_offset);
/* The goal is reached and follower_become_ready is due; true until that was called. */
bool follower_has_arrived(const struct follower *f, uint64_t done_offset);
void follower_become_ready(struct follower *f, uint64_t done_offset);
/* Call it every now and then: complains when the other cannot be reached, or refuses our key. */
void follower_look(struct follower *f, const struct net_socket *socket, const char *endpoint);
/* What was pulled cannot be applied, and would not be better the next time: the service stops. */
void follower_give_up(struct follower *f, const struct err *why);

#endif
