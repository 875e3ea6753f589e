/* For tests, fuzzers and benches of keying/dtls only: two ends with certificates of their own, a
 * network between them that can lose, and a clock. */
#ifndef SOTTO_KEYING_DTLS_RIG_H
#define SOTTO_KEYING_DTLS_RIG_H

#include <assert.h>
#include <sys/time.h>

#include "keying/dtls_engine.h"
#include "keying/dtls_wire.h"
#include "keying/negotiate.h"

#define RIG_UNIX 1700000000u
#define RIG_QUEUE 32
#define RIG_UNUSED __attribute__((unused))

static RIG_UNUSED uint64_t rig_now = 1000000; /* ms */

struct rig_end {
    struct keying_state s;
    struct keying_policy p;
    struct keying_local local;
    struct keying_result res;
    struct keying_engine *engine;
    struct rig_end *peer;
    char text[2048];
    uint64_t due; /* 0: no timer */
    unsigned secure, said;
    bool lose;
    const char *failed;
    size_t n; /* datagrams that have come */
    struct rig_datagram {
        size_t n;
        uint8_t b[CRYPTO_DTLS_MTU];
    } in[RIG_QUEUE];
};

/* --- who -------------------------------------------------------------------------------------- */

static RIG_UNUSED void rig_identify(struct keying_local *l)
{
    struct crypto_dtls_identity id;
    int r = crypto_dtls_identity_new(RIG_UNIX, &id);
    assert(r == 0);
    crypto_dtls_free(l->dtls[1]);
    l->dtls[1] = l->dtls[0];
    r = crypto_dtls_new(&id, &l->dtls[0]);
    assert(r == 0);
    (void)r;
}

static RIG_UNUSED void rig_end_init(struct rig_end *e)
{
    memset(e, 0, sizeof(*e));
    rig_identify(&e->local);
    e->p = (struct keying_policy){.protection = PROTECTION_REQUIRED,
                                  .keying_count = 1,
                                  .keyings = {KEYING_DTLS},
                                  .local = &e->local};
}

static RIG_UNUSED void rig_end_stop(struct rig_end *e)
{
    if (e->engine)
        e->engine = keying_dtls.free(e->engine);
}

static RIG_UNUSED void rig_end_fini(struct rig_end *e)
{
    rig_end_stop(e);
    for (size_t i = 0; i < DTLS_IDENTITIES; i++)
        e->local.dtls[i] = crypto_dtls_free(e->local.dtls[i]);
}

/* --- descriptions ------------------------------------------------------------------------------ */

static RIG_UNUSED int rig_offers(struct rig_end *e)
{
    struct buf b = buf_over(e->text, sizeof(e->text) - 1);
    struct keying_state next;
    int r = keying_local_offer(&e->s, &e->p, &b, &next, &e->res);
    e->text[b.n] = '\0';
    if (r == KEYING_OK)
        e->s = next;
    return r;
}

static RIG_UNUSED int rig_offered(struct rig_end *e, const char *text)
{
    struct buf b = buf_over(e->text, sizeof(e->text) - 1);
    struct keying_state next;
    int r = keying_remote_offer(&e->s, &e->p, KEYING_UDP_TLS_SAVPF, slice_from_str(text), &b, &next,
                                &e->res);
    e->text[b.n] = '\0';
    if (r == KEYING_OK)
        e->s = next;
    return r;
}

static RIG_UNUSED int rig_answered(struct rig_end *e, const char *text)
{
    struct keying_state next;
    int r = keying_remote_answer(&e->s, &e->p, KEYING_UDP_TLS_SAVPF, slice_from_str(text), &next,
                                 &e->res);
    if (r == KEYING_OK)
        e->s = next;
    return r;
}

/* --- handshakes -------------------------------------------------------------------------------- */

static void rig_send(void *arg, const void *p, size_t n)
{
    struct rig_end *e = arg;
    e->said++;
    assert(n <= CRYPTO_DTLS_MTU);
    if (e->lose || !e->peer || e->peer->n == RIG_QUEUE)
        return;
    memcpy(e->peer->in[e->peer->n].b, p, n);
    e->peer->in[e->peer->n++].n = n;
}

static void rig_timer(void *arg, uint64_t due_ms)
{
    ((struct rig_end *)arg)->due = due_ms;
}

static void rig_secure(void *arg, const struct keying_yield *y)
{
    struct rig_end *e = arg;
    bool taken = keying_state_take(&e->s, KEYING_RTP, e->s.wanted, y);
    assert(taken);
    (void)taken;
    e->secure++;
}

static void rig_failed(void *arg, enum keying_fault f, const char *why)
{
    (void)f;
    ((struct rig_end *)arg)->failed = why;
}

static RIG_UNUSED void rig_start(struct rig_end *e)
{
    const struct keying_engine_env env = {.arg = e,
                                          .local = &e->local,
                                          .send = rig_send,
                                          .timer = rig_timer,
                                          .secure = rig_secure,
                                          .failed = rig_failed};
    rig_end_stop(e);
    e->due = 0;
    int r = keying_dtls.start(&env, &e->s, KEYING_RTP, rig_now, &e->engine);
    assert(r == 0);
    (void)r;
}

static RIG_UNUSED void rig_hear(struct rig_end *e)
{
    struct rig_datagram d;
    while (e->n > 0) {
        d = e->in[0];
        memmove(e->in, e->in + 1, --e->n * sizeof(e->in[0]));
        if (e->engine)
            keying_dtls.packet(e->engine, slice_from(d.b, d.n), rig_now);
    }
}

static RIG_UNUSED void rig_talk(struct rig_end *a, struct rig_end *b)
{
    while (a->n || b->n) {
        rig_hear(a);
        rig_hear(b);
    }
}

/* `a` offers, `b` answers; both have engines, nothing has been said but by a client. */
static RIG_UNUSED void rig_pair(struct rig_end *a, struct rig_end *b)
{
    rig_end_init(a);
    rig_end_init(b);
    a->peer = b;
    b->peer = a;
    int r = rig_offers(a);
    assert(r == KEYING_OK);
    r = rig_offered(b, a->text);
    assert(r == KEYING_OK);
    r = rig_answered(a, b->text);
    assert(r == KEYING_OK);
    (void)r;
    rig_start(a);
    rig_start(b);
}

#endif
