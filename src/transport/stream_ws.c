/* SIP over WebSocket (RFC 7118) on a stream: the opening handshake, messages in frames, pings, the
 * closing handshake. All that outlasts a wake-up without unfinished input is in the connection's slot:
 * its kind and which side we are. */
#include "transport/internal.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "sip/head.h"

#define TARGET "/ws" /* what we ask for as a client: Asterisk wants it, others do not mind */
#define WS_OUT_CAP (SIP_MSG_MAX + WS_HEAD_MAX)

bool ws_is(const struct conn *c)
{
    return c->slot->kind == TRANSPORT_WS || c->slot->kind == TRANSPORT_WSS;
}

int ws_set_up(struct transport *t)
{
    uint8_t *out = malloc(WS_OUT_CAP); /* untouched until used */

    if (!out)
        return -ENOMEM;
    t->ws_out = buf_over(out, WS_OUT_CAP);
    return ws_new(&t->ws);
}

void ws_tear_down(struct transport *t)
{
    t->ws = ws_free(t->ws);
    if (t->ws_out.p)
        secret_wipe(t->ws_out.p, t->ws_out.cap);
    free(t->ws_out.p);
    t->ws_out = (struct buf){0};
}

/* --- out -------------------------------------------------------------------------------------- */

static struct buf *out_begin(struct conn *c)
{
    struct buf *b = &c->t->ws_out;

    b->n = 0;
    b->overflow = false;
    return b;
}

struct slice ws_frame(struct conn *c, struct slice msg)
{
    struct buf *b = out_begin(c);
    /* A text frame with anything but UTF-8 would end the connection (RFC 6455 s.8.1). */
    enum ws_opcode opcode = ws_is_utf8(msg) ? WS_TEXT : WS_BINARY;

    ws_put(c->t->ws, b, opcode, c->slot->outgoing, msg);
    return b->overflow ? SLICE_NONE : buf_slice(b);
}

static bool put_frame(struct conn *c, enum ws_opcode opcode, struct slice data)
{
    struct buf *b = out_begin(c);

    ws_put(c->t->ws, b, opcode, c->slot->outgoing, data);
    if (c->out.n - c->out.off + b->n > TRANSPORT_QUEUE_MAX) {
        conn_close(c, "the peer does not read what is sent to it");
        return false;
    }
    return stream_put(c, buf_slice(b)) == 0;
}

bool ws_ping(struct conn *c)
{
    c->pings++;
    return put_frame(c, WS_PING, SLICE_NONE);
}

void ws_bye(struct conn *c)
{
    struct buf *b = out_begin(c);
    uint8_t *p;

    ws_put_close(c->t->ws, b, c->slot->outgoing, c->code ? c->code : WS_CODE_GOING_AWAY);
    if (transport_kind_is_secure((enum transport_kind)c->slot->kind)) {
        err_ignore(tls_seal(c, buf_slice(b))); /* whoever does not read now has lost it */
    } else if ((p = queue_room(c->t, &c->out, b->n)) != NULL) {
        memcpy(p, b->p, b->n);
        c->out.n += (uint32_t)b->n;
    }
}

/* --- opening handshake ------------------------------------------------------------------------ */

/* The site's own pages are those that this server hands out: at the address that the browser came
 * to, or at a name of ours. A page that came unencrypted may be anyone's, except on this machine. */
static bool origin_is_ours(const struct conn *c, struct slice origin)
{
    struct upgrade_origin o;
    char local[ADDR_STR_MAX];
    struct buf b = buf_over(local, sizeof(local));
    const struct transport_cb *cb = &c->t->cb;
    bool on_loopback = addr_is_loopback(&c->slot->local);

    if (!upgrade_origin_parse(origin, &o))
        return false;
    addr_put_uri_host(&b, &c->slot->local);
    bool here = slice_eq_nocase(o.host, buf_slice(&b)) ||
                (on_loopback && slice_eq_nocase_str(o.host, "localhost"));
    if (here && (o.secure || on_loopback || c->slot->kind == TRANSPORT_WS))
        return true;
    return cb->origin && cb->origin(cb->arg, origin, o.host);
}

/* False, always: closed. */
static bool refuse(struct conn *c, enum upgrade_verdict v)
{
    struct buf *b = out_begin(c);

    log_event(LOG_DEBUG, "websocket_refused", LOG_A("peer", &c->slot->remote),
              LOG_STR("reason", upgrade_text(v)));
    upgrade_put_refusal(b, v);
    if (stream_put(c, buf_slice(b)) == 0 && stream_write(c))
        conn_close(c, upgrade_text(v));
    return false;
}

static bool takes_http(const struct conn *c)
{
    uint32_t i = c->slot->listener;
    return i < c->t->listener_count && c->t->listeners[i].http;
}

/* False: closed. */
static bool serve(struct conn *c, struct slice head)
{
    struct upgrade_request q;
    int v = upgrade_read(head, &q);

    if (v == UPGRADE_NOT_ASKED && takes_http(c)) {
        if (pipe_start(c))
            return true;
        v = UPGRADE_NO_WEB;
    }
    if (v == UPGRADE_NOT_ASKED)
        v = UPGRADE_ONLY_SIP;
    if (v == UPGRADE_ACCEPT && q.origin.n && !origin_is_ours(c, q.origin))
        v = UPGRADE_FOREIGN_ORIGIN;
    if (v != UPGRADE_ACCEPT)
        return refuse(c, (enum upgrade_verdict)v);
    struct buf *b = out_begin(c);
    upgrade_put_accept(b, q.key);
    return stream_put(c, buf_slice(b)) == 0 && stream_open(c) == 0;
}

/* The client's side of the same. False: closed. */
static bool was_served(struct conn *c, struct slice head)
{
    const char *why;

    if (!upgrade_is_accepted(head, c->key, &why)) {
        conn_close(c, why);
        return false;
    }
    free(c->key);
    c->key = NULL;
    return stream_open(c) == 0;
}

static void put_host(struct buf *b, const struct conn *c)
{
    struct slice name = slice_from_str(c->slot->name);

    if (name.n && slice_find_char(name, ':') == name.n)
        buf_put_slice(b, name);
    else
        addr_put_uri_host(b, &c->slot->remote);
    buf_put_char(b, ':');
    buf_put_u64(b, addr_port(&c->slot->remote));
}

bool ws_start(struct conn *c)
{
    uint8_t raw[16];
    char host[SLOT_TEXT_MAX + ADDR_STR_MAX];
    struct buf h = buf_over(host, sizeof(host)), *b = out_begin(c);
    size_t n;

    c->state = CONN_UPGRADE;
    c->active_ms = loop_now(c->t->loop);
    conn_timer_set(c);
    if (!c->slot->outgoing)
        return true;
    c->key = malloc(UPGRADE_KEY_LEN);
    if (!c->key) {
        conn_close(c, "no memory for a WebSocket");
        return false;
    }
    crypto_random(raw, sizeof(raw));
    crypto_base64_put(slice_from(raw, sizeof(raw)), c->key, UPGRADE_KEY_LEN, &n);
    put_host(&h, c);
    upgrade_put_request(b, buf_slice(&h), SLICE_LIT(TARGET), c->key);
    return stream_put(c, buf_slice(b)) == 0;
}

/* One head, when it is whole. False: closed, or not yet whole. */
static bool upgrade_input(struct conn *c, struct slice in, size_t *ret_n)
{
    int v = sip_head_size(in, TRANSPORT_HEAD_MAX, ret_n);

    if (v == SIP_FRAME_MORE)
        return false;
    if (v != SIP_FRAME_OK && !c->slot->outgoing)
        return refuse(c, UPGRADE_BAD_REQUEST);
    if (v != SIP_FRAME_OK) {
        conn_close(c, "the server's answer to the WebSocket request is no HTTP/1.1");
        return false;
    }
    struct slice head = slice_take(in, *ret_n);
    return c->slot->outgoing ? was_served(c, head) : serve(c, head);
}

/* --- messages --------------------------------------------------------------------------------- */

/* RFC 7118 s.5.1: one message of SIP in each message of the WebSocket. Between them CRLFs as on any
 * stream (RFC 5626 s.4.4.1). False: closed. */
static bool take_message(struct conn *c, struct slice msg, const struct transport_flow *f)
{
    size_t n = 0;

    while (n < msg.n && (msg.p[n] == '\r' || msg.p[n] == '\n'))
        n++;
    if (n < msg.n)
        return stream_take_message(c, slice_skip(msg, n), f);
    return !slice_eq_str(msg, "\r\n\r\n") || put_frame(c, WS_TEXT, SLICE_LIT("\r\n"));
}

/* False: closed. */
static bool take_item(struct conn *c, int verdict, const struct ws_item *item,
                      const struct transport_flow *f)
{
    switch ((enum ws_verdict)verdict) {
    case WS_IS_MESSAGE:
        return take_message(c, item->data, f);
    case WS_IS_PING:
        return put_frame(c, WS_PONG, item->data);
    case WS_IS_PONG:
    case WS_MORE:
        return true;
    case WS_IS_CLOSE: /* the code goes back (RFC 6455 s.5.5.1), and the connection ends */
        c->code = item->code;
        conn_close(c, "the peer closed the WebSocket");
        return false;
    case WS_BAD:
        c->code = item->code;
        conn_close(c, item->why);
        return false;
    }
    return false;
}

bool ws_input(struct conn *c, uint8_t *p, size_t n, struct slice *ret_left, bool *ret_progress)
{
    struct transport_flow f = conn_flow(c);
    struct ws_item item;
    size_t from = c->ws.message_n;
    int v;

    *ret_left = slice_from(p, n);
    if (c->state == CONN_UPGRADE && !upgrade_input(c, *ret_left, &from))
        return c->state == CONN_UPGRADE;
    if (c->state == CONN_PIPE)
        return pipe_input(c, p, n, ret_left);
    c->pings = 0;
    ws_begin(c->t->ws, &c->ws, !c->slot->outgoing, p, from, n);
    do {
        v = ws_next(c->t->ws, &item);
        *ret_progress = *ret_progress || v == WS_IS_MESSAGE;
        if (!take_item(c, v, &item, &f))
            return false;
    } while (v != WS_MORE);
    *ret_left = slice_from(p, ws_rest(c->t->ws));
    return true;
}
