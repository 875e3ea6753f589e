/* TLS of a connection: the handshake until it is done, then records. The record state lies in the
 * connection's slot, where the next process finds it. */
#include "transport/internal.h"

static int put_output(struct conn *c)
{
    struct slice s = crypto_tls_hs_output(c->hs);

    if (s.n == 0)
        return 0;
    uint8_t *p = queue_room(c->t, &c->out, s.n);
    if (!p)
        return -ENOMEM;
    memcpy(p, s.p, s.n);
    c->out.n += (uint32_t)s.n;
    return 0;
}

int tls_connect(struct conn *c)
{
    size_t used;
    int r = crypto_tls_hs_connect(c->t->tls, slice_from_str(c->slot->name), &c->hs);

    if (r < 0)
        return r;
    r = crypto_tls_hs_feed(c->hs, SLICE_NONE, &used);
    if (r != CRYPTO_TLS_HS_MORE)
        return -EPROTO;
    return put_output(c);
}

static int export_state(struct conn *c)
{
    struct conn_slot *s = c->slot;
    struct crypto_tls_info info;
    int r = crypto_tls_hs_export(c->hs, &s->tls, &info);

    if (r < 0)
        return r;
    _Static_assert(sizeof(info.sni) <= SLOT_TEXT_MAX && sizeof(info.subject) <= SLOT_TEXT_MAX,
                   "names fit the slot");
    s->peer_verified = info.peer_verified;
    memcpy(s->subject, info.subject, sizeof(info.subject));
    if (!s->outgoing)
        memcpy(s->name, info.sni, sizeof(info.sni));
    c->hs = crypto_tls_hs_free(c->hs);
    return 0;
}

bool tls_handshake(struct conn *c, size_t n)
{
    struct transport *t = c->t;
    size_t used = n;

    /* Not before the first byte: a port scanner costs no OpenSSL object. */
    if (!c->hs && crypto_tls_hs_accept(t->tls, &c->hs) < 0) {
        conn_close(c, "no memory for a TLS handshake");
        return false;
    }
    int v = crypto_tls_hs_feed(c->hs, slice_from(t->input, n), &used);
    if (v < 0 || put_output(c) < 0) {
        conn_close(c, "no memory for a TLS handshake");
        return false;
    }
    if (v == CRYPTO_TLS_HS_FAILED) {
        enum crypto_tls_fault fault = crypto_tls_hs_fault(c->hs);
        const char *reason = crypto_tls_fault_text(fault);
        t->counts.handshakes_failed[fault]++;
        if (stream_write(c)) /* the alert */
            conn_close(c, reason);
        return false;
    }
    /* The handshake's own bytes leave at once: the peer waits for them. */
    if (!stream_write(c))
        return false;
    if (v == CRYPTO_TLS_HS_MORE) {
        c->reading = false;
        return true;
    }
    if (export_state(c) < 0) {
        conn_close(c, "the TLS session cannot be taken over");
        return false;
    }
    memmove(t->input, t->input + used, n - used);
    stream_established(c, n - used);
    return c->state == CONN_OPEN;
}

struct tls_opened tls_open(struct conn *c, uint8_t *base, size_t plain_n, size_t n)
{
    struct tls_opened o = {.plain = base, .plain_n = plain_n, .rest = base + plain_n, .rest_n = n};
    struct slice data;
    size_t used;

    for (;;) {
        o.verdict = crypto_tls_open(c->t->aead, &c->slot->tls, o.rest, o.rest_n, &used, &data);
        if (o.verdict != CRYPTO_TLS_DATA)
            break;
        /* Records shrink when opened, so text moves down; the first one need not move at all. */
        if (o.plain_n == 0)
            o.plain = base + (data.n ? (size_t)((const uint8_t *)data.p - base) : 0);
        else
            memmove(o.plain + o.plain_n, data.p, data.n);
        o.plain_n += data.n;
        o.rest += used;
        o.rest_n -= used;
    }
    if (o.verdict < 0)
        o.verdict = CRYPTO_TLS_UNEXPECTED;
    return o;
}

int tls_seal(struct conn *c, struct slice msg)
{
    uint8_t *p = queue_room(c->t, &c->out, crypto_tls_seal_room(&c->slot->tls, msg.n));
    size_t n;

    if (!p)
        return -ENOMEM;
    int r = crypto_tls_seal(c->t->aead, &c->slot->tls, msg, p, &n);
    if (r == 0)
        c->out.n += (uint32_t)n;
    return r;
}

void tls_bye(struct conn *c)
{
    uint8_t *p = queue_room(c->t, &c->out, CRYPTO_TLS_ALERT_ROOM);
    size_t n;

    if (p && crypto_tls_seal_alert(c->t->aead, &c->slot->tls, c->alert, p, &n) == 0)
        c->out.n += (uint32_t)n;
}
