/* What the commands that show states and notifications share: asking for them, their words. */
#ifndef TONGHOP_CLI_ALERT_VIEW_H
#define TONGHOP_CLI_ALERT_VIEW_H

#include "common/model/alert_state.h"
#include "common/wire/alert_wire.h"
#include "services/cli/cli.h"

#include <jansson.h>

/* Over a link to the notifier; *out lives in the arena. ERR_AGAIN: it is catching up, or no tick at
 * or after q->not_before was judged within q->wait_ms. */
int alert_view_ask(struct request *link, const struct cli *cli, const struct wire_alerts *q,
                   struct arena *arena, struct wire_alerts_reply *out, struct err *e);
/* The same, asked again for --timeout when that is the answer: as cli_request. */
int alert_view_ask_until_ready(struct request *link, const struct cli *cli,
                               const struct wire_alerts *q, struct arena *arena,
                               struct wire_alerts_reply *out, struct err *e);
/* Is there a notifier in the configuration? It is loaded. */
bool alert_view_configured(const struct cli *cli);

const char *alert_view_state(const struct cli *cli, uint32_t state); /* "chậm tiến độ" */
const char *alert_view_state_id(uint32_t state);                     /* "behind", for programs */
const char *alert_view_reason(const struct cli *cli, const struct wire_alert_decision *d);

json_t *alert_view_state_json(const struct wire_alert_state *s);
json_t *alert_view_decision_json(const struct wire_alert_decision *d);

#endif
