#include "services/cli/alert_feed.h"

#include "common/base/alloc.h"

#include <stdlib.h>

enum { ARENA_KEEP_BYTES = 1 << 20 };

struct alert_feed {
    const char *endpoint;
    struct net_socket *socket;
    struct arena arena;
};

static int subscribe(struct alert_feed *f, struct cli *cli, struct err *e)
{
    struct request_peer peer = {0};
    int rc = cli_peer(cli, CLI_NOTIFIER, &peer, e);
    f->endpoint = cli->config.alerts_feed;
    if (rc == 0 && !f->endpoint) {
        cli->misconfigured = true;
        rc = err_set(e, ERR_INVALID,
                     "%s: notifier.feed is not given there, and notifications are pushed by it",
                     cli->config.path);
    }
    if (rc == 0)
        rc = net_connect(cli->net, NET_SUB, f->endpoint, &peer.server_key, &peer.self, &f->socket,
                         e);
    keypair_wipe(&peer.self);
    if (rc == 0)
        rc = net_subscribe(f->socket, slice_str("h/"));
    return rc == 0 ? net_subscribe(f->socket, slice_str("a/")) : rc;
}

int alert_feed_open(struct alert_feed **out, struct cli *cli, struct err *e)
{
    struct alert_feed *f = *out = alloc_zeroed(1, sizeof *f);
    arena_init(&f->arena, ARENA_KEEP_BYTES);
    int rc = subscribe(f, cli, e);
    if (rc != 0) {
        alert_feed_close(f);
        *out = NULL;
    }
    return rc;
}

void alert_feed_close(struct alert_feed *f)
{
    if (!f)
        return;
    net_close(f->socket);
    arena_fini(&f->arena);
    free(f);
}

static bool take(struct alert_feed *f, const struct net_message *m, struct wire_notification *out)
{
    arena_reset(&f->arena);
    if (m->frame_count < 2 || m->frames[0].len == 0 || *(const char *)m->frames[0].data != 'a')
        return false;
    return wire_unpack_notification(m->frames[1], &f->arena, out, NULL) == 0;
}

int alert_feed_next(struct alert_feed *f, int timeout_ms, struct wire_notification *out,
                    struct err *e)
{
    struct net_message m;
    int rc = net_wait(f->socket, timeout_ms);
    if (rc == 0)
        rc = net_receive(f->socket, &m);
    if (rc == ERR_DENIED)
        return err_set(e, rc, "%s: this key is not known there, or may not subscribe", f->endpoint);
    if (rc != 0)
        return rc;
    bool found = take(f, &m, out);
    net_message_clear(&m);
    return found;
}
