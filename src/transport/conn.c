/* The life of a connection:
 *
 *   CONNECTING --connected--> HANDSHAKE (TLS) --done--> UPGRADE (WebSocket) --done--> OPEN
 *       --> CLOSED --(end of wake-up)--> gone
 *       accepted connections begin at HANDSHAKE; what does not apply is left out
 *       UPGRADE --plain HTTP--> PIPE: the bytes are the web role's (pipe.c)
 *
 * From OPEN on, the supervisor holds the socket and the slot tells a later process how to go on.
 * One timer per connection: it is not moved at each message, but looks at the times when it fires
 * and sets itself again. */
#include "transport/internal.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/secret.h"

struct conn *conn_find(const struct transport *t, uint64_t id)
{
    uint32_t i = (uint32_t)id - 1;
    struct conn *c = i < t->slot_count ? t->conns[i] : NULL;

    return c && c->id == id && c->state != CONN_CLOSED ? c : NULL;
}

struct transport_flow conn_flow(const struct conn *c)
{
    return (struct transport_flow){.kind = (enum transport_kind)c->slot->kind,
                                   .listener = c->slot->listener,
                                   .conn = c->id,
                                   .remote = c->slot->remote,
                                   .local = c->slot->local};
}

/* --- timer ------------------------------------------------------------------------------------ */

/* When the connection's time is up, and what to say then. */
static uint64_t conn_due(const struct conn *c, const char **ret_reason)
{
    if (c->state == CONN_UPGRADE) {
        *ret_reason = "no request for a WebSocket came in time";
        return c->active_ms + TRANSPORT_UPGRADE_MS;
    }
    if (c->state == CONN_PIPE) {
        *ret_reason = "nothing was heard for too long";
        return c->active_ms + TRANSPORT_PIPE_IDLE_MS;
    }
    if (c->state != CONN_OPEN) {
        *ret_reason = c->state == CONN_CONNECTING ? "the connection could not be made in time"
                                                  : "the TLS handshake took too long";
        return c->active_ms + TRANSPORT_HANDSHAKE_MS;
    }
    if (ws_is(c) && c->pings >= TRANSPORT_WS_UNANSWERED) {
        *ret_reason = "the peer answers no ping any more";
        return c->active_ms + (TRANSPORT_WS_UNANSWERED + 1) * TRANSPORT_WS_PING_MS;
    }
    uint64_t idle = c->active_ms + (c->slot->spoke ? TRANSPORT_IDLE_MS : TRANSPORT_SILENT_MS);
    if (c->partial_ms && c->partial_ms + TRANSPORT_UNFINISHED_MS < idle) {
        *ret_reason = "a message was begun and not finished in time";
        return c->partial_ms + TRANSPORT_UNFINISHED_MS;
    }
    *ret_reason = c->slot->spoke ? "nothing was heard for too long"
                                 : "no SIP message came over the new connection";
    return idle;
}

/* A WebSocket that is silent is asked whether it is still there (RFC 6455 s.5.5.2), which also keeps
 * the ways through NAT open. */
static uint64_t ping_due(const struct conn *c)
{
    if (!ws_is(c) || c->state != CONN_OPEN || c->pings >= TRANSPORT_WS_UNANSWERED)
        return UINT64_MAX;
    return c->active_ms + (c->pings + 1u) * TRANSPORT_WS_PING_MS;
}

void conn_timer_set(struct conn *c)
{
    const char *reason;
    uint64_t now = loop_now(c->t->loop), due = conn_due(c, &reason), ping = ping_due(c);

    due = ping < due ? ping : due;
    loop_timer_set(c->t->loop, &c->timer, due > now ? due - now : 0);
}

static void on_timer(void *arg)
{
    struct conn *c = (struct conn *)arg;
    const char *reason;

    if (conn_due(c, &reason) <= loop_now(c->t->loop))
        conn_close(c, reason);
    else if (ping_due(c) > loop_now(c->t->loop) || ws_ping(c))
        conn_timer_set(c);
}

/* --- begin ------------------------------------------------------------------------------------ */

struct conn *conn_new(struct transport *t, enum transport_kind kind, bool outgoing)
{
    struct conn *c = calloc(1, sizeof(*c));
    uint64_t id;
    struct conn_slot *s = c ? slot_take(t, &id) : NULL;

    if (!s) {
        free(c);
        return NULL;
    }
    *c = (struct conn){
        .t = t, .slot = s, .id = id, .state = CONN_HANDSHAKE, .sock = -1, .fd.fd = -1};
    s->kind = (uint8_t)kind;
    s->outgoing = outgoing;
    s->since_unix = loop_unix_now(t->loop);
    t->conns[(uint32_t)id - 1] = c;
    return c;
}

void conn_adopt(struct conn *c, int fd)
{
    struct transport *t = c->t;

    c->sock = fd;
    list_init(&c->node);
    loop_timer_init(&c->timer, on_timer, c);
    c->active_ms = loop_now(t->loop);
    uint32_t events = EPOLLIN | (c->state == CONN_CONNECTING ? (uint32_t)EPOLLOUT : 0u);
    if ((c->slot->outgoing && alias_put(c) < 0) || (!c->slot->outgoing && !source_take(c)) ||
        loop_fd_add(t->loop, &c->fd, fd, events, stream_event, c) < 0)
        conn_close(c, "no room for another connection");
    else
        conn_timer_set(c);
}

void conn_opened(struct conn *c)
{
    struct transport *t = c->t;

    c->state = CONN_OPEN;
    c->active_ms = loop_now(t->loop);
    c->slot->state = SLOT_OPEN;
    conn_timer_set(c);
    if (t->cb.hold) {
        c->held = true;
        t->cb.hold(t->cb.arg, c->id, c->sock);
    }
}

void conn_settle(struct conn *c)
{
    bool unfinished = c->reading || c->in_plain || c->in_cipher || c->out.n != c->out.off ||
                      c->early.n || c->ws.opcode;

    c->slot->dirty = unfinished;
}

/* --- end -------------------------------------------------------------------------------------- */

/* Lets go of everything but the slot's index and struct conn itself. */
static void conn_release(struct conn *c)
{
    struct transport *t = c->t;

    loop_fd_del(t->loop, &c->fd);
    loop_timer_cancel(t->loop, &c->timer);
    alias_drop(c);
    source_drop(c);
    queue_free(t, &c->out);
    queue_free(t, &c->early);
    if (c->in)
        secret_wipe(c->in, c->in_plain + c->in_cipher);
    free(c->in);
    c->in = NULL;
    c->hs = crypto_tls_hs_free(c->hs);
    free(c->key);
    c->key = NULL;
    pipe_stop(c);
    if (c->held) {
        /* The supervisor's duplicate keeps a mere close from reaching the peer. */
        (void)shutdown(c->sock, SHUT_RDWR);
        if (t->cb.unhold)
            t->cb.unhold(t->cb.arg, c->id);
    }
    if (c->sock >= 0)
        close(c->sock);
    c->sock = -1;
    c->slot->state = SLOT_FREE;
}

void conn_close(struct conn *c, const char *reason)
{
    struct transport *t = c->t;

    if (c->state == CONN_CLOSED)
        return;
    if (c->state == CONN_OPEN || c->state == CONN_UPGRADE || c->state == CONN_PIPE)
        stream_last_words(c);
    c->state = CONN_CLOSED;
    c->reason = reason;
    conn_release(c);
    list_remove(&c->node);
    list_push_back(&t->dead, &c->node);
    loop_defer_add(t->loop, &t->reap_defer);
}

static void conn_forget(struct conn *c)
{
    list_remove(&c->node);
    c->t->conns[(uint32_t)c->id - 1] = NULL;
    slot_give(c->t, c->id);
    free(c);
}

void conn_reap(void *arg)
{
    struct transport *t = (struct transport *)arg;

    while (!list_is_empty(&t->dead)) {
        /* Forgetting takes the node out of the list, which the analyzer does not follow. */
        struct conn *c = CONTAINER_OF(t->dead.next, struct conn, node);
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
        uint64_t id = c->id;
        const char *reason = c->reason;
        conn_forget(c);
        if (t->cb.on_closed)
            t->cb.on_closed(t->cb.arg, id, reason);
    }
}

void conn_abandon(struct conn *c)
{
    if (!c)
        return;
    if (c->state == CONN_OPEN || c->state == CONN_UPGRADE)
        stream_last_words(c);
    if (c->state != CONN_CLOSED)
        conn_release(c);
    conn_forget(c);
}
