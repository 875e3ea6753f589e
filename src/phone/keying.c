#include "phone/keying.h"

#include <stdlib.h>

#include "rtp/demux.h"

struct part {
    struct phone_keying *k;
    enum keying_component which;
    const struct keying_ops *ops;
    struct keying_engine *engine; /* NULL: none runs */
    uint32_t number;
    struct loop_timer timer;
    struct addr early_from; /* a ClientHello overtakes the answer that lets us make sense of it */
    size_t early_n;
    uint8_t early[PHONE_PACKET_MAX];
};

struct phone_keying {
    struct phone_keying_config cfg;
    struct part part[KEYING_COMPONENT_COUNT];
};

/* --- what is ours alone --------------------------------------------------------------------------- */

int phone_keying_local_init(struct keying_local *l, const struct keying_policy *p, uint64_t unix_s)
{
    struct crypto_dtls_identity id;

    int r = mikey_seen_new(unix_s, &l->mikey_seen);
    if (r < 0 || !memchr(p->keyings, KEYING_DTLS, p->keying_count))
        return r;
    r = crypto_dtls_identity_new(unix_s, &id);
    if (r == 0)
        r = crypto_dtls_new(&id, &l->dtls[0]);
    secret_wipe(&id, sizeof(id));
    return r;
}

void phone_keying_local_fini(struct keying_local *l)
{
    l->dtls[0] = crypto_dtls_free(l->dtls[0]);
    l->mikey_seen = mikey_seen_free(l->mikey_seen);
}

/* --- what an engine says ----------------------------------------------------------------------- */

static void on_send(void *arg, const void *packet, size_t n)
{
    struct part *p = arg;

    phone_media_put(p->k->cfg.media, p->which == KEYING_RTCP, packet, n);
}

static void on_timer_wanted(void *arg, uint64_t due_ms)
{
    struct part *p = arg;
    uint64_t now = loop_now(p->k->cfg.loop);

    if (due_ms == 0)
        loop_timer_cancel(p->k->cfg.loop, &p->timer);
    else
        loop_timer_set(p->k->cfg.loop, &p->timer, due_ms > now ? due_ms - now : 0);
}

static void on_secure(void *arg, const struct keying_yield *y)
{
    struct part *p = arg;

    if (keying_state_take(&p->k->cfg.session->keying, p->which, p->number, y))
        p->k->cfg.secure(p->k->cfg.arg);
}

static void on_failed(void *arg, enum keying_fault f, const char *why)
{
    (void)f;
    struct part *p = arg;

    p->k->cfg.failed(p->k->cfg.arg, why);
}

static bool on_find(void *arg, const uint8_t zid[ZRTP_ZID_LEN], struct zrtp_secrets *ret)
{
    struct part *p = arg;

    phone_zrtp_find(p->k->cfg.zrtp, zid, ret);
    return true;
}

static void on_save(void *arg, const uint8_t zid[ZRTP_ZID_LEN], const struct zrtp_secrets *s)
{
    struct part *p = arg;

    if (phone_zrtp_save(p->k->cfg.zrtp, zid, s) < 0)
        fprintf(stderr, "sotto: %s could not be written\n", p->k->cfg.zrtp->path);
}

static void on_timer(void *arg)
{
    struct part *p = arg;

    if (p->engine)
        p->ops->expired(p->engine, loop_now(p->k->cfg.loop));
}

/* --- life -------------------------------------------------------------------------------------- */

int phone_keying_new(const struct phone_keying_config *cfg, struct phone_keying **ret)
{
    struct phone_keying *k = calloc(1, sizeof(*k));

    if (!k)
        return -ENOMEM;
    k->cfg = *cfg;
    for (size_t i = 0; i < ARRAY_LEN(k->part); i++) {
        k->part[i].k = k;
        k->part[i].which = (enum keying_component)i;
        loop_timer_init(&k->part[i].timer, on_timer, &k->part[i]);
    }
    *ret = k;
    return 0;
}

static void stop(struct part *p)
{
    if (p->engine)
        p->engine = p->ops->free(p->engine);
    loop_timer_cancel(p->k->cfg.loop, &p->timer);
}

struct phone_keying *phone_keying_free(struct phone_keying *k)
{
    if (k) {
        for (size_t i = 0; i < ARRAY_LEN(k->part); i++)
            stop(&k->part[i]);
        free(k);
    }
    return NULL;
}

/* --- going on ---------------------------------------------------------------------------------- */

static void hear(struct part *p, struct slice packet, const struct addr *from)
{
    const struct phone_media_terms *t = &p->k->cfg.session->terms;

    if (rtp_demux((const uint8_t *)packet.p, packet.n) != p->ops->packet_kind)
        return;
    if (addr_eq(from, p->which == KEYING_RTCP ? &t->rtcp : &t->rtp))
        p->ops->packet(p->engine, packet, loop_now(p->k->cfg.loop));
}

static void start(struct part *p, const struct keying_ops *ops)
{
    const struct phone_session *s = p->k->cfg.session;
    const struct keying_engine_env env = {.arg = p,
                                          .local = s->policy.local,
                                          .send = on_send,
                                          .timer = on_timer_wanted,
                                          .secure = on_secure,
                                          .failed = on_failed,
                                          .find = on_find,
                                          .save = on_save};

    p->ops = ops;
    p->number = s->keying.wanted;
    if (ops->start(&env, &s->keying, p->which, loop_now(p->k->cfg.loop), &p->engine) < 0) {
        p->engine = NULL;
        on_failed(p, KEYING_FAULT_INTERNAL, "the handshake for keys could not be begun");
        return;
    }
    size_t n = p->early_n;
    p->early_n = 0;
    if (n > 0)
        hear(p, slice_from(p->early, n), &p->early_from);
}

static void update(struct part *p)
{
    const struct phone_session *s = p->k->cfg.session;
    const struct keying_ops *ops = keying_find((enum keying_kind)s->keying.active);
    /* With ICE there may be no way to the peer yet. */
    bool has_way = !s->ice || !s->ice->on ||
                   addr_family(p->which == KEYING_RTCP ? &s->terms.rtcp : &s->terms.rtp) != 0;
    bool wanted = has_way && s->agreed && ops && ops->start && !s->keying.held &&
                  s->keying.wanted != 0 && (p->which == KEYING_RTP || s->terms.rtcp_apart);

    if (wanted && p->engine && p->ops == ops && p->number == s->keying.wanted)
        return;
    stop(p);
    if (wanted)
        start(p, ops);
}

void phone_keying_update(struct phone_keying *k)
{
    for (size_t i = 0; i < ARRAY_LEN(k->part); i++)
        update(&k->part[i]);
}

void phone_keying_verify(struct phone_keying *k, bool verified)
{
    struct part *p = &k->part[KEYING_RTP];

    if (p->engine && p->ops->verify)
        p->ops->verify(p->engine, verified);
}

void phone_keying_packet(struct phone_keying *k, bool rtcp, struct slice packet,
                         const struct addr *from)
{
    struct part *p = &k->part[rtcp ? KEYING_RTCP : KEYING_RTP];

    if (p->engine) {
        hear(p, packet, from);
    } else if (packet.n <= sizeof(p->early)) {
        memcpy(p->early, packet.p, packet.n);
        p->early_n = packet.n;
        p->early_from = *from;
    }
}
